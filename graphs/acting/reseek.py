"""ReSeek: a search agent that has to judge what it found before it goes on.

At each turn the agent thinks, judges the result of its last search (useful: yes or no), and then
searches again or answers. A turn without that judgement is refused, and so is an answer right after
a result that was judged useless: it has to search again. Results stay in the conversation with the
verdict beside them. A question takes four searches at most; a fifth is refused, and who found the
fourth useless ends without an answer.

`training.rewards.reseek` is the paper's credit for judgements.

Paper: "ReSeek: A Self-Correcting Framework for Search Agents with Instructive Rewards", arXiv
2510.00568, whose code was not available: the numbers are from a public note on the paper.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from langchain_core.language_models import BaseChatModel
from pydantic import Field

from ...agents import Action, Critique, Proposal, TeamState, ToolAgent
from ...episodes.paper import Paper
from ..act import act
from ..team import Member, Team, seated

PAPER = Paper(
    title="ReSeek: A Self-Correcting Framework for Search Agents with Instructive Rewards",
    arxiv="2510.00568",
    kind="graph",
)
TURNS = 4
PROMPT = (
    "Answer with the help of searches. Each turn, think; then, if you have searched, say whether "
    "the last result is `useful` (yes or no); then search, or answer. After a useless result you "
    "have to search again."
)
JUDGE_FIRST = "Say first whether the last result is useful: yes or no."
NONE_LEFT = "No search is left: answer."
SEARCH_AGAIN = "You found the last result useless: search again before you answer."


class Seek(Action):
    """A turn of a search agent."""

    useful: Literal["yes", "no"] | None = None
    """Whether the last result was; None before the first search."""
    action: str = Field(min_length=1)


def finishes(action: str) -> bool:
    """Whether an action answers: `finish[...]`, as in the worlds of ReAct."""
    return action.strip().casefold().startswith(("finish", "answer"))


def reseek(
    model: BaseChatModel | Member,
    *,
    answers: Callable[[str], bool] = finishes,
    turns: int = TURNS,
    refusals: int = 3,
) -> Team:
    """A team of one agent that searches, judges and answers.

    Args:
        answers: whether an action is the answer.
        turns: searches, at most; the answer is one action more.
        refusals: turns in a row that may break the rule; then the team stops.
    """
    return act(
        seated(ToolAgent, model, instructions=PROMPT, output=Seek),
        critic=rule(answers, turns),
        refusals=refusals,
        max_steps=turns + 1,
        name="reseek",
    )


def rule(answers: Callable[[str], bool], turns: int = TURNS) -> Member:
    """The critic that holds the agent to judging, to searching after a useless result, and to so
    many searches."""

    async def referee(state: TeamState) -> dict[str, Any]:
        draft = state.get("draft")
        searches = state.get("steps", 0)
        fault = broken(draft, searched=searches > 0, answers=answers)
        if not fault and searches >= turns and draft is not None and not answers(draft.value):
            fault = NONE_LEFT
        verdict: Literal["correct", "incorrect"] = "incorrect" if fault else "correct"
        return {"critique": Critique(verdict=verdict, suggestion=fault)}

    return referee


def broken(draft: Proposal | None, searched: bool, answers: Callable[[str], bool]) -> str:
    """What a turn has to do instead; empty when it keeps the rule."""
    useful = draft.useful if isinstance(draft, Seek) else None
    if searched and useful is None:
        return JUDGE_FIRST
    if useful == "no" and draft is not None and answers(draft.value):
        return SEARCH_AGAIN
    return ""
