"""A run in parts: machines that know nothing of each other play a part each, and parts are merged.

Part 3 of 8 plays every eighth task from the third on, so the same list of tasks is always cut the
same way, and since an episode's seed depends on the run's seed, the task and the attempt alone, it
is the episode that the whole run would have played. Each part is a run of its own, named after the
whole and resumable like any other; its manifest says which part it is, of how many, and of which
tasks.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..episodes import EpisodeStore, Task

log = logging.getLogger(__name__)
SHARD = "shard"
"""Where a manifest's config says which part the run is."""
VERSIONS = ("python", "packages", "git")
"""Of a manifest: what may differ between parts, with a warning."""


@dataclass(frozen=True, slots=True)
class Shard:
    """One part of a run's tasks.

    Raises:
        ValueError: there is no such part.
    """

    part: int
    """Counted from 1."""
    of: int

    def __post_init__(self) -> None:
        if not 1 <= self.part <= self.of:
            raise ValueError(f"shard {self}: parts are counted from 1 to their number")

    def __str__(self) -> str:
        return f"{self.part}/{self.of}"

    @classmethod
    def parse(cls, text: str) -> Shard:
        """The shard that `3/8` names.

        Raises:
            ValueError: it names none.
        """
        part, slash, of = text.partition("/")
        if not (slash and part.isdecimal() and of.isdecimal()):
            raise ValueError(f"shard {text!r}: write it as part/parts, for example 3/8")
        return cls(int(part), int(of))

    def take(self, tasks: Sequence[Task]) -> list[Task]:
        """The tasks of this part.

        Raises:
            ValueError: there are more parts than tasks.
        """
        if len(tasks) < self.of:
            raise ValueError(f"{len(tasks)} tasks cannot be cut into {self.of} shards")
        return list(tasks[self.part - 1 :: self.of])

    def run(self, whole: str) -> str:
        """The name of this part of the run `whole`."""
        return f"{whole}-{self.part}of{self.of}"

    def config(self, whole: str, tasks: Iterable[Task]) -> dict[str, Any]:
        """What the manifest says of this part.

        Args:
            whole: the name of the whole run.
            tasks: of all parts together.
        """
        ids = "\n".join(task.id for task in tasks)
        digest = hashlib.sha256(ids.encode()).hexdigest()[:16]
        return {"part": self.part, "of": self.of, "run": whole, "tasks": digest}


@dataclass(frozen=True, slots=True)
class Merged:
    """What came of merging one run."""

    run: str
    sources: Sequence[str]
    added: int
    """Episodes that are new in the merged run."""
    known: int
    """Episodes that it had already, or that two sources had."""
    missing: Sequence[str]
    """Parts that no source has."""


@dataclass(frozen=True, slots=True)
class _Source:
    """One run of a store."""

    store: EpisodeStore
    run: str
    manifest: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.run} in {self.store.path}"

    @property
    def shard(self) -> dict[str, Any] | None:
        held: dict[str, Any] | None = self.manifest["config"].get(SHARD)
        return held

    @property
    def whole(self) -> str:
        return str(self.shard["run"]) if self.shard else self.run

    @property
    def config(self) -> dict[str, Any]:
        """What all parts must share."""
        return {key: value for key, value in self.manifest["config"].items() if key != SHARD}

    @property
    def cut(self) -> dict[str, Any]:
        """How the whole was cut; parts must share that as well."""
        return {key: value for key, value in (self.shard or {}).items() if key != "part"}


def merge(
    stores: Sequence[EpisodeStore], into: EpisodeStore, *, run: str | None = None
) -> list[Merged]:
    """Merge the shards in `stores`, and runs of one name, each into one run of the store `into`.

    An episode that several sources have is taken once; one that an error ended gives way to one
    that was played. It can be done again when more parts have come. The merged run goes on like any
    other when it is started under its name, without a shard.

    Args:
        stores: where the parts are; `into` may be among them.
        run: merge only the parts of this run.

    Raises:
        ValueError: the parts of a run were begun with different configs; the message names what
            differs, and nothing is written. Or there is nothing to merge.
    """
    groups: dict[str, list[_Source]] = defaultdict(list)
    for store in stores:
        for name in store.runs():
            source = _Source(store, name, store.manifest(name))
            if run in (None, source.whole):
                groups[source.whole].append(source)
    groups = {
        whole: sources
        for whole, sources in groups.items()
        if any(not _same(source, into, whole) for source in sources)
    }
    if not groups:
        wanted = "" if run is None else f" of run {run!r}"
        raise ValueError(f"nothing to merge: no shard{wanted} in the stores that were given")
    for whole, sources in groups.items():
        _check_alike(whole, sources)
    return [_merge_run(whole, sources, into) for whole, sources in groups.items()]


def _merge_run(whole: str, sources: Sequence[_Source], into: EpisodeStore) -> Merged:
    first = sources[0].manifest
    into.begin(
        whole, {**first, "config": sources[0].config, "merged": [_origin(s) for s in sources]}
    )
    held = into.finished(whole)
    added = known = 0
    for source in sources:
        if _same(source, into, whole):
            continue
        for episode in source.store.episodes(source.run):
            name = (episode.task, episode.attempt)
            if name in held:
                known += 1
                if episode.outcome.error or not into.episode(whole, *name).outcome.error:
                    continue
                into.remove(whole, *name)
            added += name not in held
            held.add(name)
            into.add(replace(episode, run=whole))
    return Merged(whole, [str(source) for source in sources], added, known, _missing(sources))


def _same(source: _Source, into: EpisodeStore, whole: str) -> bool:
    """True when the source is the merged run itself."""
    return source.run == whole and source.store.path.resolve() == into.path.resolve()


def _check_alike(whole: str, sources: Sequence[_Source]) -> None:
    """Refuse parts that are not of one run, and warn where they were played by other versions."""
    sharded = [source for source in sources if source.shard]
    for first, other in ((group[0], o) for group in (sources, sharded) for o in group[1:]):
        ours, theirs = first.config, other.config
        if first.shard and other.shard:
            ours, theirs = ours | first.cut, theirs | other.cut
        differing = [k for k in sorted({*ours, *theirs}) if ours.get(k) != theirs.get(k)]
        if differing:
            changes = "; ".join(f"{k}: {ours.get(k)!r} and {theirs.get(k)!r}" for k in differing)
            raise ValueError(f"{first} and {other} are not parts of one run {whole!r} ({changes})")
    for name in VERSIONS:
        if len({json.dumps(source.manifest.get(name), sort_keys=True) for source in sources}) > 1:
            log.warning("%s: its parts were played with other versions of %s", whole, name)


def _missing(sources: Sequence[_Source]) -> list[str]:
    shards = [source.shard for source in sources if source.shard]
    if not shards:
        return []
    parts, number = {shard["part"] for shard in shards}, shards[0]["of"]
    return [f"{part}/{number}" for part in range(1, number + 1) if part not in parts]


def _origin(source: _Source) -> dict[str, Any]:
    """What the merged manifest says of a part."""
    versions = {name: source.manifest.get(name) for name in VERSIONS}
    return {"run": source.run, SHARD: source.shard, **versions}
