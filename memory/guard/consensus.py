"""Consensus: which of several records lead where the others lead.

Paths are written, one a record, and then compared: by an auditor model, by clustering their
embeddings, or by both, where a record has to stand with each. Two paths are as far apart as they
are in whole, or where they end, whichever is more: what leads elsewhere by the same words is not
near. A judgement of the same query and the same records is not asked for twice, as long as every
record got one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

import numpy as np
from langchain_core.embeddings import Embeddings
from langchain_core.language_models import BaseChatModel

from ...episodes import BudgetExceeded
from ...models.formats import output_format
from ..record import MemoryRecord
from .audit import audit
from .clusters import dbscan, distances, largest
from .paths import conclusion, write_paths
from .showing import line

Consensus = Literal["auditor", "clusters", "both"]
"""Who decides."""
EPS, MIN_SAMPLES = 0.5, 2
"""DBSCAN's settings in A-MemGuard's released code, for its sentence embeddings."""
REASON = 500
"""Characters of an auditor's reason that are kept."""
KEPT = 1024
"""Judgements kept, at most."""
NO_CONSENSUS = "the paths have no consensus"
NOT_OF_IT = "it leads elsewhere than the largest group"
FOUND_WRONG = "the auditor found it inconsistent or unsafe"
UNREADABLE = "the audit could not be read"
NO_PATHS = "no reasoning path could be read"
ONLY_SUSPECTS = "nothing but suspect records was found"
OFF = "it has nothing to do with the query"


@dataclass(frozen=True, slots=True)
class Judged:
    """What came of comparing records, by their positions."""

    stands: frozenset[int] = frozenset()
    """Those that are shown."""
    wrong: dict[int, str] = field(default_factory=dict)
    """Why others were found wrong."""
    off: frozenset[int] = frozenset()
    """Those that have nothing to do with the query: neither shown nor found wrong."""
    why: str = "it could not be judged"
    """Why those in none of these could not be judged."""
    chains: dict[int, str] = field(default_factory=dict)
    """Where they lead."""
    calls: int = 0
    """Model calls that it took."""

    def reason(self, position: int) -> str:
        """Why a record does not stand."""
        return OFF if position in self.off else self.wrong.get(position, self.why)


class Jury:
    """Compares records by where they lead.

    Args:
        model: writes the paths.
        auditor: audits them.
        by: who decides.
        embeddings: of the paths.
        eps: the cosine distance within which two paths are near, in (0, 2].
        concurrency: paths written at the same time.
        format: in which they are written.

    Raises:
        ValueError: a setting is out of range or unknown.
    """

    def __init__(
        self,
        model: BaseChatModel,
        auditor: BaseChatModel,
        by: Consensus,
        embeddings: Embeddings,
        *,
        eps: float,
        concurrency: int,
        format: str,
    ) -> None:
        if by not in get_args(Consensus):
            raise ValueError(f"no consensus by {by!r}; there are: {', '.join(get_args(Consensus))}")
        if not 0 < eps <= 2:
            raise ValueError(f"eps={eps}: a cosine distance is in (0, 2]")
        if concurrency < 1:
            raise ValueError(f"concurrency={concurrency}: it must be at least 1")
        self.model = model
        self.auditor = auditor
        self.by: Consensus = by
        self.embeddings = embeddings
        self.eps = eps
        self.concurrency = concurrency
        self.format = output_format(format).name
        self._known: dict[tuple[object, ...], Judged] = {}

    async def judge(
        self, query: str, records: Sequence[MemoryRecord], suspects: Collection[int] = ()
    ) -> Judged:
        """Which of `records` stand for `query`; none does when the budget is spent.

        Args:
            suspects: positions of records that have no voice: the others are compared without them,
                and each of them with those that stand.

        Raises:
            UnknownCostError: money is limited, and the cost of a model is unknown.
        """
        about = (query, *map(line, records), frozenset(suspects))
        if (known := self._known.get(about)) is not None:
            return replace(known, calls=0)
        try:
            written = await write_paths(
                self.model, query, records, format=self.format, concurrency=self.concurrency
            )
            off = frozenset(n for n, path in enumerate(written) if path and path.bearing == "none")
            chains = {n: path.chain for n, path in enumerate(written) if path and n not in off}
            judged = await self._judged(query, chains, chains.keys() & {*suspects})
        except BudgetExceeded as spent:
            return Judged(why=str(spent))
        judged = replace(judged, off=off, calls=judged.calls + len(records))
        if len(judged.stands) + len(judged.wrong) + len(off) == len(records):
            self._known[about] = judged
            if len(self._known) > KEPT:
                del self._known[next(iter(self._known))]
        return judged

    async def _judged(self, query: str, chains: dict[int, str], suspects: set[int]) -> Judged:
        """Which of `chains` stand: first those that have a voice, then each suspect beside them."""
        voices = {n: chain for n, chain in chains.items() if n not in suspects}
        first = await self._compared(query, voices)
        if not first.stands:
            nobody = ONLY_SUSPECTS if suspects else NO_PATHS
            return replace(first, chains=chains, why=first.why if voices else nobody)
        good = {n: chains[n] for n in first.stands}
        asked = sorted(suspects)
        beside = await asyncio.gather(
            *(self._compared(query, {**good, n: chains[n]}) for n in asked)
        )
        told = [*zip(asked, beside, strict=True)]
        return Judged(
            stands=first.stands | {n for n, judged in told if n in judged.stands},
            wrong=first.wrong | {n: j.wrong[n] for n, j in told if n in j.wrong},
            why=first.why,
            chains=chains,
            calls=first.calls + sum(judged.calls for judged in beside),
        )

    async def _compared(self, query: str, chains: dict[int, str]) -> Judged:
        """Which of `chains` stand beside each other."""
        judged = Judged(frozenset(chains), chains=chains)
        if self.by != "auditor":
            judged = await self._clustered(judged)
        if self.by != "clusters" and judged.stands:
            judged = await self._audited(query, judged)
        return judged

    async def _clustered(self, judged: Judged) -> Judged:
        """Only the largest cluster stands. Where there is none, nobody can be found wrong."""
        chains = judged.chains
        members: set[int] = set()
        if len(chains) >= MIN_SAMPLES:
            whole = await self.embeddings.aembed_documents([*chains.values()])
            ends = await self.embeddings.aembed_documents([*map(conclusion, chains.values())])
            apart = np.maximum(distances(whole), distances(ends))
            members = largest(dbscan(apart, self.eps, MIN_SAMPLES))
        if not members:
            return replace(judged, stands=frozenset(), why=NO_CONSENSUS)
        stands = frozenset(position for n, position in enumerate(chains) if n in members)
        wrong = {position: NOT_OF_IT for position in chains if position not in stands}
        return replace(judged, stands=stands, wrong=wrong)

    async def _audited(self, query: str, judged: Judged) -> Judged:
        """Only what the auditor finds consistent and safe stands, of what stood so far."""
        listed = {n + 1: chain for n, chain in judged.chains.items()}
        said = await audit(self.auditor, query, listed)
        good = {n - 1 for n, verdict in said.items() if verdict.consistent_and_safe}
        found = {n - 1: (verdict.reason or FOUND_WRONG)[:REASON] for n, verdict in said.items()}
        bad = {n: reason for n, reason in found.items() if n not in good}
        return replace(
            judged,
            stands=judged.stands & good,
            wrong={**judged.wrong, **bad},
            why=judged.why if said else UNREADABLE,
            calls=judged.calls + 1,
        )
