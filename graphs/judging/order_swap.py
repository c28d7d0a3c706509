"""Order swap: a judge reads the replies in both orders, and only a preference that holds counts.

A judge that compares replies leans towards a place, mostly the first. So it reads them twice, from
first to last and from last to first, without knowing of the other reading. A reply wins only when
both readings are for it; otherwise the judge has decided nothing, and the vote of the answers does.

Paper: "Judging LLM-as-a-Judge with MT-Bench and Chatbot Arena", arXiv 2306.05685, where a pair that
is judged inconsistently is a tie. A reading that cannot be read is no agreement here.
"""

from __future__ import annotations

from langchain_core.language_models import BaseChatModel

from ...agents import Actor, Ranker
from ...episodes.paper import Paper
from ..judge import agreed, judge
from ..sample import sample
from ..team import Member, Team

PAPER = Paper(
    title="Judging LLM-as-a-Judge with MT-Bench and Chatbot Arena",
    arxiv="2306.05685",
    kind="graph",
)


def order_swap(model: BaseChatModel, n: int = 2) -> Team:
    """A team of one model that answers `n` times and compares its answers in both orders.

    Raises:
        ValueError: `n` is less than 1.
    """
    return sample(Actor(model), n, select=in_both_orders(Ranker(model)), name="order_swap")


def in_both_orders(ranker: Member) -> Team:
    """A judge of `state["candidates"]` whose preference has to hold in both orders."""
    return judge(ranker, orders="swap", combine=agreed, name="both_orders")
