"""Many episodes in one process: how close to the ideal rate do they come?

Every episode acts in a small world in this process; the scripted model takes a fixed time to
answer. Ideal is no CPU cost at all: turns times latency. Beside it a graph in bare LangGraph with
the same model and turns, that keeps no record and no accounts, parses nothing and has no world.

    python benchmarks/perf/concurrency.py
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from typing import Annotated, Any, ClassVar, TypedDict

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import add_messages
from langgraph.types import Command

from symposia.agents import ToolAgent
from symposia.benchmarks import Environment, evaluate
from symposia.episodes import Observation, Task
from symposia.graphs import act
from symposia.models import ScriptedModel


class Corridor(Environment):
    """Walk `length` steps."""

    name: ClassVar[str] = "corridor"
    splits: ClassVar[tuple[str, ...]] = ("all",)

    def __init__(self, episodes: int, length: int) -> None:
        self.episodes = episodes
        self.length = length
        self.at = 0

    def fork(self) -> Corridor:
        return Corridor(self.episodes, self.length)

    def tasks(self, split: str) -> list[Task]:
        return [Task(f"corridor:{i}", "walk") for i in range(self.episodes)]

    def reset(self, task: Task) -> Observation:
        self.at = 0
        return Observation("You are in a corridor.")

    def step(self, action: str) -> Observation:
        self.at += 1
        done = self.at == self.length
        return Observation(f"You are at {self.at}.", reward=float(done), done=done)


def slow_model(latency: float) -> ScriptedModel:
    async def reply(messages: list[Any]) -> str:
        await asyncio.sleep(latency)
        return "<action>go</action>"

    return ScriptedModel(reply)


async def ours(episodes: int, turns: int, latency: float) -> None:
    team = act(ToolAgent(slow_model(latency)))
    report = await evaluate(team, Corridor(episodes, turns), concurrency=episodes, progress=False)
    assert report.summary.successes == episodes


class Walk(TypedDict):
    messages: Annotated[list[AnyMessage], add_messages]
    steps: int


async def bare(episodes: int, turns: int, latency: float) -> None:
    model = slow_model(latency)

    async def speak(state: Walk) -> Command[str]:
        said = await model.ainvoke(state["messages"])
        steps = state["steps"] + 1
        update = {"messages": [AIMessage(said.text), HumanMessage("go on")], "steps": steps}
        return Command(update=update, goto=END if steps == turns else "speak")

    graph = StateGraph(Walk)
    graph.add_node("speak", speak, destinations=("speak", END))
    graph.add_edge(START, "speak")
    compiled = graph.compile()
    async with asyncio.TaskGroup() as group:
        for _ in range(episodes):
            start: Walk = {"messages": [HumanMessage("walk")], "steps": 0}
            group.create_task(compiled.ainvoke(start))


def timed(what: Any, episodes: int, turns: int, latency: float) -> dict[str, float]:
    cpu, wall = time.process_time(), time.perf_counter()
    asyncio.run(what(episodes, turns, latency))
    seconds = time.perf_counter() - wall
    return {
        "seconds": seconds,
        "of_ideal": turns * latency / seconds,
        "cpu_ms_per_turn": (time.process_time() - cpu) / (episodes * turns) * 1e3,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--episodes", type=int, nargs="+", default=[1, 50, 200, 500])
    parser.add_argument("--turns", type=int, default=10)
    parser.add_argument("--latency", type=float, default=0.5, help="seconds")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows = [
        {
            "episodes": episodes,
            "ideal": options.turns * options.latency,
            "symposia": timed(ours, episodes, options.turns, options.latency),
            "langgraph": timed(bare, episodes, options.turns, options.latency),
        }
        for episodes in options.episodes
    ]
    if options.json:
        print(json.dumps(rows, indent=2))
        return
    for r in rows:
        print(f"{r['episodes']:4d} episodes, ideal {r['ideal']:.2f} s:")
        for name in ("symposia", "langgraph"):
            m = r[name]
            print(
                f"     {name:9s} {m['seconds']:6.2f} s, {m['of_ideal']:.0%} of the ideal rate, "
                f"{m['cpu_ms_per_turn']:.2f} ms CPU a turn"
            )


if __name__ == "__main__":
    main()
