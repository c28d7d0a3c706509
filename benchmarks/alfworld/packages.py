"""The optional packages of this benchmark, imported only when a game is made or played."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType


def require_alfworld() -> ModuleType:
    """The planner module, with `alfworld` and `textworld` known to be there.

    Raises:
        ImportError: one of them is missing; the message says how to install it.
    """
    try:
        import_module("textworld.envs.pddl")
        import_module("alfworld.gen.constants")
        return import_module("fast_downward")
    except ImportError as error:
        raise _missing(error) from error


def require_alfred() -> None:
    """Make sure that `alfworld`, with ALFRED's tables and texts, is there; much is not imported.

    Raises:
        ImportError: it is missing; the message says how to install it.
    """
    try:
        import_module("alfworld.gen.constants")
    except ImportError as error:
        raise _missing(error) from error


def _missing(error: ImportError) -> ImportError:
    return ImportError(
        f'ALFWorld needs a package that is missing ({error}): pip install "symposia[alfworld]"'
    )
