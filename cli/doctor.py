"""What works on this machine, what is missing, and the command that mends it.

Looks at what is installed without importing it, so it is quick and works when a package is broken.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.util import find_spec
from pathlib import Path

from packaging.requirements import Requirement
from rich.table import Table
from rich.text import Text

from ..benchmarks.cache import cache_folder
from ..tools.sandbox import available

WEIGHTS = Path(__file__).resolve().parents[1] / "models" / "tiny" / "weights"
OLDEST_SQLITE = (3, 24, 0)
"""The first that has the `ON CONFLICT` clause."""
LEAST_MEMORY = 2 * 2**30
"""Bytes that PyTorch and the bundled model take with room to spare."""


@dataclass(frozen=True, slots=True)
class Feature:
    """Something that the package can do, and the packages that it takes."""

    name: str
    extra: str = ""
    """The optional dependencies that bring it, as in `pip install "symposia[EXTRA]"`."""
    only: tuple[str, ...] = ()
    """The packages of the extra that this feature takes; all by default."""
    spacy_model: str = ""
    """A model of spaCy that it takes besides."""


FEATURES = (
    Feature("core"),
    Feature("local models", "local"),
    Feature("hosted models", "hosted"),
    Feature("ALFWorld", "alfworld"),
    Feature("WebShop", "webshop", ("numpy",)),
    Feature("WebShop's official rewards", "webshop", ("spacy",), "en_core_web_sm"),
    Feature("reasoning-gym", "reasoning"),
    Feature("Gymnasium environments", "gym"),
    Feature("mathematical answers", "math"),
    Feature("memory", "memory"),
    Feature("memory on PostgreSQL", "postgres"),
    Feature("tools of MCP servers", "mcp"),
    Feature("sandbox server", "sandbox-server"),
    Feature("reports and drawing", "view", ("matplotlib", "jinja2")),
    Feature("Parquet", "view", ("pyarrow",)),
    Feature("LoRA adapters", "train", ("peft",)),
    Feature("training", "train"),
)


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the diagnosis."""

    feature: str
    needs: str
    """What the feature takes."""
    found: str
    """What is here, with versions."""
    ok: bool
    """Whether the feature can be used."""
    remedy: str
    """What to do where it cannot; empty where it can."""


def diagnose() -> list[Check]:
    """Every check, packages first, then data, then the machine. None raises."""
    return [
        *map(_packages, FEATURES),
        _weights(),
        _alfworld(),
        _data(),
        _cache(),
        _sqlite(),
        _sandbox(),
        _memory(),
        _gpu(),
    ]


def render(checks: Sequence[Check]) -> Table:
    """The checks as a table for the terminal."""
    table = Table(title="symposia doctor", title_justify="left")
    for name in ("feature", "", "needs", "found", "to do"):
        table.add_column(name, overflow="fold")
    for check in checks:
        mark = Text("ok", "green") if check.ok else Text("no", "yellow")
        table.add_row(
            check.feature, mark, *map(Text, (check.needs, check.found)), Text(check.remedy, "bold")
        )
    return table


def _packages(feature: Feature) -> Check:
    wanted = f"symposia[{feature.extra}]" if feature.extra else "symposia"
    remedy = f'pip install "{wanted}"'
    try:
        needed = [
            requirement
            for requirement in _requirements(feature.extra)
            if not feature.only or requirement.name in feature.only
        ]
    except PackageNotFoundError:
        return Check(feature.name, wanted, "symposia is not installed", False, remedy)
    found, ok = [], bool(needed)
    for requirement in needed:
        here = _version(requirement.name)
        enough = here is not None and requirement.specifier.contains(here, prereleases=True)
        ok &= enough
        note = "" if enough else " (missing)" if here is None else " (too old)"
        found.append(f"{requirement.name} {here or ''}".strip() + note)
    needs = [f"{r.name}{r.specifier}" for r in needed] or [wanted]
    found = found or ["the installed symposia does not know this extra"]
    if model := feature.spacy_model:
        needs.append(model)
        if ok and find_spec(model) is None:
            ok, remedy = False, f"python -m spacy download {model}"
            found.append(f"{model} (missing)")
    return Check(feature.name, ", ".join(needs), ", ".join(found), ok, "" if ok else remedy)


