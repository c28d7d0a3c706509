"""Act: a policy and a world take turns until the world is done or a limit is reached.

The policy is one agent, or a whole team that settles on the next action (nested as a subgraph). The
conversation grows by the chosen action and the world's answer; drafts, reviews and verdicts stay
inside the policy. A reply that cannot be read costs no step in the world: the policy is told so and
asked again, `unread_limit` times in a row at most.

A critic, where there is one, reviews each action before it is taken. One that it does not find
correct, or on which it says nothing readable, is not taken: the policy sees the review and proposes
again. A user, where there is one, answers what the policy asks in the place of acting; that costs
no step either. A policy that only goes on asking when nobody answers any more is stopped like one
that cannot be read.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from langchain_core.messages import AIMessage, HumanMessage
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime
from langgraph.types import Command, Overwrite

from ..agents import (
    Agent,
    Candidate,
    Critique,
    OutputFormat,
    Proposal,
    TeamContext,
    TeamState,
    output_format,
)
from ..episodes import BudgetExceeded, World
from .spaces import ReplayError
from .team import Member, Team, name_of, stopped, work

ASKS = "which asks questions: say who answers them (`user=User(model)`)"
REACHED = "act"
"""The context's note that its world is where the conversation is."""
NOBODY = "Nobody answers any more questions. Act on what you know."
SILENT = "(The user gave no readable answer.)"
UNREADABLE = "Your reply could not be read. Reply with one action, in the form asked for."


