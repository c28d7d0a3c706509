"""From episodes and problems to conversations, in the exact words of the roles.

Each conversation is what `Agent.messages` shows in some state of a team, followed by the reply that
the agent should give. Household replies are the expert's; word problems have their solutions.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

from langchain_core.language_models import FakeListChatModel
from langchain_core.messages import AIMessage, AnyMessage, BaseMessage, HumanMessage

from ....agents import (
    Action,
    Actor,
    Agent,
    Answer,
    Critic,
    Critique,
    Judge,
    Output,
    Proposal,
    TagFormat,
    TeamState,
    ToolAgent,
    Verdict,
)
from ....benchmarks.alfworld.environment import ALFWorld
from ....benchmarks.alfworld.expert import SearchExpert
from .arithmetic import LARGEST, Step, make_problem, make_step, spoil
from .transcripts import FURNITURE, NAMES, THINGS, Transcript

LEARN, GLANCE, IGNORE = 1.0, 0.1, 0.0
"""Weights of the loss: the replies to learn, what the world says, and all the rest."""
MISTAKEN = 0.25
"""How often the review that an actor or a judge reads is wrong."""
UNREVIEWED = 0.25
"""How often a judge reads no review."""

_FORMAT = TagFormat()
_ROLES: dict[str, Literal["system", "user", "assistant"]] = {
    "system": "system",
    "human": "user",
    "ai": "assistant",
}


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation, with the weight of its tokens in the loss."""

    role: Literal["system", "user", "assistant"]
    text: str
    weight: float


Conversation = tuple[Message, ...]


@cache
def roles() -> dict[type[Agent], Agent]:
    """The default roles, each with a placeholder for a model."""
    model = FakeListChatModel(responses=[""])
    return {role: role(model) for role in (ToolAgent, Actor, Critic, Judge)}


def prompt(role: type[Agent], state: TeamState) -> list[BaseMessage]:
    """What `role` reads in `state`."""
    return roles()[role].messages(state)


def act(transcript: Transcript, bare: bool = False) -> Conversation:
    """The whole episode: the expert's actions are learnt, random ones are only seen.

    Args:
        bare: leave out all instructions, which are always the same and cost time.
    """
    messages = prompt(ToolAgent, {"messages": history(transcript, len(transcript.moves))})
    weights = [IGNORE, GLANCE]
    for move in transcript.moves:
        weights += [LEARN if move.action == move.expert else IGNORE, GLANCE]
    if bare:
        messages[:2] = [HumanMessage(transcript.opening)]
        del weights[0]
    return _weighted(messages, weights)


def history(transcript: Transcript, steps: int) -> list[AnyMessage]:
    """The team's conversation after `steps` actions."""
    said: list[AnyMessage] = [opening(transcript.opening)]
    for move, sought in zip(transcript.moves[:steps], soughts(transcript), strict=False):
        said.append(AIMessage(_FORMAT.render(action(move.action, sought))))
        said.append(HumanMessage(move.text))
    return said


def soughts(transcript: Transcript) -> list[str]:
    """What the expert looks for before each action of the episode; empty where nothing."""
    expert = SearchExpert(transcript.opening)
    sought = []
    for move in transcript.moves:
        sought.append(expert.sought)
        expert.observe(move.action, move.text)
    return sought


def action(command: str, sought: str) -> Action:
    """The action with its thought: what is looked for, by its full name where it is in sight."""
    found = re.search(rf"^(?:take|use) ({sought} \d+)", command) if sought else None
    name = found[1] if found else sought
    return Action(thought=f"find {name}" if name else "", action=command)


def opening(observation: str) -> HumanMessage:
    """The first message of an episode."""
    return HumanMessage(f"{ALFWorld.instructions}\n\n{observation}")


@dataclass(frozen=True, slots=True)
class Case:
    """A proposal under discussion, right or wrong, with what can rightly be said of it."""

    messages: tuple[AnyMessage, ...]
    author: type[Agent]
    draft: Proposal
    right: Proposal
    review: Critique
    """A true review of the draft."""
    slander: Critique
    """A review that is wrong about the draft."""

    @property
    def stands(self) -> bool:
        return self.review.verdict == "correct"


