"""TEaR: translate, estimate, refine.

A translator translates. An estimator reads source and translation and lists the errors, as
translators' error typologies (MQM) have them: critical, major and minor ones, each with its type
and the words concerned. If there are none the translation stands as it is, and nobody touches it.
Else a refiner, who sees source, translation and errors, mends those first and then polishes the
whole. That is done once. Worked pairs of source and translation, where there are some, are shown to
the translator and to the refiner.

An estimate that cannot be read is not taken for one without errors: the team stops and says so, and
the translation stands unrefined.

Paper: "TEaR: Improving LLM-based Machine Translation with Systematic Self-Refinement", arXiv
2402.16379. The words are ours. The refiner is the paper's default, with the pairs (`beta`); without
them it is `alpha`. Its two other refiners, which see the draft as a bad translation or reason at
length first, are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from pydantic import Field

from ...agents import Actor, Critic, Critique, Issue, Output, Proposal, TeamState
from ...agents.state import draft_of
from ...episodes.paper import Paper
from ..refine import refine
from ..team import Team

PAPER = Paper(
    title="TEaR: Improving LLM-based Machine Translation with Systematic Self-Refinement",
    arxiv="2402.16379",
    kind="graph",
)
UNREADABLE = "the estimate could not be read"
TRANSLATE = "You are a translator. Translate as asked; reply with the translation alone."
ESTIMATE = (
    "You assess translations. List the errors of the proposed translation by how bad they are, "
    "each with its type (mistranslation, omission, addition, grammar, register, ...) and the words "
    "concerned. Write no-error for a degree of which there is none."
)
REFINE = (
    "You are a translator who revises. Mend each error that was found in the translation; then "
    "polish the whole, so that it reads as if a native speaker had written it."
)


class Translation(Proposal):
    """A translation."""

    target: str = Field(min_length=1)

    @property
    def value(self) -> str:
        return self.target


class Estimate(Output):
    """The errors of a translation, as `type: words`. Each degree has to be there, so that a reply
    which says nothing is not one that finds nothing."""

    critical: tuple[str, ...]
    major: tuple[str, ...]
    minor: tuple[str, ...]

    @property
    def errors(self) -> list[str]:
        """All of them, with how bad they are; `no-error` and the like are none."""
        return [
            f"{degree} error, {text}"
            for degree in ("critical", "major", "minor")
            for text in getattr(self, degree)
            if text.strip(" .").casefold() not in NO_ERROR
        ]


NO_ERROR = {"", "no-error", "no error", "none", "null"}


class Estimator(Critic):
    """Lists the errors of the draft. A translation without any is correct."""

    role = "estimator"
    prompt = ESTIMATE

    def read(self, message: AIMessage) -> Critique | None:
        estimate = super().read(message)
        if not isinstance(estimate, Estimate):
            return None
        issues = tuple(Issue(reason=error) for error in estimate.errors)
        return Critique(verdict="incorrect" if issues else "correct", issues=issues)


class Translator(Actor):
    """Translates; sees worked pairs as conversations that were."""

    role = "translator"
    prompt = TRANSLATE
    output = Translation

    def __init__(self, model: BaseChatModel, pairs: Sequence[tuple[str, str]] = (), **own: Any):
        super().__init__(model, **own)
        self.pairs: list[BaseMessage] = []
        for source, target in pairs:
            written = self.format.render(Translation(target=target))
            self.pairs += [HumanMessage(source), AIMessage(written)]

    def messages(self, state: TeamState, recalled: Sequence[BaseMessage] = ()) -> list[BaseMessage]:
        system, *rest = super().messages(state, recalled)
        return [system, *self.pairs, *rest]


def tear(
    model: BaseChatModel,
    *,
    estimator: BaseChatModel | None = None,
    refiner: BaseChatModel | None = None,
    pairs: Sequence[tuple[str, str]] = (),
    pairs_in_refinement: bool = True,
) -> Team:
    """A team of translator, estimator and refiner: two calls, and a third where there are errors.

    Args:
        model: the translator's, and everybody's for whom none is given.
        pairs: worked examples: what was asked, as tasks are worded, and its translation. The paper
            has five.
        pairs_in_refinement: whether the refiner sees them too.
    """
    critic = Estimator(estimator or model, output=Estimate)

    async def estimate(state: TeamState) -> dict[str, Any]:
        draft_of(state)
        update = await critic(state)
        unread = update["critique"] is None and not update.get("stop")
        return {**update, "stop": UNREADABLE} if unread else update

    return refine(
        Translator(model, pairs),
        estimate,
        reviser=Translator(
            refiner or model,
            pairs if pairs_in_refinement else (),
            name="refiner",
            instructions=REFINE,
        ),
        rounds=1,
        name="tear",
    )
