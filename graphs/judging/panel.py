"""A panel: several judges of different models vote, instead of one large judge.

Every judge reads the replies on its own. Each votes for one; the reply with most votes wins, and
grades are averaged. A judge favours what its own model wrote, so judges of different families are
fairer together than each alone; of one model, read several times, they only even out chance.

Paper: "Replacing Judges with Juries: Evaluating LLM Generations with a Panel of Diverse Models"
(PoLL), arXiv 2404.18796, with three judges. There each judge grades one reply alone; here the panel
compares several.
"""

from __future__ import annotations

from collections.abc import Sequence

from langchain_core.language_models import BaseChatModel

from ...agents import Actor, Ranker
from ...episodes.paper import Paper
from ..judge import judge
from ..sample import sample
from ..team import Team

PAPER = Paper(
    title=(
        "Replacing Judges with Juries: Evaluating LLM Generations with a Panel of Diverse Models"
    ),
    arxiv="2404.18796",
    kind="graph",
)
JUDGES = 3


def panel(
    model: BaseChatModel, n: int = 2, *, judges: Sequence[BaseChatModel] | None = None
) -> Team:
    """A team that answers `n` times and lets a panel choose.

    Args:
        judges: the model of each judge; by default `model`, three times.

    Raises:
        ValueError: `n` is less than 1, or there is no judge.
    """
    return sample(
        Actor(model), n, select=jury([model] * JUDGES if judges is None else judges), name="panel"
    )


def jury(models: Sequence[BaseChatModel]) -> Team:
    """A judge of `state["candidates"]`: a ranker of each model, and their votes.

    Raises:
        ValueError: there is no model.
    """
    rankers = [Ranker(model, name=f"judge-{i}") for i, model in enumerate(models, 1)]
    return judge(rankers, name="jury")