def action_case(transcript: Transcript, rng: random.Random) -> Case:
    """A random moment of an episode, with the expert's action or, as often, a wrong one."""
    step = rng.randrange(len(transcript.moves))
    move = transcript.moves[step]
    sought = soughts(transcript)[step]
    wrong = _wrong_action(transcript, step, rng)
    draft = rng.choice((move.expert, wrong))
    better = Critique(verdict="incorrect", suggestion=move.expert)
    good = Critique(verdict="correct")
    stands = draft == move.expert
    misleading = Critique(verdict="incorrect", suggestion=wrong)
    return Case(
        messages=tuple(history(transcript, step)),
        author=ToolAgent,
        draft=action(draft, sought),
        right=action(move.expert, sought),
        review=good if stands else better,
        slander=misleading if stands else good,
    )


def sum_case(seed: int, rng: random.Random) -> Case:
    """A word problem with its solution or, as often, a wrong one.

    A true review works the problem out and says how far off the proposed answer is: to tell whether
    two numbers are the same is hard for a small model, to subtract is not.
    """
    question, steps, _ = make_problem(seed)
    spoilt, _ = spoil(steps, rng)
    right, wrong = _solution(steps), _solution(spoilt)
    draft = right if rng.random() < 0.5 else wrong
    return Case(
        messages=(HumanMessage(question),),
        author=Actor,
        draft=draft,
        right=right,
        review=_sum_review(draft, right),
        slander=_sum_review(draft, wrong),
    )


def _sum_review(draft: Answer, believed: Answer) -> Critique:
    """The review of one who believes in another solution, or in the same."""
    compared = f"It says {off(int(draft.answer), int(believed.answer))}."
    reasoning = f"{believed.reasoning}\n{compared}"
    if draft.answer == believed.answer:
        return Critique(reasoning=reasoning, verdict="correct")
    return Critique(reasoning=reasoning, verdict="incorrect", suggestion=believed.answer)


def off(said: int, right: int) -> str:
    """How far a number is from what it should be."""
    return f"{said}, off by {abs(said - right)}"


def reckon(rng: random.Random) -> Conversation:
    """Single steps of solutions, and how far off some numbers are."""
    said: list[BaseMessage] = []
    for _ in range(16):
        step = make_step(rng)
        claim = step.result if rng.random() < 0.2 else rng.randint(1, LARGEST)
        asked = rng.choice((f"1. {step}", f"1. {step}\nIt says {off(claim, step.result)}"))
        question, answer = asked.rsplit(" ", maxsplit=1)
        said += [HumanMessage(question), AIMessage(f" {answer}")]
    return _weighted(said, [LEARN if isinstance(m, AIMessage) else IGNORE for m in said])


def copy(rng: random.Random) -> Conversation:
    """A list of names and numbers, said again, and then item by item. Early on this teaches to look
    things up in the context, which acting and adding both need."""
    items = [_item(rng) for _ in range(rng.randint(4, 14))]
    said: list[BaseMessage] = [HumanMessage("Say again: " + ", ".join(items))]
    said.append(AIMessage(", ".join(items)))
    for _ in range(4):
        at = rng.randrange(len(items) - 1)
        said += [HumanMessage(f"After {items[at]}:"), AIMessage(items[at + 1])]
    return _weighted(said, [LEARN if isinstance(m, AIMessage) else IGNORE for m in said])


