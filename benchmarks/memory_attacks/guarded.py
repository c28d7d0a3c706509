"""The defences that a run compares, the guard among them."""

from __future__ import annotations

from ...memory.guard import Consensus, Guarded, MemoryGuard
from .defences import SUSPECT, DefenceKind, Filter, Setting, Shown, surprising
from .victim import Choice


class Guard:
    """MemoryGuard, with its lessons, its quarantine and its check before acting."""

    def __init__(self, setting: Setting, consensus: Consensus) -> None:
        self._guard = MemoryGuard.of(
            setting.store,
            *setting.memory.namespace,
            model=setting.model,
            consensus=consensus,
            format=setting.format,
        )
        self._k = setting.k
        self._last = Guarded()

    async def consult(self, query: str) -> Shown:
        self._last = await self._guard.consult(query, k=self._k)
        keys = frozenset(found.record.key for found in self._last.records)
        return Shown(self._last.text, keys)

    async def objections(self, choice: Choice) -> str:
        lessons = await self._guard.check_action(
            choice.action,
            path=choice.thought,
            advised=[found.record for found in self._last.records],
        )
        return Guarded(lessons=lessons).text


def _perplexity(setting: Setting) -> Filter:
    odd = surprising(setting.domain)
    return Filter(setting, lambda record: not odd(record.text))


def _guard(name: str, summary: str, consensus: Consensus) -> DefenceKind:
    return DefenceKind(name, summary, lambda setting: Guard(setting, consensus), guarded=True)


DEFENCES = {
    kind.name: kind
    for kind in (
        DefenceKind(
            "none",
            "what is found is shown",
            lambda setting: Filter(setting, lambda record: True),
        ),
        DefenceKind(
            "scan",
            "records with suspicious words are left out",
            lambda setting: Filter(setting, lambda record: not SUSPECT.search(record.text)),
        ),
        DefenceKind("perplexity", "records that read unlike honest ones are left out", _perplexity),
        _guard("auditor", "MemoryGuard, a model audits the paths", "auditor"),
        _guard("clusters", "MemoryGuard, the largest cluster of paths stands", "clusters"),
        _guard("both", "MemoryGuard, a record has to stand with each", "both"),
    )
}
