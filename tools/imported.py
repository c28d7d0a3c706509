"""What users bring from modules of their own, named as `module:name`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from typing import Any


def imported(place: str, what: str, form: str, known: Iterable[str]) -> Callable[..., Any]:
    """The class or function at `place`, written as `module:name`.

    Args:
        what: what it is, in messages: `environment`, `team`.
        form: what stands after the colon: `Class`, `function`.
        known: names that would have been understood instead.

    Raises:
        ValueError: there is none; the message lists what is known.
        ImportError: the module imports what is not installed.
    """
    module, _, name = place.partition(":")
    if not name or not all(module.split(".")):
        raise ValueError(
            f"unknown {what} {place!r}; there are: {', '.join(known)}; "
            f"your own is named as module:{form}"
        )
    try:
        found = getattr(import_module(module), name, None)
    except ModuleNotFoundError as error:
        if not f"{module}.".startswith(f"{error.name}."):
            raise ImportError(f"{module} imports {error.name}, which is not installed") from error
        raise ValueError(f"no {what} at {place!r}: {error}") from error
    if not callable(found):
        raise ValueError(f"no {what} at {place!r}: {module} has no {form.lower()} {name!r}")
    made: Callable[..., Any] = found
    return made
