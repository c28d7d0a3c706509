"""Self-check: a model throws out those of its answers that it finds wrong, then votes.

One model answers several times. Then it criticises each answer, in a call that knows of that answer
only, and gives a verdict. Answers that it found wrong are discarded, as are those whose verdict
cannot be read; the commonest of the rest wins. Where nothing is left, all are voted on.

The other half of the paper, how good models are as critics, is `benchmarks/criticism.py`.

Paper: "Critique Ability of Large Language Models" (CriticBench), arXiv 2310.04815. No code was
published. The number of answers and what happens when nothing is left are assumptions; its critic
learns from examples in the prompt, ours from its instructions.
"""

from __future__ import annotations

from langchain_core.language_models import BaseChatModel

from ...agents import Actor, Critic
from ...episodes.paper import Paper
from ..sample import sample
from ..selectors import filtered, passed
from ..team import Team

PAPER = Paper(
    title="Critique Ability of Large Language Models",
    arxiv="2310.04815",
    kind="graph",
)
ANSWERS = 8
CRITIQUE = (
    "You are a critic. Go through the proposed reply and analyse it; then, and only then, say "
    "whether its answer is right."
)


def self_check(model: BaseChatModel, n: int = ANSWERS) -> Team:
    """A team of one model that answers `n` times, checks each answer and votes on what is left.

    Raises:
        ValueError: `n` is less than 1.
    """
    return sample(
        Actor(model),
        n,
        review=Critic(model, instructions=CRITIQUE),
        select=filtered(passed),
        name="self_check",
    )
