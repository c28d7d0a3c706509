"""Packages of the host that a tenant may read: by import name with what they require, or a folder.

Nothing is copied: the files are mounted read-only in a folder of their own, beside nothing else.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import (
    Distribution,
    PackageNotFoundError,
    distribution,
    packages_distributions,
)
from pathlib import Path

from packaging.requirements import Requirement


@dataclass(frozen=True, slots=True)
class Package:
    """A file or folder that Python can import."""

    name: str
    """Its name in the folder of packages."""
    source: str
    """Its path on the host."""


def find(names: Collection[str]) -> list[Package]:
    """What the packages of these names consist of, and all that they require.

    Args:
        names: import names such as `numpy`, or paths of folders that hold one package each.

    Raises:
        ValueError: no such package is installed, or no such folder exists.
    """
    found: dict[str, Package] = {}
    owners = packages_distributions() if names else {}
    for name in names:
        if os.sep in name:
            folder = Path(name).resolve()
            if not folder.is_dir():
                raise ValueError(f"packages={name!r}: there is no such folder")
            found[folder.name] = Package(folder.name, str(folder))
        elif name in owners:
            for owner in _with_requirements(owners[name]):
                found |= {package.name: package for package in _parts(owner)}
        else:
            raise ValueError(
                f"packages={name!r}: no installed package is imported by this name; "
                "give an import name, or the path of a package's folder"
            )
    for package in found.values():
        _check(package)
    return [found[name] for name in sorted(found)]


def _check(package: Package) -> None:
    """See that no more than a package would be shown.

    Raises:
        ValueError: it holds the home folder, or this Python.
    """
    for place in (Path.home(), Path(sys.executable), Path(sys.base_prefix, "bin")):
        if place.resolve().is_relative_to(package.source):
            raise ValueError(f"packages={package.source!r}: it holds {place}, and is no package")


def _with_requirements(names: Iterable[str]) -> Iterator[Distribution]:
    """The distributions of these names, and those that they need on this machine."""
    waiting, seen = list(names), set[str]()
    while waiting:
        name = waiting.pop()
        try:
            owner = distribution(name)
        except PackageNotFoundError:
            continue  # an optional one that is not installed
        if owner.metadata["Name"] in seen:
            continue
        seen.add(owner.metadata["Name"])
        yield owner
        for line in owner.requires or ():
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                waiting.append(requirement.name)


def _parts(owner: Distribution) -> Iterator[Package]:
    """The files and folders that a distribution put beside those of others."""
    files = [file for file in owner.files or () if file.parts and not file.is_absolute()]
    for name in sorted({file.parts[0] for file in files} - {"..", "__pycache__"}):
        yield Package(name, str(Path(str(owner.locate_file(name))).resolve()))
