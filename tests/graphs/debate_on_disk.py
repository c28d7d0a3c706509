"""A debate of three in a process of its own, kept in a SQLite file: what the test kills.

It goes on where an earlier process stopped. Each question to a speaker is noted in the file `asked`
before it is answered; with `--stall`, the third speaker never answers in the second round.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import aiosqlite
from langchain_core.messages import BaseMessage, HumanMessage
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from symposia.agents import Actor
from symposia.episodes import Task
from symposia.graphs import debate
from symposia.graphs.checkpoints import checkpoint_serializer
from symposia.models import ScriptedModel

ANSWERS = {"ann": (3, 4, 4), "ben": (5, 3, 4), "cid": (4, 4, 4)}


def speaker(name: str, folder: Path, stall: bool) -> Actor:
    async def reply(messages: list[BaseMessage]) -> str:
        round = 1 + sum(message.type == "ai" for message in messages)
        with (folder / "asked").open("a") as file:
            file.write(f"{name} {round}\n")
        if stall and (name, round) == ("cid", 2):
            (folder / "stalled").touch()
            await asyncio.sleep(3600)
        return f"<answer>{ANSWERS[name][round - 1]}</answer>"

    return Actor(ScriptedModel(reply), name=name)


async def main(folder: Path, stall: bool) -> None:
    async with aiosqlite.connect(folder / "debate.sqlite") as connection:
        checkpointer = AsyncSqliteSaver(connection, serde=checkpoint_serializer())
        speakers = [speaker(name, folder, stall) for name in ANSWERS]
        team = debate(speakers, rounds=3, checkpointer=checkpointer)
        config: Any = {"configurable": {"thread_id": "1"}}
        begun = (await team.aget_state(config)).next
        start = {"task": Task("t", "2 + 2?"), "messages": [HumanMessage("2 + 2?")]}
        state = await team.ainvoke(None if begun else start, config)
        for each in state["said"]:
            print(each.round, each.branch, each.by, type(each.draft).__name__, each.value)
        print("answer", state["answer"])


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), "--stall" in sys.argv))
