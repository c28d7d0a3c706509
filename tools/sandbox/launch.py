"""With what command, environment and settings a zygote is started.

A way of isolating code only says what goes before the interpreter, and where in the isolation
things are; the rest is the same for all of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

INSIDE = Path(__file__).parent / "inside"
BEGIN = """
import gc, sys
gc.disable()
sys.path.insert(0, sys.argv[1])
from inside.start import main
sys.path[:] = [*sys.path[1:], sys.argv[3]]
number = int(sys.argv[2])
del sys.argv[:]
main(number)
"""
ENVIRONMENT = {
    "HOME": "/box/work",
    "LANG": "C.UTF-8",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "PYTHONHASHSEED": "0",
    "TMPDIR": "/tmp",
}
"""All that a tenant's environment holds; sets of strings have the same order in every run."""


@dataclass(frozen=True, slots=True)
class Launch:
    """How a zygote is started."""

    arguments: list[str]
    """Put before the interpreter's own; empty where it isolates itself."""
    interpreter: str
    folder: str
    """The folder that has `inside` in it, as the process will see it."""
    packages: str
    """The folder of packages that are allowed, as the process will see it."""
    config: dict[str, object] = field(default_factory=dict)
    """What `inside.start.main` is to be told besides the limits."""
    descriptors: list[int] = field(default_factory=list)
    """Those that the arguments name; whoever starts the zygote closes them."""

    def command(self, descriptor: int) -> list[str]:
        """The whole command, for a zygote that speaks on this descriptor."""
        python = [self.interpreter, "-s", "-S", "-P", "-c", BEGIN]
        return [*self.arguments, *python, self.folder, str(descriptor), self.packages]
