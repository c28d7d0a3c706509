"""What users bring from modules of their own, named as `module:name`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
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


def with_options(made: Callable[..., Any], name: str, options: Mapping[str, Any]) -> Any:
    """What `made` gives for the options that a user set.

    Args:
        name: what users call it, in messages.

    Raises:
        ValueError: it does not take an option, or lacks one; the message lists those that exist.
    """
    try:
        return made(**options)
    except TypeError as error:
        known = inspect.signature(made).parameters
        reason = _misfit(known, options) or str(error)
        listed = ", ".join(known) or "none"
        raise ValueError(f"{name}: {reason}; its options are: {listed}") from error


def _misfit(known: Mapping[str, inspect.Parameter], options: Mapping[str, Any]) -> str:
    """Which option is unknown or missing, in the words of whoever set it; empty where none is."""
    kinds = {each.kind for each in known.values()}
    unknown = [key for key in options if key not in known]
    if unknown and inspect.Parameter.VAR_KEYWORD not in kinds:
        close = get_close_matches(unknown[0], known, 1)
        hint = f" (did you mean {close[0]!r}?)" if close else ""
        return f"it has no option {unknown[0]!r}{hint}"
    for key, each in known.items():
        required = each.default is each.empty and each.kind not in (
            each.VAR_KEYWORD,
            each.VAR_POSITIONAL,
        )
        if required and key not in options:
            return f"it needs the option {key!r}"
    return ""
