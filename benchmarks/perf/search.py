"""What a node of a search costs: CPU time beside the model's calls, and nodes a second.

A scripted model proposes three distinct steps at each expansion and another grades each new
position, so a node is two calls. Beside it, in the same process and run by run in turn, the same
number of bare calls of the same models: the difference is what the tree, the branches and LangGraph
cost. Processor time, so that other work on the machine does not count.

    python benchmarks/perf/search.py
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import statistics
import time

from langchain_core.messages import BaseMessage, HumanMessage

from symposia.agents import Actor, Judge, Thought
from symposia.graphs import search
from symposia.graphs.spaces import TextSpace
from symposia.models import ScriptedModel

PROPOSALS = 3


def models() -> tuple[ScriptedModel, ScriptedModel]:
    """One that writes another step at each call, and one that grades."""
    numbers = itertools.count()

    def step(messages: list[BaseMessage]) -> str:
        return f"<step>step {next(numbers)}</step>"

    graded = "<decision>accept</decision><scores>0.5</scores>"
    return ScriptedModel(step), ScriptedModel(lambda messages: graded)


async def searched(expansions: int) -> tuple[int, float]:
    """How many nodes a search made, and its processor time in seconds."""
    writer, grader = models()
    team = search(
        Actor(writer, output=Thought),
        space=TextSpace(),
        value=Judge(grader),
        proposals=PROPOSALS,
        expansions=expansions,
        max_depth=99,
    )
    began = time.process_time()
    final = await team.ainvoke({"messages": [HumanMessage("Solve it.")]})
    return len(final["tree"]) - 1, time.process_time() - began


async def called(nodes: int) -> float:
    """The processor time, in seconds, of two bare calls for each node."""
    pair = models()
    said = [HumanMessage("Solve it.")]
    began = time.process_time()
    for _ in range(nodes):
        for model in pair:
            await model.ainvoke(said)
    return time.process_time() - began


async def measured(expansions: int, rounds: int) -> None:
    per_node, per_pair = [], []
    for _ in range(rounds):
        nodes, seconds = await searched(expansions)
        per_node.append(seconds / nodes)
        per_pair.append(await called(nodes) / nodes)
    whole, bare = statistics.median(per_node) * 1e3, statistics.median(per_pair) * 1e3
    print(
        f"{expansions} expansions: {whole:.2f} ms a node ({1e3 / whole:.0f} nodes a second), of "
        f"which {bare:.2f} ms are two bare calls; {whole / bare:.2f} times them"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--expansions", type=int, nargs="+", default=[10, 50, 200])
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    for expansions in given.expansions:
        asyncio.run(measured(expansions, given.rounds))


if __name__ == "__main__":
    main()
