"""`symposia memory review`: the records that wait for a person, why, and their verdict."""

from __future__ import annotations

import asyncio
import getpass
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..memory.quoting import quote
from .console import console, plain_errors

if TYPE_CHECKING:
    from ..memory import MemoryStore, Quarantine
    from ..memory.guard import Case

QUESTION = "(a)ccept, (r)eject, (s)kip or (q)uit"
ANSWERS = ("a", "r", "s", "q")
Keys = list[str] | None


def review(
    namespace: Annotated[str, typer.Argument(help="Whose memory: TEAM/AGENT, TEAM, or shared.")],
    store: Annotated[
        str,
        typer.Option(
            "--store", help="An SQLite file, a folder with memory.db, or a postgresql:// address."
        ),
    ] = "memory.db",
    accept: Annotated[
        Keys, typer.Option(help="Bring this record back for good; may be given often.")
    ] = None,
    reject: Annotated[
        Keys, typer.Option(help="Retire this record for good; may be given often.")
    ] = None,
    reason: Annotated[str, typer.Option(help="Why, for the audit.")] = "",
    by: Annotated[str | None, typer.Option(help="Who the audit says judged; else you.")] = None,
    interactive: Annotated[
        bool, typer.Option("--interactive", "-i", help="Ask about each record in turn.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show the records that are quarantined or suspect, and why; accept or reject them.

    An accepted record is shown again, its lesson is withdrawn, and records that were suspect only
    for its sake are not any more. A rejected one is retired; its lesson stays.
    """
    with plain_errors():
        if interactive and (accept or reject or as_json):
            raise ValueError("--interactive asks: leave out --accept, --reject and --json")
        if twice := {*(accept or ())} & {*(reject or ())}:
            raise ValueError(f"{min(twice)!r} cannot be both accepted and rejected")
        judge = Judge(by or getpass.getuser(), reason)
        asyncio.run(
            _review(store, namespace, accept or [], reject or [], judge, interactive, as_json)
        )


@dataclass(frozen=True, slots=True)
class Judge:
    """Who judges, and why, as the audit keeps it."""

    by: str
    reason: str

    async def accept(self, quarantine: Quarantine, key: str) -> list[str]:
        """Accept, and tell which records came back."""
        back = await quarantine.accept(key, by=self.by, reason=self.reason)
        return [record.key for record in back]

    async def reject(self, quarantine: Quarantine, key: str) -> None:
        await quarantine.reject(key, by=self.by, reason=self.reason)


async def _review(
    store: str,
    namespace: str,
    accept: Sequence[str],
    reject: Sequence[str],
    judge: Judge,
    interactive: bool,
    as_json: bool,
) -> None:
    from ..memory import MemoryStore, Quarantine

    async with MemoryStore.open(store, create=False) as opened:
        await must_hold(opened, namespace)
        quarantine = Quarantine.of(opened, *namespace.split("/"))
        if interactive:
            await _ask(quarantine, judge)
            return
        accepted = {key: await judge.accept(quarantine, key) for key in accept}
        for key in reject:
            await judge.reject(quarantine, key)
        waiting = await quarantine.cases()
    if as_json:
        told = {"accepted": accepted, "rejected": reject, "waiting": [*map(_plain, waiting)]}
        print(json.dumps(told))
        return
    for key, back in accepted.items():
        _say_accepted(key, back)
    for key in reject:
        console.print(f"rejected {shown(key)}")
    if not accept and not reject:
        for case in waiting:
            _show(case)
        console.print(_count(len(waiting)))


async def must_hold(store: MemoryStore, namespace: str) -> None:
    """Refuse a name that nothing was ever written under: mistyped, it would look like good news.

    Raises:
        KeyError: `store` has no such memory; the message lists those that it has.
    """
    store.memory(*namespace.split("/"))  # refuses what cannot be a name at all
    held = ["/".join(each) for each in await store.namespaces()]
    if namespace not in held:
        raise KeyError(f"no memory {namespace!r}; there are: {', '.join(held) or 'none'}")


async def _ask(quarantine: Quarantine, judge: Judge) -> None:
    """Ask about each record that waits, the oldest first."""
    skipped: set[str] = set()
    while left := [case for case in await quarantine.cases() if case.record.key not in skipped]:
        case = left[0]
        key = case.record.key
        _show(case)
        answer = ""
        while answer not in ANSWERS:
            answer = typer.prompt(QUESTION, default="s").strip().lower()
        if answer == "q":
            break
        if answer == "a":
            _say_accepted(key, await judge.accept(quarantine, key))
        elif answer == "r":
            await judge.reject(quarantine, key)
            console.print(f"rejected {shown(key)}")
        skipped.add(key)
    console.print(_count(len(await quarantine.cases())))


def _show(case: Case) -> None:
    """What is known of a record, on lines that nothing in it can break out of."""
    record, lesson = case.record, case.lesson
    origin = record.provenance
    where = f" in {shown(origin.run)}/{shown(origin.episode)}" if origin.episode else ""
    console.print(shown(record.key), style="bold")
    rows = {
        "written by": f"{shown(origin.writer)}{where}, trust {origin.trust:g}",
        "says": quote(record.text),
        "action": quote(record.action) if record.action else "",
        "waits": shown(case.why),
        "led to": quote(lesson.chain) if lesson else "",
        "found": quote(lesson.reason) if lesson and lesson.reason else "",
        "supported": ", ".join(
            f"{shown(str(episode))} ({'no outcome' if score is None else f'{score:g}'})"
            for episode, score in case.episodes.items()
        ),
        "with it": ", ".join(map(shown, case.suspects)),
    }
    for name, value in rows.items():
        if value:
            console.print(f"  {name}: {value}", soft_wrap=True)


def _plain(case: Case) -> dict[str, Any]:
    told = asdict(case)
    told["record"]["uses"] = sorted(case.record.uses)
    told["episodes"] = {str(name): outcome for name, outcome in case.episodes.items()}
    return told


def _say_accepted(key: str, back: Sequence[str]) -> None:
    others = ", ".join(shown(each) for each in back if each != key)
    console.print(f"accepted {shown(key)}" + (f", and with it {others}" if others else ""))


def _count(waiting: int) -> str:
    return "1 record waits" if waiting == 1 else f"{waiting} records wait"


def shown(text: str) -> str:
    """A name, quoted where it holds what is not plain to see."""
    quoted = quote(text)
    return text if quoted == f'"{text}"' else quoted
