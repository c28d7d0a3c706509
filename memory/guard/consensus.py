"""Consensus: which of several records lead where the others lead.

Paths are written, one a record, and then compared: by an auditor model, by clustering their
embeddings, or by both, where a record has to stand with each. A judgement of the same query and the
same records is not asked for twice, as long as every record got one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from langchain_core.embeddings import Embeddings
from langchain_core.language_models import BaseChatModel

from ...episodes import BudgetExceeded
from ...models.formats import output_format
from ..record import MemoryRecord
from .audit import audit
from .clusters import dbscan, largest
from .paths import write_paths

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


@dataclass(frozen=True, slots=True)
class Judged:
    """What came of comparing records, by their positions."""

    stands: frozenset[int] = frozenset()
    """Those that are shown."""
    wrong: dict[int, str] = field(default_factory=dict)
    """Why others were found wrong; what is in neither could not be judged."""
    why: str = "it could not be judged"
    """Why those could not."""
    chains: dict[int, str] = field(default_factory=dict)
    """Where they lead."""
    calls: int = 0
    """Model calls that it took."""


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

    async def judge(self, query: str, records: Sequence[MemoryRecord]) -> Judged:
        """Which of `records` stand for `query`; none does when the budget is spent.

        Raises:
            UnknownCostError: money is limited, and the cost of a model is unknown.
        """
        about = (query, *((each.key, each.text, each.action) for each in records))
        if (known := self._known.get(about)) is not None:
            return replace(known, calls=0)
        try:
            written = await write_paths(
                self.model, query, records, format=self.format, concurrency=self.concurrency
            )
            chains = {n: chain for n, chain in enumerate(written) if chain is not None}
            judged = await self._compared(query, chains, len(records))
        except BudgetExceeded as spent:
            return Judged(why=str(spent))
        if len(judged.stands) + len(judged.wrong) == len(records):
            self._known[about] = judged
            if len(self._known) > KEPT:
                del self._known[next(iter(self._known))]
        return judged

    async def _compared(self, query: str, chains: dict[int, str], calls: int) -> Judged:
        judged = Judged(frozenset(chains), chains=chains, calls=calls)
        if self.by != "auditor":
            judged = await self._clustered(judged)
        if self.by != "clusters" and judged.stands:
            judged = await self._audited(query, judged)
        return judged

    async def _clustered(self, judged: Judged) -> Judged:
        """Only the largest cluster stands. Where there is none, nobody can be found wrong."""
        chains = judged.chains
        if len(chains) < MIN_SAMPLES:
            return replace(judged, stands=frozenset(), why=NO_CONSENSUS)
        vectors = await self.embeddings.aembed_documents([*chains.values()])
        members = largest(dbscan(vectors, self.eps, MIN_SAMPLES))
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
