"""Re-ReST: what goes wrong is reflected on, tried again, and learnt if it comes out right.

The agent plays a task. When the environment does not call that solved, the reflector reads the
attempt and what the environment said of it, writes a reflection, and plays the task again with
attempt and reflection in view. Solved attempts of the agent are learnt as they were sampled; solved
ones of the reflector are learnt by the agent under the prompt that it will really read, with no
trace of the failure or of the reflection. What neither solves is dropped. The reflector learns its
own reflections and corrections, where they helped. When it is measured what was learnt, the agent
plays alone.

Paper: "Re-ReST: Reflection-Reinforced Self-Training for Language Agents", arXiv 2406.01495. There
the reflector writes reflection and new attempt in one reply; here they are calls of their own, so
that the agent's targets are free of reflection. An unreadable reflection ends the episode.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import (
    BaseMessage,
    HumanMessage,
    convert_to_messages,
    convert_to_openai_messages,
)
from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime
from langgraph.types import Overwrite

from ...agents import Actor, Critic, Critique, TeamContext, TeamState, ToolAgent
from ...episodes import Episode, Observation, Turn
from ...episodes.paper import Paper
from ...graphs import act, answer
from ...graphs.team import Member, Settled, Team, stopped, work
from ..builders import retold
from ..from_episodes import name, rows
from ..loop.recipe import Models, Recipe, Stage
from ..sample import Example, Row
from ..trainer import Objective, Supervised, UpdateSettings

PAPER = Paper(
    title="Re-ReST: Reflection-Reinforced Self-Training for Language Agents",
    arxiv="2406.01495",
    kind="recipe",
)
SOLVED = 1.0
AGENT, REFLECTOR, CORRECTOR = "agent", "reflector", "corrector"
HINT = "hint"
"""Where findings have what the corrector read besides the task."""
FEEDBACK = "The environment answered: {text}\nIt was scored {reward:g} of 1."
BEFORE = (
    "You have tried this before:\n{attempt}\n{feedback}\n{reflection}\nTry again from the start."
)
CUT = "length"
"""How a turn ends that was cut off."""


class Reflector(Critic):
    """Reviews an attempt that failed, with what the environment said of it in view."""

    def brief(self, state: TeamState) -> Sequence[BaseMessage]:
        seen = state.get("observation")
        said = [HumanMessage(feedback(seen))] if seen else []
        return [*super().brief(state), *said] if state.get("draft") else said


class ReReST(Recipe):
    """Self-training on solved attempts, the reflector's among them.

    Args:
        acts: whether the agent acts in a world, or answers questions.
        train_reflector: whether the reflector learns too.
        max_steps: actions of an attempt, at most; None leaves the limit to the world.
    """

    name = "re-rest"
    summary = "solved attempts, and failed ones that a reflection mended, as supervised rows"
    paper = PAPER
    policies = ("policy", "reflector")

    def __init__(
        self, *, acts: bool = False, train_reflector: bool = True, max_steps: int | None = None
    ) -> None:
        self.acts, self.train_reflector, self.max_steps = acts, train_reflector, max_steps

    def team(self, models: Models, stage: Stage) -> Team:
        return retried(
            self._player(models["policy"], AGENT),
            Reflector(models["reflector"], name=REFLECTOR),
            self._player(models["reflector"], CORRECTOR),
            self.max_steps,
        )

    def tested(self, models: Models) -> Team:
        agent = self._player(models["policy"], AGENT)
        return act(agent, max_steps=self.max_steps) if self.acts else answer(agent)

    def _player(self, model: BaseChatModel, name: str) -> Actor:
        return ToolAgent(model, name=name) if self.acts else Actor(model, name=name)

    async def rows(self, episodes: Sequence[Episode], stage: Stage) -> Sequence[Example]:
        made: list[Example] = []
        for episode in episodes:
            if not episode.outcome.success:
                continue
            if HINT not in episode.findings:
                first = [turn.id for turn in spoken(episode, AGENT)]
                made += rows(episode, first, join=True, policy=lambda turn: "policy")
                continue
            made += unprompted(episode, stage)
            if self.train_reflector:
                second = [turn.id for turn in spoken(episode, REFLECTOR, CORRECTOR)]
                made += rows(episode, second, join=True, policy=lambda turn: "reflector")
        return made

    def objective(self, policy: str, stage: Stage) -> Objective:
        return Supervised()

    def settings(self, chosen: UpdateSettings, stage: Stage) -> UpdateSettings:
        return replace(chosen, temperature=1.0)


def retried(
    agent: Actor, reflector: Reflector, corrector: Actor, max_steps: int | None = None
) -> Team:
    """A team that plays, and plays once more with a reflection when it did not solve the task."""

    async def hinted(state: TeamState) -> dict[str, Any]:
        """What the corrector says with the hint behind the conversation."""
        hint = convert_to_messages(state["findings"][HINT])
        seen: Any = {**state, "messages": [*state["messages"], *hint]}
        return await corrector(seen)

    async def reflect(state: TeamState) -> dict[str, Any]:
        update = await work(reflector, state)
        critique = update.get("critique")
        if critique is None:
            return {"stop": update.get("stop") or "no readable reflection"}
        hint = convert_to_openai_messages([*hint_of(corrector, state, critique)])
        return {"findings": {HINT: hint}, "draft": None, **stopped(update)}

    async def failed(state: TeamState) -> str:
        seen = state.get("observation")
        return END if seen is None or seen.reward >= SOLVED else "reflect"

    async def reflected(state: TeamState) -> str:
        return "again" if HINT in state.get("findings", {}) else END

    graph = StateGraph(TeamState, context_schema=TeamContext, output_schema=Settled)
    graph.add_node("attempt", attempt(agent, agent, max_steps))
    graph.add_node("reflect", reflect)
    graph.add_node("again", attempt(hinted, corrector, max_steps))
    graph.add_edge(START, "attempt")
    graph.add_conditional_edges("attempt", failed, ["reflect", END])
    graph.add_conditional_edges("reflect", reflected, ["again", END])
    graph.add_edge("again", END)
    return graph.compile(name="re-rest")


def attempt(player: Member, agent: Actor, max_steps: int | None) -> Any:
    """A node in which `player` plays the task once: acts in the world, or gives it an answer.

    Args:
        agent: whose format the player writes.
    """
    if isinstance(agent, ToolAgent):
        team = act(player, max_steps=max_steps, format=agent.format)

        async def played(state: TeamState) -> dict[str, Any]:
            seen = await work(team, state)
            told = ("observation", "answer", "stop")
            kept: dict[str, Any] = {key: seen[key] for key in told if key in seen}
            return {**kept, "messages": Overwrite(seen["messages"])}

        return played

    async def answered(state: TeamState, runtime: Runtime[TeamContext]) -> dict[str, Any]:
        update = await work(player, state)
        draft = update.get("draft")
        if draft is None:
            return {"draft": None, "observation": None, **stopped(update)}
        world = runtime.context.world if runtime.context else None
        if world is None:
            raise ValueError("nobody says whether an answer is right: run it with `evaluate`")
        await world.reset()
        seen = await world.step(draft.value)
        return {"draft": draft, "observation": seen, "answer": draft.value}

    return answered


def feedback(seen: Observation) -> str:
    """What the environment said of an attempt."""
    return FEEDBACK.format(text=seen.text, reward=seen.reward)


def hint_of(corrector: Actor, state: TeamState, reflection: Critique) -> Sequence[BaseMessage]:
    """What the corrector reads besides the task: the attempt and its reflection."""
    draft, seen = state.get("draft"), state.get("observation")
    if draft is not None:
        return corrector.exchange(draft, reflection)
    assert seen is not None
    told = BEFORE.format(
        attempt="\n".join(message.text for message in state["messages"][1:]),
        feedback=feedback(seen),
        reflection=corrector.format.render(reflection),
    )
    return [HumanMessage(told)]


def spoken(episode: Episode, *agents: str) -> list[Turn]:
    """The turns of these agents that can be learnt: whole, readable ones."""
    return [
        turn
        for turn in episode.turns
        if turn.agent in agents and not (turn.unreadable or turn.error or turn.finish == CUT)
    ]


def unprompted(episode: Episode, stage: Stage) -> list[Row]:
    """What the corrector said, under the prompts that it would have read without the hint."""
    if stage.tokenizer is None:
        raise ValueError("rows under another prompt need the stage's tokenizer")
    hint = convert_to_messages(episode.findings[HINT])
    turns = spoken(episode, CORRECTOR)
    return retold(
        turns,
        [without(convert_to_messages(turn.messages), hint) for turn in turns],
        stage.tokenizer,
        policy=lambda turn: "policy",
        episode=name(episode),
    )


def without(messages: Sequence[BaseMessage], hint: Sequence[BaseMessage]) -> list[BaseMessage]:
    """A prompt without the messages that it ends with, the first of which may have been joined to
    the one before.

    Raises:
        ValueError: it ends otherwise.
    """
    left = [*messages]
    for each in reversed(hint):
        last = left.pop()
        if last.text == each.text:
            continue
        kept = last.text.removesuffix(f"\n\n{each.text}")
        if kept == last.text:
            raise ValueError(f"the prompt ends with {last.text[-60:]!r}, not with the hint")
        left.append(HumanMessage(kept))
    return left
