"""What a turn costs in CPU time: our agent node against the same node written in bare LangGraph.

Both nodes read the same conversation, call the same scripted model and parse the same light tag.
Measured in one process, interleaved pair by pair; the ratio is of medians over pairs, with a
bootstrap interval. Beside the node alone it runs with a handler that does nothing, which shows what
LangChain itself spends on calling handlers, and with the recorder, its final writing of the episode
included; our models tell recorders directly. What a recorder adds is small beside the noise, so it
is also fed the same calls by itself; its share is that time over a recorded turn's.

    python benchmarks/perf/orchestration.py
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import statistics
import time
from typing import Any
from uuid import uuid4

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, LLMResult
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command

from symposia.agents import Action, TeamState, ToolAgent
from symposia.episodes import Outcome, Recorder, Task
from symposia.models import ScriptedModel

REPLY = "<action>go to shelf 1</action>"
TURNS = 20
"""Turns of one graph run."""


def looping(node: Any) -> Any:
    """A graph that runs `node` TURNS times."""

    async def count(state: TeamState) -> Command[str]:
        update = await node(state)
        told = {"draft": update["draft"], "steps": state["steps"] + 1}
        return Command(update=told, goto=END if told["steps"] >= TURNS else "agent")

    graph = StateGraph(TeamState)
    graph.add_node("agent", count, destinations=("agent", END))
    graph.add_edge(START, "agent")
    return graph.compile()


def bare(model: ScriptedModel) -> Any:
    """The node as one would write it by hand."""
    system = SystemMessage(ToolAgent(model).system.content)
    tag = re.compile(r"<action>(.*?)</action>", re.DOTALL)

    async def node(state: TeamState) -> dict[str, Any]:
        reply = await model.ainvoke([system, *state["messages"]])
        found = tag.search(reply.text)
        return {"draft": Action(action=found[1]) if found else None}

    return looping(node)


def conversation(length: int) -> list[Any]:
    """Alternating observations and actions, an observation last."""
    return [
        HumanMessage(f"You see shelf {i}.") if (length - i) % 2 else AIMessage(REPLY)
        for i in range(length)
    ]


class Idle(BaseCallbackHandler):
    """Hears what the recorder hears, and does nothing."""

    raise_error = Recorder.raise_error
    run_inline = Recorder.run_inline
    ignore_chain = Recorder.ignore_chain
    ignore_retriever = Recorder.ignore_retriever
    ignore_custom_event = Recorder.ignore_custom_event

    def on_chat_model_start(self, *args: Any, **kwargs: Any) -> None: ...


async def cpu(graph: Any, history: list[Any], handler: BaseCallbackHandler | None = None) -> float:
    """CPU seconds per turn of one run of `graph`."""
    began = time.process_time()
    await graph.ainvoke(
        {"messages": history, "steps": 0}, {"callbacks": [handler]} if handler else {}
    )
    if isinstance(handler, Recorder):
        handler.episode(Task("t", "p"), Outcome(), run="r")
    return (time.process_time() - began) / TURNS


def alone(history: list[Any]) -> float:
    """CPU seconds per turn that the recorder takes by itself for the calls of one run."""
    run_ids = [uuid4() for _ in range(TURNS)]
    about = {"model_name": "scripted", "finish_reason": "stop", "parsed": {"action": "look"}}
    usage = UsageMetadata(input_tokens=9, output_tokens=3, total_tokens=12)
    replies = [
        AIMessage(REPLY, id=f"{i}", response_metadata=about, usage_metadata=usage) for i in run_ids
    ]
    results = [LLMResult(generations=[[ChatGeneration(message=reply)]]) for reply in replies]
    metadata = {"agent": "agent", "langgraph_node": "agent", "langgraph_step": 1}
    began = time.process_time()
    recorder = Recorder()
    for run_id, result in zip(run_ids, results, strict=True):
        recorder.on_chat_model_start({}, [[*history]], run_id=run_id, metadata=metadata)
        recorder.on_llm_end(result, run_id=run_id)
    recorder.episode(Task("t", "p"), Outcome(), run="r")
    return (time.process_time() - began) / TURNS


def ratio(ours: list[float], theirs: list[float]) -> dict[str, float]:
    """Ratio of medians, with a 95 % bootstrap interval over pairs."""
    rng = random.Random(0)
    pairs = list(zip(ours, theirs, strict=True))
    draws = []
    for _ in range(2000):
        sample = rng.choices(pairs, k=len(pairs))
        draws.append(
            statistics.median(a for a, _ in sample) / statistics.median(b for _, b in sample)
        )
    draws.sort()
    middle = statistics.median(ours) / statistics.median(theirs)
    return {"ratio": middle, "low": draws[50], "high": draws[1949]}


async def measure(length: int, pairs: int) -> dict[str, Any]:
    model = ScriptedModel(lambda messages: REPLY)
    history = conversation(length)
    graphs = {"bare": bare(model), "ours": looping(ToolAgent(model))}
    names = ("bare", "ours", "idle", "recorded", "recorder_alone")
    runs: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(3 + pairs):
        runs["bare"].append(await cpu(graphs["bare"], history))
        runs["ours"].append(await cpu(graphs["ours"], history))
        runs["idle"].append(await cpu(graphs["ours"], history, Idle()))
        runs["recorded"].append(await cpu(graphs["ours"], history, Recorder()))
        runs["recorder_alone"].append(alone(history))
    kept = {name: values[3:] for name, values in runs.items()}
    return {
        "messages": length,
        **{f"{name}_us": statistics.median(v) * 1e6 for name, v in kept.items()},
        "agent_over_bare": ratio(kept["ours"], kept["bare"]),
        "recorded_over_bare": ratio(kept["recorded"], kept["bare"]),
        "idle_handler_over_agent": ratio(kept["idle"], kept["ours"]),
        "recorder_over_idle_handler": ratio(kept["recorded"], kept["idle"]),
        "recorder_share": ratio(kept["recorder_alone"], kept["recorded"]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=30)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    results = [asyncio.run(measure(length, options.pairs)) for length in (10, 100, 300)]
    if options.json:
        print(json.dumps(results, indent=2))
        return
    for r in results:
        print(
            f"{r['messages']:4d} messages: bare {r['bare_us']:6.0f} us, agent {r['ours_us']:6.0f}, "
            f"with idle handler {r['idle_us']:6.0f}, with recorder {r['recorded_us']:6.0f} "
            f"(by itself {r['recorder_alone_us']:4.0f})"
        )
        for name, x in r.items():
            if isinstance(x, dict):
                print(f"     {name:26s} {x['ratio']:.3f}  [{x['low']:.3f}, {x['high']:.3f}]")


if __name__ == "__main__":
    main()
