"""Models that play the parts of a memory guard, for tests."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable

from langchain_core.messages import BaseMessage

from symposia.memory import Found, MemoryRecord, Provenance
from symposia.memory.guard.audit import INSTRUCTIONS as AUDITS
from symposia.memory.guard.paths import INSTRUCTIONS as WRITES
from symposia.models import ScriptedModel

RECORD = re.compile(r'^Record: (".*?(?<!\\)")', re.MULTILINE)
LISTED = re.compile(r'^(\d+): (".*(?<!\\)")$', re.MULTILINE)


def record(key: str, text: str = "", **fields: object) -> MemoryRecord:
    return MemoryRecord(key, text or f"text of {key}", Provenance("tester"), **fields)


class Listed:
    """A retriever that always finds the same records."""

    def __init__(self, records: Iterable[MemoryRecord]) -> None:
        self.records = [*records]
        self.asked: list[str] = []

    async def search(self, query: str, *, k: int = 5) -> list[Found]:
        self.asked.append(query)
        return [Found(each, 1 / (n + 1)) for n, each in enumerate(self.records[:k])]


def chain_of(text: str) -> str:
    """What the scripted writer of paths makes of a record: its own text, without a mark."""
    return f"asked -calls for-> {text.replace('?', '') or 'nothing'}"


class Parts:
    """One model for all parts: it writes paths, audits as it is told, and acts as it is told.

    Args:
        audits: from the chains by id to the auditor's reply.
        acts: what the actor replies to its messages.
        chains: from a record's text to its chain.
    """

    def __init__(
        self,
        audits: Callable[[dict[int, str]], str],
        acts: Callable[[list[BaseMessage]], str] = lambda messages: "<answer>done</answer>",
        chains: Callable[[str], str] = chain_of,
        **fields: object,
    ) -> None:
        self.calls: list[str] = []
        self.read: list[tuple[str, str]] = []
        """Which part was played, and the last message that it read."""
        self._audits, self._acts, self._chains = audits, acts, chains
        self.model = ScriptedModel(self._reply, **fields)

    def _reply(self, messages: list[BaseMessage]) -> str:
        system, last = messages[0].text, messages[-1].text
        part = "path" if WRITES in system else "audit" if AUDITS in system else "act"
        self.calls.append(part)
        self.read.append((part, last))
        if part == "path":
            return f"<chain>{self._chains(json.loads(RECORD.search(last)[1]))}</chain>"
        if part == "audit":
            return self._audits({int(n): json.loads(said) for n, said in LISTED.findall(last)})
        return self._acts(messages)

    def prompts(self, part: str) -> list[str]:
        return [text for played, text in self.read if played == part]


def verdicts(judged: dict[int, bool], reason: str = "") -> str:
    return json.dumps(
        {
            "verdicts": [
                {"id": n, "consistent_and_safe": good, "reason": "" if good else reason}
                for n, good in judged.items()
            ]
        }
    )


def flagging(*words: str, reason: str = "it departs from the others") -> Callable[..., str]:
    """An auditor that finds chains with any of these words wrong."""
    return lambda chains: verdicts(
        {n: not any(word in chain for word in words) for n, chain in chains.items()}, reason
    )
