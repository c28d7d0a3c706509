"""A-MemGuard: a memory's records are shown only where they agree on where they lead.

A planted record looks harmless on its own, but what it leads to departs from what the others lead
to. So for each query every record found gets a reasoning path of its own, written in isolation; the
paths are compared, by an auditor model, by clustering, or by both; and only records whose path
stands with the consensus are shown. The chain of a record that was found wrong becomes a lesson,
kept apart from the records and shown, as a warning, when similar actions come up. Whatever cannot
be judged is not shown: an unreadable audit or a spent budget shows nothing, never all.

The paper is the one in `PAPER`. Ours are: lessons are kept only of records that were judged, not of
all when an audit cannot be read; two equally large clusters are no consensus; records flagged at
several queries are quarantined, with what they supported; records that say the same are one voice;
and a lesson is a reason to think again before acting (`check_action`), not a veto.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, Protocol, runtime_checkable

from langchain_core.embeddings import Embeddings
from langchain_core.language_models import BaseChatModel

from ...episodes import Episode, EpisodeName, current_episode, current_recorder
from ...episodes.paper import Paper
from ...models.lexical import LexicalEmbeddings
from ..memory import Memory
from ..quoting import CAP, fold
from ..record import Found, MemoryRecord, Retriever, Use
from ..store import MemoryStore
from .clusters import distances
from .consensus import EPS, MIN_SAMPLES, Consensus, Jury
from .guarded import Flagged, Guarded, found_for
from .lessons import Lesson, Lessons, acted, distinct
from .paths import conclusion
from .quarantine import Quarantine

PAPER = Paper(
    title="A-MemGuard: A Proactive Defense Framework for LLM-Based Agent Memory",
    arxiv="2510.02373",
    kind="memory",
)
SIMILAR_ACTIONS = 4
"""Actions looked at for lessons, for each record found (A-MemGuard's released code)."""
WIDER = 4
"""How many times `k` records are looked through for some that are not suspect."""
SAME_ACTION, SAME_PATH = 0.9, 0.8
"""Cosines from which an action, or the path to it, is that of a lesson. Ours."""
RELATED_ACTION = 0.6
"""The cosine from which an action is near enough for the paths to be compared. Ours."""
WORD = re.compile(r"\w+")


@runtime_checkable
class KnowsActions(Protocol):
    """A retriever that also finds records by their actions, as `Memory` does."""

    async def similar_actions(self, action: str, *, k: int = 4) -> list[Found]: ...


class MemoryGuard:
    """Wraps any retriever, and is one: its search gives the records that stand.

    A consult of `k` records makes `k + 1` model calls, `k` of them at the same time, and one audit
    more for each suspect record among them. They are recorded and budgeted as those of the agents
    `path-writer` and `auditor`. A query that finds what it found before makes none. Use a model
    that answers greedily (`temperature=0`).

    Args:
        retriever: where records come from.
        model: writes the paths, and audits them.
        auditor: audits, instead of `model`.
        consensus: who decides: the `auditor`, the `clusters` of the paths' embeddings (which saves
            the auditor's call), or `both`, where a record has to stand with each.
        embeddings: embed the paths; words when none are given (`LexicalEmbeddings`).
        eps: the cosine distance within which two paths are near, in (0, 2].
        lessons: where lessons are kept; those of `quarantine`, else of this process.
        quarantine: where flagged records go, and the ledger of what they supported; without one
            they are left out at each query anew.
        quarantine_after: different queries at which a record is flagged before it is quarantined.
        concurrency: paths written at the same time, in one consult.
        format: in which paths are written, `tags` or `json`; audits are always JSON.

    Raises:
        ValueError: a setting is out of range or unknown.
    """

    def __init__(
        self,
        retriever: Retriever,
        model: BaseChatModel,
        *,
        auditor: BaseChatModel | None = None,
        consensus: Consensus = "auditor",
        embeddings: Embeddings | None = None,
        eps: float = EPS,
        lessons: Lessons | None = None,
        quarantine: Quarantine | None = None,
        quarantine_after: int = 2,
        concurrency: int = 8,
        format: str = "tags",
    ) -> None:
        if quarantine_after < 1:
            raise ValueError(f"quarantine_after={quarantine_after}: it must be at least 1")
        self.retriever = retriever
        self.embeddings = embeddings or LexicalEmbeddings()
        self.jury = Jury(
            model,
            auditor or model,
            consensus,
            self.embeddings,
            eps=eps,
            concurrency=concurrency,
            format=format,
        )
        self.quarantine = quarantine
        if lessons is None:
            lessons = quarantine.lessons if quarantine else Lessons(MemoryStore().memory("lessons"))
        self.lessons = lessons
        self.quarantine_after = quarantine_after

    @classmethod
    def of(
        cls, store: MemoryStore, *namespace: str, model: BaseChatModel, **options: Any
    ) -> MemoryGuard:
        """A guard of one namespace of a store, with its quarantine.

        Args:
            options: as above.
        """
        quarantine = Quarantine.of(store, *namespace)
        return cls(quarantine.memory, model, quarantine=quarantine, **options)

    async def search(self, query: str, *, k: int = 5) -> list[Found]:
        """Those of the `k` best records that stand, best first."""
        return list((await self.consult(query, k=k)).records)

    async def consult(self, query: str, *, k: int = 5, use: Use = "context") -> Guarded:
        """What may be read for `query`, and the lessons that belong to it.

        Args:
            k: records that are found, of which those that stand are shown.
            use: what the records are to influence; others are not looked at.

        Raises:
            ValueError: `k` is below 1, or `use` is unknown.
            UnknownCostError: money is limited, and the cost of a model is unknown.
        """
        found = await self._found(query, k, use)
        lessons = await self._lessons(found)
        records = [each.record for each in found]
        suspects = [n for n, record in enumerate(records) if await self._suspect(record)]
        judged = await self.jury.judge(query, records, suspects)
        flagged = tuple(
            Flagged(record, judged.reason(n), judged.chains.get(n), judged=n in judged.wrong)
            for n, record in enumerate(records)
            if n not in judged.stands
        )
        await self._learn(query, flagged)
        await self._support([records[n].key for n in sorted(judged.stands - {*suspects})])
        return Guarded(
            records=tuple(each for n, each in enumerate(found) if n in judged.stands),
            lessons=_uncontested(lessons, [judged.chains[n] for n in sorted(judged.stands)]),
            flagged=flagged,
            calls=judged.calls,
        )

    async def check_action(
        self, action: str, *, path: str = "", advised: Iterable[MemoryRecord] = ()
    ) -> tuple[Lesson, ...]:
        """The lessons that speak against an action, before it is taken; none is consent.

        Args:
            action: what is about to be done.
            path: the thought that led to it.
            advised: records that stood; an action that one of them has is not objected to, so that
                nobody can forbid an action by planting a bad record that has it, too.
        """
        if fold(action[:CAP]) in {fold(each.action[:CAP]) for each in advised if each.action}:
            return ()
        near = await self.lessons.near(action, k=SIMILAR_ACTIONS, at_least=RELATED_ACTION)
        likeness = await self._likeness(path, [lesson.chain for lesson in near])
        return tuple(
            distinct(
                lesson
                for lesson, alike in zip(near, likeness, strict=True)
                if lesson.likeness >= SAME_ACTION or alike >= SAME_PATH
            )
        )

    async def end(self, episode: Episode) -> None:
        """Note how an episode that consulted this guard ended. Its recorder tells it."""
        if self.quarantine:
            name = EpisodeName(episode.run, f"{episode.task}/{episode.attempt}")
            failed = bool(episode.outcome.error)
            await self.quarantine.end(name, None if failed else episode.outcome.score)
        elif isinstance(self.retriever, Memory):
            await self.retriever.end(episode)

    async def _found(self, query: str, k: int, use: Use) -> list[Found]:
        """The `k` best records, and the next best where hardly one of these has a voice."""
        found = await found_for(self.retriever, query, k=k, use=use)
        voices = [each for each in found if not await self._suspect(each.record)]
        if len(voices) < min(MIN_SAMPLES, len(found)):
            known = {each.record.key for each in found}
            for each in await found_for(self.retriever, query, k=WIDER * k, use=use):
                new = each.record.key not in known
                if len(voices) < MIN_SAMPLES and new and not await self._suspect(each.record):
                    voices.append(each)
                    found.append(each)
        return found

    async def _lessons(self, found: Sequence[Found]) -> tuple[Lesson, ...]:
        """The lessons of records whose actions are similar to those found, and those under nearly
        the same action whose records are no longer there."""
        lessons: list[Lesson] = []
        for each in found:
            action = acted(each.record)
            if isinstance(self.retriever, KnowsActions):
                similar = await self.retriever.similar_actions(action, k=SIMILAR_ACTIONS)
                known = [await self.lessons.of(one.record.key) for one in similar]
                lessons += [lesson for lesson in known if lesson]
            lessons += await self.lessons.near(action, k=SIMILAR_ACTIONS, at_least=SAME_ACTION)
        return tuple(distinct(lessons))

    async def _likeness(self, path: str, chains: Sequence[str]) -> list[float]:
        """The cosine of a path with each chain; 0 without a path."""
        if not path.strip() or not chains:
            return [0.0] * len(chains)
        vectors = await self.embeddings.aembed_documents([path, *chains])
        return [1.0 - float(apart) for apart in distances(vectors)[0, 1:]]

    async def _suspect(self, record: MemoryRecord) -> bool:
        return self.quarantine is not None and bool(await self.quarantine.suspicion(record))

    async def _learn(self, query: str, flagged: Iterable[Flagged]) -> None:
        """Keep the lessons of this query, and quarantine what was flagged too often."""
        for each in flagged:
            if each.judged and each.chain:
                times = await self.lessons.learn(each.record, each.chain, query, each.reason)
                if self.quarantine and times >= self.quarantine_after:
                    reason = (
                        f"flagged at {times} {'query' if times == 1 else 'queries'}: {each.reason}"
                    )
                    await self.quarantine.put(each.record.key, reason=reason)

    async def _support(self, keys: Sequence[str]) -> None:
        """Note what the episode around the caller is shown, to hear later how it ended."""
        episode, recorder = current_episode(), current_recorder()
        if episode.episode and recorder is not None:
            recorder.at_end(self.end)
            if self.quarantine:
                await self.quarantine.support.show(episode, keys)


def _uncontested(lessons: Sequence[Lesson], chains: Sequence[str]) -> tuple[Lesson, ...]:
    """The lessons, but for those against what the memory agrees on: whoever has a record flagged
    that names the right action, and more, would otherwise warn everybody of it."""
    agreed = [words for chain in chains if (words := _words(conclusion(chain)))]
    return tuple(
        lesson
        for lesson in lessons
        if sum(words <= _words(conclusion(lesson.chain)) for words in agreed) < MIN_SAMPLES
    )


def _words(text: str) -> frozenset[str]:
    return frozenset(WORD.findall(fold(text)))
