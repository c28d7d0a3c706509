"""Act: a policy and a world take turns until the world is done or a limit is reached.

The policy is one agent, or a whole team that settles on the next action (nested as a subgraph). The
conversation grows by the chosen action and the world's answer; drafts, reviews and verdicts stay
inside the policy. A reply that cannot be read costs no step in the world: the policy is told so and
asked again, `unread_limit` times in a row at most.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from langchain_core.messages import AIMessage, HumanMessage
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime
from langgraph.types import Command, Overwrite

from ..agents import Agent, OutputFormat, Proposal, TeamContext, TeamState, output_format
from ..episodes import BudgetExceeded, World
from .team import Team

UNREADABLE = "Your reply could not be read. Reply with one action, in the form asked for."


def act(
    policy: Agent | Team,
    *,
    max_steps: int | None = None,
    loop_limit: int | None = None,
    unread_limit: int = 3,
    format: OutputFormat | None = None,
    name: str = "act",
    checkpointer: BaseCheckpointSaver[Any] | None = None,
) -> Team:
    """A team that acts in the world of its context (`TeamContext.world`).

    Args:
        policy: an agent, or a team, that writes the next action to `draft`.
        max_steps: actions at most; None leaves the limit to the world.
        loop_limit: stop when one action has met the same answer this many times; None never does.
        unread_limit: unreadable replies in a row that end the episode.
        format: how chosen actions stand in the conversation; the policy's own by default, light
            tags for a team.

    Raises:
        ValueError: a limit is not positive.
    """
    for limit, value in {
        "max_steps": max_steps,
        "loop_limit": loop_limit,
        "unread_limit": unread_limit,
    }.items():
        if value is not None and value < 1:
            raise ValueError(f"{limit}={value}: it must be at least 1")
    written = format or (policy.format if isinstance(policy, Agent) else output_format("tags"))

    async def reset(state: TeamState, runtime: Runtime[TeamContext]) -> dict[str, Any]:
        world = _world(runtime)
        seen = await world.reset()
        opening = f"{world.instructions}\n\n{seen.text}".strip()
        return {
            "messages": Overwrite([HumanMessage(opening)]),
            "observation": seen,
            "steps": 0,
            "unread": 0,
            "stop": "done" if seen.done else "",
        }

    async def taken(state: TeamState, runtime: Runtime[TeamContext]) -> TeamState:
        """What changes by taking the drafted action. Each key written costs time, so what stays as
        it is is left out."""
        action = state.get("draft")
        if action is None and state["stop"]:
            return {"stop": state["stop"]}
        if action is None:
            unread = state["unread"] + 1
            update: TeamState = {"unread": unread, "messages": [HumanMessage(UNREADABLE)]}
            if unread >= unread_limit:
                update["stop"] = "unreadable replies"
            return update
        try:
            seen = await _world(runtime).step(action.value)
        except BudgetExceeded as spent:
            return {"stop": str(spent)}
        said, heard = AIMessage(written.render(action)), HumanMessage(seen.text)
        steps = state["steps"] + 1
        stop = ""
        if seen.done:
            stop = str(seen.info.get("stop", "done"))
        elif max_steps is not None and steps >= max_steps:
            stop = "step limit"
        elif loop_limit is not None and repeats(state, action, seen.text) + 1 >= loop_limit:
            stop = "loop"
        update = {
            "messages": [said, heard],
            "observation": seen,
            "steps": steps,
            "answer": action.value,
        }
        if stop:
            update["stop"] = stop
        if state["unread"]:
            update["unread"] = 0
        return update

    def repeats(state: TeamState, action: Proposal, answer: str) -> int:
        """How often this action, whatever was thought about it, has met this very answer before."""
        return sum(
            heard.text == answer
            and (past := written.parse(said.text, type(action))) is not None
            and past.value == action.value
            for said, heard in pairwise(state["messages"])
        )

    async def step(state: TeamState, runtime: Runtime[TeamContext]) -> Command[str]:
        return onwards({**await taken(state, runtime), "draft": None})

    async def speak_and_step(state: TeamState, runtime: Runtime[TeamContext]) -> Command[str]:
        chosen: Any = {**state, **await policy(state)}  # type: ignore[operator]
        return onwards(await taken(chosen, runtime))

    def onwards(update: TeamState) -> Command[str]:
        return Command(update=update, goto=END if update.get("stop") else "policy")

    graph = StateGraph(TeamState, context_schema=TeamContext)
    graph.add_node("reset", reset)
    graph.add_edge(START, "reset")
    graph.add_conditional_edges("reset", lambda s: END if s["stop"] else "policy", ["policy", END])
    if isinstance(policy, Agent):
        # One node instead of two: a superstep less saves a quarter of a turn's CPU time.
        graph.add_node("policy", speak_and_step, destinations=("policy", END))
    else:
        graph.add_node("policy", policy)
        graph.add_node("step", step, destinations=("policy", END))
        graph.add_edge("policy", "step")
    return graph.compile(name=name, checkpointer=checkpointer)


def _world(runtime: Runtime[TeamContext]) -> World:
    world = runtime.context.world if runtime.context else None
    if world is None:
        raise ValueError(
            "this team acts in a world and was given none: run it with `evaluate`, or pass "
            "`context=TeamContext(world=...)`"
        )
    return world