def _requirements(extra: str) -> Iterator[Requirement]:
    """What symposia's own metadata asks for: always, or for one extra and those it includes."""
    for line in requires("symposia") or ():
        requirement = Requirement(line)
        marker = requirement.marker
        always = marker is None or marker.evaluate({"extra": ""})
        if always == bool(extra) or (marker and not marker.evaluate({"extra": extra})):
            continue
        if requirement.name == "symposia":
            for included in sorted(requirement.extras):
                yield from _requirements(included)
        else:
            yield requirement


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _weights() -> Check:
    files = ("config.json", "model.safetensors")
    ok = all((WEIGHTS / file).is_file() for file in files)
    return Check(
        "bundled model `tiny`",
        " and ".join(files),
        str(WEIGHTS) if ok else "its weights are missing",
        ok,
        "" if ok else "pip install --force-reinstall --no-deps symposia",
    )


def _alfworld() -> Check:
    """Where the environment looks: a folder of games, an archive, or a folder of archives."""
    value = os.environ.get("ALFWORLD_DATA")
    place = Path(value).expanduser() if value else Path.home() / ".cache" / "alfworld"
    kinds = ("json_2.1.1", "*.tar.*", "**/game.tw-pddl")
    ok = os.access(place, os.R_OK) and (
        place.is_file() or any(next(place.glob(kind), None) for kind in kinds)
    )
    return Check(
        "ALFWorld's official games",
        "games in ALFWORLD_DATA (optional: generated games need none)",
        str(place) if ok else f"none in {place}",
        ok,
        "" if ok else "alfworld-download, or export ALFWORLD_DATA=FOLDER",
    )


def _data() -> Check:
    value = os.environ.get("SYMPOSIA_DATA", "")
    ok = os.path.isdir(value) and os.access(value, os.R_OK | os.X_OK)
    return Check(
        "other official data",
        "SYMPOSIA_DATA, a readable folder (optional)",
        "not set" if not value else value if ok else f"{value} cannot be read",
        ok,
        "" if ok else "export SYMPOSIA_DATA=FOLDER",
    )


def _cache() -> Check:
    folder = cache_folder()
    nearest = next(f for f in (folder, *folder.parents) if f.exists())
    ok = nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)
    remedy = "" if ok else "export SYMPOSIA_CACHE=FOLDER"
    return Check("cache", "a folder that can be written", str(folder), ok, remedy)


def _sqlite() -> Check:
    with tempfile.TemporaryDirectory() as folder:
        database = sqlite3.connect(Path(folder, "probe.sqlite"))
        (mode,) = database.execute("PRAGMA journal_mode=WAL").fetchone()
        database.close()
    ok = sqlite3.sqlite_version_info >= OLDEST_SQLITE and mode == "wal"
    return Check(
        "episode store",
        f"SQLite {'.'.join(map(str, OLDEST_SQLITE))} with WAL",
        f"SQLite {sqlite3.sqlite_version}, journal mode {mode}",
        ok,
        "" if ok else "use a Python built with a newer SQLite",
    )


def _sandbox() -> Check:
    """Each local way of isolating code is really tried."""
    found = asyncio.run(available())
    ok = not all(found.values())
    return Check(
        "Python sandbox",
        "bubblewrap, or Linux 5.13 with user namespaces",
        "; ".join(f"{name}: {why or 'works'}" for name, why in found.items()),
        ok,
        "" if ok else "mend one of them, or use the backend docker or remote",
    )


def _memory() -> Check:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        memory = None
    ok = memory is None or memory >= LEAST_MEMORY
    size = "memory unknown" if memory is None else f"{memory / 2**30:.1f} GiB of memory"
    return Check(
        "machine",
        f"{LEAST_MEMORY / 2**30:.0f} GiB of memory for local models",
        f"{cores} CPU cores, {size}",
        ok,
        "" if ok else "use hosted models",
    )


def _gpu() -> Check:
    """CUDA takes a driver, and a PyTorch that is not built for the CPU alone."""
    torch = _version("torch") if find_spec("torch") else None
    gpus = _gpus()
    ok = bool(gpus and torch and "+cpu" not in torch)
    remedy = "nothing: models run on the CPU"
    if gpus and not ok:
        remedy = "pip install --force-reinstall torch, in a build with CUDA (see pytorch.org)"
    return Check(
        "CUDA",
        "an NVIDIA GPU and PyTorch with CUDA (optional)",
        f"{', '.join(gpus) or 'no GPU'}; torch {torch or 'missing'}",
        ok,
        "" if ok else remedy,
    )


def _gpus() -> list[str]:
    if (program := shutil.which("nvidia-smi")) is None:
        return []
    ask = [program, "--query-gpu=name", "--format=csv,noheader"]
    try:
        said = subprocess.run(ask, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return []
    return [line.strip() for line in said.stdout.splitlines() if line.strip()]
