"""Debate as test-time scaling: all speak at once, and the last round is put to the vote.

In the first round each agent answers the question alone. In every later round it answers anew,
having read what all agents, itself among them, said in the round before. After the last round the
majority decides. There is no moderator and no judge, so `agents * rounds` answers are what it
costs: as much as self-consistency with so many samples, or one agent that revises so often, which
is what the paper holds it against.

On mathematics that rarely pays, except for weak models and hard questions; where agents may be led
astray (the paper looks at attacks), reading each other can spread it. `shares` tells both, round by
round.

Paper: "Revisiting Multi-Agent Debate as Test-Time Scaling: A Systematic Study of Conditional
Effectiveness", arXiv 2505.22960. There was no code to read; the words, and two rounds of three
agents, are ours. An agent that cannot be read in the last round votes with its last readable
answer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage, HumanMessage

from ...agents import Actor, Candidate
from ...episodes.paper import Paper
from ..debate import debate, speaker_of, words
from ..quoting import quoted
from ..team import Team

PAPER = Paper(
    title=(
        "Revisiting Multi-Agent Debate as Test-Time Scaling: A Systematic Study of Conditional "
        "Effectiveness"
    ),
    arxiv="2505.22960",
    kind="graph | metric | finding",
)
AGENTS = 3
ROUNDS = 2
READ = (
    "These are the replies of all agents to the question; you are agent {number}.\n\n{said}\n\n"
    "With their help, answer the question again."
)


def simultaneous(
    models: BaseChatModel | Sequence[BaseChatModel],
    *,
    agents: int = AGENTS,
    rounds: int = ROUNDS,
    personas: Sequence[str] = (),
) -> Team:
    """A team of agents that answer at once, `agents * rounds` times in all.

    Args:
        models: one for all, or several, which the agents take in turn.
        personas: who the agents are, taken in turn ("You are a careful mathematician."); put
            before the usual instructions.

    Raises:
        ValueError: there are fewer than two agents, no round or no model.
    """
    held = [models] if isinstance(models, BaseChatModel) else list(models)
    if not held:
        raise ValueError("models is empty: give at least one")
    return debate(
        [
            Actor(
                held[number % len(held)],
                name=f"agent {number}",
                instructions=" ".join([*turn(personas, number), Actor.prompt]),
            )
            for number in range(agents)
        ],
        rounds=rounds,
        view=round_before,
        name="simultaneous",
    )


def turn(texts: Sequence[str], number: int) -> list[str]:
    """The text whose turn it is, if there are any."""
    return [texts[number % len(texts)]] if texts else []


def round_before(said: Sequence[Candidate], number: int) -> list[BaseMessage]:
    """All replies of the round before, in the order of the agents."""
    last = max((each.round for each in said), default=0)
    heard = [each for each in said if each.round == last and each.draft is not None]
    if not heard:
        return []
    heard.sort(key=speaker_of)
    shown = "\n\n".join(quoted(each.by, words(each)) for each in heard)
    return [HumanMessage(READ.format(number=number, said=shown))]


def shares(said: Sequence[Candidate], holds: Callable[[Candidate], bool]) -> list[float]:
    """The share of agents of whom something holds (that they are right, that an attack on them
    went through), round by round.

    Args:
        said: a debate, as in its team's final `state["said"]`.
    """
    rounds = sorted({each.round for each in said})
    spoken = [[holds(each) for each in said if each.round == number] for number in rounds]
    return [sum(held) / len(held) for held in spoken]
