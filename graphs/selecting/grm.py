"""A generative reward model reads the answers many times; what a second model trusts is summed up.

Several answers are drawn. A judge reads them all a number of times, each time in another order: it
lays down principles for this very question, criticises the answers by them and grades each from 1
to 10. A meta judge reads every such judgement and says how likely it is to be right. The grades of
the judgements that it trusts most are added up, answer by answer, and the greatest sum wins: many
coarse grades make a fine one. Without a meta judge all judgements count.

Paper: "Inference-Time Scaling for Generalist Reward Modeling" (DeepSeek-GRM, SPCT), arXiv
2504.02495, which reads up to 32 times at temperature 0.5 and keeps half. Weights were published, no
code: the words of the prompts are ours, and where the paper's meta judge is a trained scalar model,
here any model says the number. Its training is not here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from pydantic import Field

from ...agents import Actor, Critique, Output, Ranker, TeamState, Verdict
from ...episodes.paper import Paper
from ..judge import Ballot, Combine, judge, vote_of
from ..sample import sample
from ..team import Team

PAPER = Paper(
    title="Inference-Time Scaling for Generalist Reward Modeling",
    arxiv="2504.02495",
    kind="graph | reward",
)
ANSWERS = 4
READINGS = 8
TOP = 10
"""The best grade."""


class Principle(Output):
    """What the answers to a question are judged by."""

    name: str = Field(min_length=1)
    weight: float = 1.0


class Judgement(Output):
    """One reading of several answers."""

    principles: tuple[Principle, ...] = ()
    critique: str = ""
    scores: tuple[Annotated[int, Field(ge=1, le=TOP)], ...] = Field(min_length=1)
    """A grade per answer, in the order shown."""


class RewardModel(Ranker):
    """Grades several answers by principles that it lays down itself."""

    role = "reward model"
    prompt = (
        "You judge replies. First write the principles that matter for this request, each with its "
        "weight; then criticise the proposed replies by them; then grade each reply, in order, "
        f"with a whole number from 1 to {TOP}."
    )
    output = Judgement

    def read(self, message: AIMessage) -> Verdict | None:
        said = super().read(message)
        if not isinstance(said, Judgement):
            return None
        principles = [f"{each.name} ({each.weight:g})" for each in said.principles]
        scores = tuple(score / TOP for score in said.scores)
        alone = scores.count(max(scores)) == 1
        return Verdict(
            rationale="\n".join(part for part in ("; ".join(principles), said.critique) if part),
            decision="accept" if alone else "revise",
            scores=scores,
        )


class MetaJudge(Ranker):
    """Says how likely a judgement of several answers is to be right."""

    role = "meta judge"
    prompt = (
        "You judge judges. Read the request, the proposed replies and what a judge made of them. "
        "Say whether its judgement is correct, and how likely that is, from 0 to 1 (`score`)."
    )
    output = Critique
    writes = "critique"

    def brief(self, state: TeamState) -> Sequence[BaseMessage]:
        verdict = state.get("verdict")
        if verdict is None:
            raise ValueError("there is no judgement to judge: the state holds no verdict")
        grades = ", ".join(f"{score * TOP:g}" for score in verdict.scores)
        told = f"A judge's grades, in order, from 1 to {TOP}: {grades}\n{verdict.rationale}"
        return (*super().brief(state), HumanMessage(told))


def grm(
    model: BaseChatModel,
    n: int = ANSWERS,
    readings: int = READINGS,
    k_meta: int | None = None,
    *,
    reward_model: BaseChatModel | None = None,
    meta: BaseChatModel | None = None,
) -> Team:
    """A team that answers `n` times and lets a generative reward model choose.

    Args:
        readings: how often the answers are judged.
        k_meta: judgements to count, the most trusted ones; by default half of them. With as many
            as there are readings nobody is asked how far to trust them.
        reward_model: judges the answers; by default `model`.
        meta: judges the judgements; by default the reward model.

    Raises:
        ValueError: `k_meta` is not in the range of the readings, or a number is less than 1.
    """
    kept = max(readings // 2, 1) if k_meta is None else k_meta
    if not 1 <= kept <= readings:
        raise ValueError(f"k_meta={kept} of {readings} readings: choose from 1 to all of them")
    reader = reward_model or model
    voting = judge(
        RewardModel(reader),
        readings=readings,
        orders="shuffle",
        review=MetaJudge(meta or reader) if kept < readings else None,
        combine=most_trusted(kept),
        name="votes",
    )
    return sample(Actor(model), n, select=voting, name="grm")


def most_trusted(k: int) -> Combine:
    """Add up the grades of the `k` ballots that are trusted most. Between ballots that are trusted
    alike the earlier one counts; one whose trust could not be read comes last."""

    def combine(ballots: Sequence[Ballot], size: int) -> Verdict | None:
        read = [each for each in ballots if each.verdict and len(each.verdict.scores) == size]
        read.sort(key=lambda each: -1.0 if each.score is None else each.score, reverse=True)
        kept = read[:k]
        if not kept:
            return None
        sums = totals(kept)
        scores = tuple(each / (TOP * len(kept)) for each in sums)
        verdict = Verdict(decision="revise", scores=scores)
        winner = vote_of(verdict)
        return verdict.model_copy(
            update={"winner": winner, "decision": "revise" if winner is None else "accept"}
        )

    return combine


def totals(ballots: Sequence[Ballot]) -> list[int]:
    """The sum of each answer's grades, from 1 to 10 in each ballot."""
    graded = [each.verdict.scores for each in ballots if each.verdict]
    return [sum(round(score * TOP) for score in column) for column in zip(*graded, strict=True)]
