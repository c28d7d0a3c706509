"""The sources of what was run, for tracebacks and `inspect`, which look for them in `linecache`.

To import that takes as long as to start Python, and most code that is run never asks. So where it
is not there yet, it gets the sources when somebody imports it.
"""

from __future__ import annotations

import sys
from _frozen_importlib_external import PathFinder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any

NAME = "linecache"


class Sources:
    """What was run, by the name of its file."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self._waiting: dict[str, Any] = {}

    def add(self, name: str, code: str) -> None:
        """Remember a source: without a time it stays, whatever is on the disk."""
        self.names.add(name)
        entry = len(code), None, code.splitlines(keepends=True), name
        if module := sys.modules.get(NAME):
            module.cache[name] = entry
            return
        if not self._waiting:
            sys.meta_path.insert(0, self)
        self._waiting[name] = entry

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Where to find a module: what the import system asks."""
        spec = PathFinder.find_spec(name, path, target) if name == NAME else None
        if spec is not None:
            spec.loader = _Filled(spec, self._waiting)  # type: ignore[assignment]
        return spec


class _Filled:
    """Loads a `linecache` that has the sources in it."""

    def __init__(self, spec: ModuleSpec, waiting: dict[str, Any]) -> None:
        self._spec = spec
        self._loader: Any = spec.loader
        self._waiting = waiting

    def create_module(self, spec: ModuleSpec) -> None:
        """Have it made as usual."""

    def exec_module(self, module: ModuleType) -> None:
        """Run its code, and leave no trace of this class."""
        self._spec.loader = module.__loader__ = self._loader
        self._loader.exec_module(module)
        module.cache.update(self._waiting)