def spot(rng: random.Random) -> Conversation:
    """Single moments of a household, where the wanted object is in sight or is not. Early on this
    teaches to compare what is seen with the task, the rarest decision of an episode."""
    said: list[BaseMessage] = []
    for _ in range(4):
        wanted, *others = rng.sample(THINGS, rng.randint(2, 5))
        if rng.random() < 0.5:
            others[rng.randrange(len(others))] = wanted
        place, goal = rng.sample(FURNITURE, 2)
        place = f"{place} {rng.randint(1, 3)}"
        items = [f"{thing} {rng.randint(1, 4)}" for thing in others]
        *first, last = [f"a {item}" for item in items]
        listed = ", and ".join([", ".join(first), last] if first else [last])
        found = next((item for item in items if item.startswith(f"{wanted} ")), None)
        command = f"take {found} from {place}" if found else f"go to {goal} 1"
        said += [
            HumanMessage(
                f"Your task is to: put some {wanted} on {goal}.\n\n"
                f"You arrive at {place}. On the {place}, you see {listed}."
            ),
            AIMessage(_FORMAT.render(action(command, wanted))),
        ]
    return _weighted(said, [LEARN if isinstance(m, AIMessage) else IGNORE for m in said])


def _item(rng: random.Random) -> str:
    if rng.random() < 0.2:
        return str(rng.randint(1, 50))
    return f"{rng.choice(NAMES)} {rng.randint(1, 4)}"


def solve(seed: int) -> Conversation:
    """A word problem and its solution."""
    question, steps, _ = make_problem(seed)
    state: TeamState = {"messages": [HumanMessage(question)]}
    return _reply(prompt(Actor, state), _solution(steps), GLANCE)


def critique(case: Case) -> Conversation:
    """A true review of a proposal."""
    return _reply(critic_prompt(case), case.review)


def critic_prompt(case: Case) -> list[BaseMessage]:
    """What the critic reads."""
    return prompt(Critic, {"messages": list(case.messages), "draft": case.draft})


def revise(case: Case, rng: random.Random) -> Conversation:
    """The author's second draft: it follows a review that is true and stays firm otherwise."""
    review = case.slander if rng.random() < MISTAKEN else case.review
    state: TeamState = {"messages": list(case.messages), "draft": case.draft, "critique": review}
    return _reply(prompt(case.author, state), case.right)


def judge(case: Case, rng: random.Random) -> Conversation:
    """The judge's decision, whatever the review says."""
    review: Critique | None = case.slander if rng.random() < MISTAKEN else case.review
    if rng.random() < UNREVIEWED:
        review = None
    decision: Literal["accept", "revise"] = "accept" if case.stands else "revise"
    verdict = Verdict(rationale=case.review.reasoning, decision=decision)
    return _reply(judge_prompt(case, review), verdict)


def judge_prompt(case: Case, review: Critique | None) -> list[BaseMessage]:
    """What the judge reads."""
    state: TeamState = {"messages": list(case.messages), "draft": case.draft, "critique": review}
    return prompt(Judge, state)


def _solution(steps: Sequence[Step]) -> Answer:
    lines = [f"{number}. {step}" for number, step in enumerate(steps, start=1)]
    return Answer(reasoning="\n".join(lines), answer=str(steps[-1].result))


def _wrong_action(transcript: Transcript, step: int, rng: random.Random) -> str:
    """Something other than the expert's action: a random admissible one, one that was right at
    another time (often the last one again), or one about a thing that is not there."""
    move = transcript.moves[step]
    elsewhere = rng.choice(transcript.moves).expert
    last = transcript.moves[step - 1].action if step else move.other
    words = move.expert.split()
    absent = " ".join(str(rng.randint(6, 9)) if word.isdigit() else word for word in words)
    candidates = [move.other, move.other, elsewhere, last, absent]
    return rng.choice([each for each in candidates if each != move.expert])


def _reply(messages: Sequence[BaseMessage], output: Output, told: float = IGNORE) -> Conversation:
    """Only the last message, the reply, is learnt; what was told weighs `told`."""
    reply = AIMessage(_FORMAT.render(output))
    weights = [told if isinstance(m, HumanMessage) else IGNORE for m in messages]
    return _weighted([*messages, reply], [*weights, LEARN])


def _weighted(messages: Sequence[BaseMessage], weights: Sequence[float]) -> Conversation:
    return tuple(
        Message(_ROLES[m.type], m.text, weight) for m, weight in zip(messages, weights, strict=True)
    )