def act(
    policy: Member,
    *,
    max_steps: int | None = None,
    loop_limit: int | None = None,
    unread_limit: int = 3,
    critic: Member | None = None,
    refusals: int = 3,
    user: Member | None = None,
    questions: int = 5,
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
        critic: reviews actions before they are taken (writes `critique`); a `Person` approves them.
        refusals: proposals in a row that the critic may refuse; then the team stops.
        user: answers questions (writes `draft`); the policy's output has to have `question`, as
            `Move` has.
        questions: questions that are answered in an episode; further ones are told so, and count
            as unreadable replies.
        format: how chosen actions stand in the conversation; the policy's own by default, light
            tags for a team.

    Raises:
        ValueError: a limit is not positive, or the policy asks questions and there is no user, or
            the other way round.
    """
    if isinstance(policy, Agent) and ("question" in policy.output.model_fields) != bool(user):
        raise ValueError(
            f"{policy.name} writes {policy.output.__name__}, "
            + ("which cannot ask: leave out `user`, or set output=Move" if user else ASKS)
        )
    for limit, value in {
        "max_steps": max_steps,
        "loop_limit": loop_limit,
        "unread_limit": unread_limit,
        "refusals": refusals,
        "questions": questions,
    }.items():
        if value is not None and value < 1:
            raise ValueError(f"{limit}={value}: it must be at least 1")
    written = format or (policy.format if isinstance(policy, Agent) else output_format("tags"))

    async def reset(state: TeamState, runtime: Runtime[TeamContext]) -> Command[str]:
        world = _world(runtime)
        seen = await world.reset()
        runtime.context.notes[REACHED] = True
        opening = f"{world.instructions}\n\n{seen.text}".strip()
        return onwards(
            {
                "messages": Overwrite([HumanMessage(opening)]),  # type: ignore[typeddict-item]
                "observation": seen,
                "draft": None,
                "critique": None,
                "steps": 0,
                "unread": 0,
                "round": 0,
                "said": [],
                "stop": "done" if seen.done else "",
            }
        )

    async def returned(state: TeamState, context: TeamContext, action: Proposal) -> None:
        """Bring the world, which no checkpoint holds, to where the conversation is: in a process
        that goes on with it, by the same actions again."""
        if REACHED in context.notes:
            return
        assert context.world is not None
        await context.world.reset()
        for said, heard in pairwise(state["messages"]):
            past = written.parse(said.text, type(action)) if isinstance(said, AIMessage) else None
            asked: Any = getattr(past, "question", None)
            if past is None or asked:
                continue
            seen = await context.world.step(past.value)
            if seen.text != heard.text:
                raise ReplayError(
                    f"{past.value!r} led to {seen.text!r}, and before to {heard.text!r}: to go on "
                    "in another process a team needs a world that repeats itself"
                )
        context.notes[REACHED] = True

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
            world = _world(runtime)
            await returned(state, runtime.context, action)
            seen = await world.step(action.value)
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
        update = await taken(state, runtime)
        return onwards({**update, "draft": None, "critique": None, "round": 0})

    async def propose(state: TeamState) -> Command[str]:
        update = await work(policy, state)
        draft = update.get("draft")
        asks = user is not None and getattr(draft, "question", None)
        unchecked = "step" if critic is None else "review"
        told = {"draft": draft, **stopped(update)}
        return Command(update=told, goto="user" if asks else unchecked)

    async def review(state: TeamState) -> Command[str]:
        assert critic is not None
        if state.get("draft") is None:
            return Command(goto="step")
        update = await work(critic, state)
        critique = update.get("critique")
        refused = state["round"] + 1
        told = {"critique": critique, "round": refused, **stopped(update)}
        if told.get("stop"):
            return Command(update=told, goto=END)
        if isinstance(critique, Critique) and critique.verdict == "correct":
            return Command(goto="step")
        if refused >= refusals:
            return Command(update={**told, "stop": "actions refused"}, goto=END)
        return Command(update=told, goto="policy")

    async def ask(state: TeamState) -> Command[str]:
        assert user is not None
        asked = state["draft"]
        assert asked is not None
        question = AIMessage(written.render(asked))
        seen: Any = {**state, "messages": [*state["messages"], question], "draft": None}
        reply, unread = NOBODY, state["unread"] + 1
        said = state["said"]
        if len(said) < questions:
            unread = 0
            heard = await work(user, seen)
            draft = heard.get("draft")
            reply = draft.value if isinstance(draft, Proposal) else SILENT
            said = [*said, Candidate(name_of(user), draft=draft, text=reply)]
            if heard.get("stop"):
                return Command(update=stopped(heard), goto=END)
        messages: Any = [question, HumanMessage(reply)]
        update: TeamState = {"messages": messages, "said": said, "draft": None, "critique": None}
        stop = "questions unanswered" if unread >= unread_limit else ""
        return onwards({**update, "unread": unread, "stop": stop})

    async def speak_and_step(state: TeamState, runtime: Runtime[TeamContext]) -> Command[str]:
        chosen: Any = {**state, **await work(policy, state)}
        return onwards(await taken(chosen, runtime))

    def onwards(update: TeamState) -> Command[str]:
        return Command(update=update, goto=END if update.get("stop") else "policy")

    graph = StateGraph(TeamState, context_schema=TeamContext)
    graph.add_node("reset", reset, destinations=("policy", END))
    graph.add_edge(START, "reset")
    if isinstance(policy, Agent) and critic is None and user is None:
        # One node instead of two: a superstep less saves a quarter of a turn's CPU time.
        graph.add_node("policy", speak_and_step, destinations=("policy", END))
    else:
        after = ("review" if critic else "step", *(("user",) if user else ()))
        graph.add_node("policy", propose, destinations=after)
        graph.add_node("step", step, destinations=("policy", END))
    if critic is not None:
        graph.add_node("review", review, destinations=("policy", "step", END))
    if user is not None:
        graph.add_node("user", ask, destinations=("policy", END))
    return graph.compile(name=name, checkpointer=checkpointer)


def _world(runtime: Runtime[TeamContext]) -> World:
    world = runtime.context.world if runtime.context else None
    if world is None:
        raise ValueError(
            "this team acts in a world and was given none: run it with `evaluate`, or pass "
            "`context=TeamContext(world=...)`"
        )
    return world
