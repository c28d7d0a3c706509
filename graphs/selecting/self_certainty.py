"""Self-certainty: answers weigh by how far the model was from guessing while it wrote them.

One model answers several times. The self-certainty of an answer is the mean, over its tokens, of
KL(uniform || p), where p is the model's distribution over the whole vocabulary: 0 where every token
is as likely as any other, and greater the more peaked p is. Answers that can be compared are voted
on, by Borda: ranked by falling self-certainty, the answer at rank r of N gives (N - r) ** power to
all that say the same. With power 0 that is the majority. Answers that cannot be compared (open
questions, code) are not voted on: the most certain one wins. One that cannot be read never wins.

Only an engine that sees the whole vocabulary can measure this: a local model does, and is asked to;
any other has to bring the measure with its replies.

Paper: "Scalable Best-of-N Selection for Large Language Models via Self-Certainty", arXiv
2502.18581. Its best power grows with N, from about 0.3 for few answers to about 1.2 for 64; the
default is that of its published code. The vote by plain sums of certainty (`weighted`) is not from
the paper.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.tools import BaseTool

from ...agents import Actor, Candidate
from ...episodes.paper import Paper
from ..sample import sample
from ..selectors import Selector, best, borda, weighted
from ..team import Team

PAPER = Paper(
    title="Scalable Best-of-N Selection for Large Language Models via Self-Certainty",
    arxiv="2502.18581",
    kind="graph",
)
ANSWERS = 8
POWER = 0.5
Vote = Literal["borda", "weighted", "best"]


def self_certainty(
    model: BaseChatModel, n: int = ANSWERS, vote: Vote = "borda", power: float = POWER
) -> Team:
    """A team of one model that answers `n` times and trusts what it was certain of.

    While it runs it raises ValueError when the model's replies carry no self-certainty.

    Args:
        vote: `borda`; `weighted`, where each answer weighs its self-certainty; or `best`, the one
            most certain answer, for answers that cannot be compared.
        power: of the Borda vote.

    Raises:
        ValueError: `n` is less than 1, the vote is unknown, or the power is negative or endless.
    """
    selectors: dict[str, Selector] = {
        "borda": borda(certainty, power),
        "weighted": weighted(certainty),
        "best": best(certainty),
    }
    if vote not in selectors:
        raise ValueError(f"vote={vote!r}: choose one of {', '.join(selectors)}")
    actor = MeasuredActor if "measure" in type(model).model_fields else Actor
    return sample(actor(model), n, select=selectors[vote], name="self_certainty")


def certainty(candidate: Candidate) -> float:
    """The self-certainty of a candidate, in nats; none of one that could not be read.

    Raises:
        ValueError: the reply was not measured.
    """
    if candidate.draft is None:
        return 0.0
    if "self_certainty" not in candidate.measures:
        raise ValueError(
            f"{candidate.by}'s reply carries no self-certainty: use a local model (`tiny`, "
            "`hf:PATH`), under a cassette one that was loaded with measure=True"
        )
    return candidate.measures["self_certainty"]


class MeasuredActor(Actor):
    """An actor whose model measures each reply while it writes it."""

    async def reply(self, messages: list[BaseMessage], tools: Sequence[BaseTool] = ()) -> AIMessage:
        return await self._offered(tools).ainvoke(messages, self.config, measure=True)
