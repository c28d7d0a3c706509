"""The jobs of a worker: run code, load code and test it.

This runs inside the isolation, in the process that will run code nobody trusts. It is standard
library only and knows nothing of the sandbox around it: the worker gives a `Kernel` one job after
the other, each a dict that came as JSON, and sends back the dict that it answers.
"""

from __future__ import annotations

from typing import Any


class Kernel:
    """The namespace of one tenant and what is done in it; when it leaves, the process ends."""

    def perform(self, job: dict[str, Any]) -> dict[str, Any]:
        """Do one job and say how it went; never raises.

        Kinds of job, each with `code`:
            `run`: a script or a cell in `__main__`; a later one sees the names of the earlier.
            `load`: a module to be tested; `coverage` (bool) counts its lines.
            `test`: one test of the module that was loaded.

        Every job has a `nonce`, and may have `files` (name to base64), written first, and
        `collect` (globs), read at the end.

        Returns:
            `nonce` and `status` (`ok`, `error`, `exit` or `memory`), and where they apply `value`,
            `error_type`, `bases`, `error`, `traceback`, `line`, `exit_code`, `files` (name to
            base64), `truncated`, `lines`.
        """
        raise NotImplementedError
