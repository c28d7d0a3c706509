"""Self-consistency: several answers, each reasoned out alone, and the commonest wins.

One model answers the same question several times, at a temperature above 0, so that it comes to its
answers in different ways. Only the final answers are compared: numbers as numbers, words without
case and outer punctuation. An answer that cannot be read has no vote; of equals the first wins.

Paper: "Self-Consistency Improves Chain of Thought Reasoning in Language Models", arXiv 2203.11171,
which draws 40 answers; most of the gain is there with 5 to 10.
"""

from __future__ import annotations

from langchain_core.language_models import BaseChatModel

from ...agents import Actor
from ...episodes.paper import Paper
from ..sample import sample
from ..team import Team

PAPER = Paper(
    title="Self-Consistency Improves Chain of Thought Reasoning in Language Models",
    arxiv="2203.11171",
    kind="graph",
)
ANSWERS = 5


def self_consistency(model: BaseChatModel, n: int = ANSWERS) -> Team:
    """A team of one model that answers `n` times and votes.

    Raises:
        ValueError: `n` is less than 1.
    """
    return sample(Actor(model), n, name="majority")
