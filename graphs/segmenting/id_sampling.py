"""Iterative deepening sampling: the model is asked to check itself at budgets that grow.

The reply is written up to a budget of tokens; where it is not at its end by then, a sentence that
asks for a check is put in, and the budget grows by a factor. So checks are dense early and sparse
later. The sentences do not count against the budget. Several replies are drawn, and the majority
(or any selector) decides. A reply that ends before its first check is accepted, or, with
`force=True`, has its end taken back for one check.

Paper: "Iterative Deepening Sampling for Large Language Models", arXiv 2502.05449. Its first budget,
factor and handling of early ends were not available: they are parameters.
"""

from __future__ import annotations

from collections.abc import Sequence

from langchain_core.language_models import BaseChatModel

from ...agents import Actor, Agent, TeamState
from ...episodes.paper import Paper
from ..choosing import Chooser
from ..segment import Control, Go, Writing, segment
from ..selectors import majority
from ..team import Team

PAPER = Paper(
    title="Iterative Deepening Sampling for Large Language Models",
    arxiv="2502.05449",
    kind="graph",
)
TRIGGER = "\nWait, I may have made a mistake. Let me check again.\n"


def id_sampling(
    model: BaseChatModel | Agent,
    *,
    first: int = 256,
    growth: float = 2.0,
    cap: int = 4096,
    trigger: str = TRIGGER,
    force: bool = False,
    n: int = 4,
    select: Chooser = majority,
) -> Team:
    """A team of one actor that checks itself while it writes.

    Args:
        first: tokens before the first check.
        growth: by what the budget grows, above 1.
        cap: tokens of a reply, at most.
        force: check a reply that ends early, once.
        n: replies that are drawn.

    Raises:
        ValueError: the numbers allow no check.
    """
    if first < 1 or growth <= 1 or cap < first:
        raise ValueError(f"first={first}, growth={growth}, cap={cap}: need 1 <= first <= cap, > 1")
    agent = model if isinstance(model, Agent) else Actor(model)
    control = deepening(first, growth, cap, trigger, force)
    return segment(agent, control, paths=n, select=select, max_pauses=cap, name="id-sampling")


def deepening(first: int, growth: float, cap: int, trigger: str, force: bool) -> Control:
    """The control that puts the trigger in at `first`, `first * growth`, ... tokens."""

    def control(writing: Writing, paths: Sequence[Writing], state: TeamState) -> Go:
        checks = sum(piece.injected for piece in writing.pieces)
        written = writing.written
        if writing.ended:
            again = force and not checks and written < cap
            return Go(inject=trigger, max_tokens=cap - written) if again else Go(done=True)
        if written >= cap:
            return Go(done=True)
        budget = min(int(first * growth**checks), cap)
        if written < budget:
            return Go(max_tokens=budget - written)
        following = min(int(first * growth ** (checks + 1)), cap)
        return Go(inject=trigger, max_tokens=max(following - written, 1))

    return control
