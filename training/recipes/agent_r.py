"""Agent-R: a model teaches itself to turn back from its own first errors.

In each of three iterations the present model searches a tree of plays for each task, and judges the
bad ones itself, step by step, without knowing how they ended. A bad play up to the first step that
it calls bad, a sentence that admits the mistake, and the good play from where the two part make one
row; only the sentence and the good steps are trained. Whole good plays are rows too. What counts as
good rises from iteration to iteration. The new model is made by supervised fine-tuning, and judges
the next round, so corrections come earlier each time.

Paper: "Agent-R: Training Language Model Agents to Reflect via Iterative Self-Training", arXiv
2501.11425. With `judge="none"` it is the paper's baseline, direct revision: bad plays are kept
whole. With `splices=False` it is a control: as many rows, all of them plain good plays. At the last
threshold, 1.0, the best score there is counts as good (`good_enough`).
"""

from __future__ import annotations

import logging
import random
from collections.abc import Iterable, Sequence
from itertools import cycle, islice
from typing import Literal, TypeVar

from langchain_core.language_models import BaseChatModel

from ...agents import Judge, ToolAgent, output_format
from ...episodes import Episode
from ...episodes.paper import Paper
from ...graphs import act
from ...graphs.leave_tree import TREE, tree_of
from ...graphs.searching.agent_r import ALPHAS, BETA, Line, StepJudge, good_enough, revision
from ...graphs.searching.agent_r_collection import (
    Revision,
    agent_r_collection,
    by_verdict,
    revisions_of,
)
from ...graphs.team import Member, Team
from ...graphs.tree import Tree
from ..builders import played_rows, spliced_rows
from ..checks import require_some
from ..curricula import raised
from ..loop.recipe import Models, Recipe, Stage
from ..sample import Example, Row
from ..trainer import Objective, Supervised

PAPER = Paper(
    title="Agent-R: Training Language Model Agents to Reflect via Iterative Self-Training",
    arxiv="2501.11425",
    kind="recipe",
)
THOUGHTS = (
    "That was a mistake. I will try another way.",
    "This leads nowhere. I go back to the task.",
    "My last step was wrong. Let me think again.",
    "I took a wrong turn. I will put it right.",
    "This does not help. Another plan is needed.",
    "I was on the wrong track. I start anew from here.",
    "I see my error now. I will do it differently.",
    "That was not what the task asks for. I correct it.",
    "I should not have done that. Here is what to do instead.",
    "This was not right. I change my plan.",
)
"""What is said at a revision; the paper draws from ten sentences as well."""
POLICY = "policy"
TAGS = output_format("tags")
JUDGES = ("steps", "verdicts", "none")
T = TypeVar("T")
log = logging.getLogger(__name__)


class AgentR(Recipe):
    """Iterated supervised training on revisions of one's own first errors, and on good plays.

    Args:
        alphas: what a good play scores more than, by iteration; the last holds on.
        beta: by how much a good and a bad play differ, more than.
        descents: of a search.
        samples: actions tried at a node.
        max_depth: actions of a play, at most.
        judge: `steps` asks the model to label each step; `verdicts` asks it as the role `Judge`
            whether the action stands, for models that know that prompt; `none` is direct revision.
        splices: False trains on as many good plays instead.
        thoughts: sentences that admit a mistake, of which one is drawn for each revision.
        revisions: rows of revisions a task, at most.
        good: rows of good plays a task, at most.
        chat: rows of general conversation to mix in, from `builders.written`.
        eta: share of all rows that come from `chat`, where there are any.

    Raises:
        ValueError: a setting is out of range.
    """

    name = "agent-r"
    summary = "revise one's own first errors, and imitate good plays"
    paper = PAPER
    acts = True

    def __init__(
        self,
        *,
        alphas: Sequence[float] = ALPHAS,
        beta: float = BETA,
        descents: int = 8,
        samples: int = 4,
        max_depth: int = 20,
        judge: Literal["steps", "verdicts", "none"] = "steps",
        splices: bool = True,
        thoughts: Sequence[str] = THOUGHTS,
        revisions: int = 8,
        good: int = 4,
        chat: Sequence[Row] = (),
        eta: float = 0.2,
    ) -> None:
        if judge not in JUDGES:
            raise ValueError(f"judge={judge!r}: there are {', '.join(JUDGES)}")
        raised(alphas, 0)
        require_some("thoughts", thoughts)
        if not 0 <= eta < 1:
            raise ValueError(f"eta={eta}: it is a share, from 0 to below 1")
        for limit, given in {"revisions": revisions, "good": good}.items():
            if given < 1:
                raise ValueError(f"{limit}={given}: it must be at least 1")
        self.alphas, self.beta = tuple(alphas), beta
        self.descents, self.samples, self.max_depth = descents, samples, max_depth
        self.judge, self.splices, self.thoughts = judge, splices, tuple(thoughts)
        self.revisions, self.good, self.eta = revisions, good, eta
        self.chat_rows = len(chat)
        self._chat = tuple(chat)

    def team(self, models: Models, stage: Stage) -> Team:
        model = models[POLICY]
        return agent_r_collection(
            ToolAgent(model),
            self._judging(model),
            alpha=self.alpha(stage),
            beta=self.beta,
            most=self.revisions,
            descents=self.descents,
            samples=self.samples,
            max_depth=self.max_depth,
        )

    def tested(self, models: Models) -> Team:
        return act(ToolAgent(models[POLICY]))

    def alpha(self, stage: Stage) -> float:
        """What a good play scores more than in this iteration."""
        return raised(self.alphas, stage.iteration)

    async def rows(self, episodes: Sequence[Episode], stage: Stage) -> Sequence[Example]:
        tasks: dict[str, list[Episode]] = {}
        for episode in episodes:
            if TREE in episode.findings:
                tasks.setdefault(episode.task, []).append(episode)
            else:
                log.warning(
                    "%s left no tree: %s",
                    episode.task,
                    episode.outcome.error or episode.outcome.stop,
                )
        own = [row for held in tasks.values() for row in self._of_a_task(held, stage)]
        wanted = round(len(own) * self.eta / (1 - self.eta))
        return [*own, *islice(cycle(self._chat), wanted)]

    def objective(self, policy: str, stage: Stage) -> Objective:
        return Supervised()

    def _judging(self, model: BaseChatModel) -> Member | None:
        if self.judge == "none":
            return None
        return StepJudge(model) if self.judge == "steps" else by_verdict(Judge(model))

    def _of_a_task(self, episodes: Sequence[Episode], stage: Stage) -> list[Row]:
        """Each row once, and of either kind no more than allowed, drawn by chance."""
        assert stage.tokenizer is not None
        chance = random.Random(f"{stage.seed}/{episodes[0].task}")
        cuts: dict[tuple[Line, ...], tuple[Episode, Tree, Revision]] = {}
        plays: list[Row] = []
        for episode in episodes:
            tree = tree_of(episode)
            for cut in revisions_of(episode):
                same = tuple(revision(tree, cut.good, cut.bad, cut.error, TAGS))
                cuts[same] = episode, tree, cut
            for end in tree.ends():
                if good_enough(end.mean, self.alpha(stage)):
                    plays += played_rows(
                        episode, tree, end.id, stage.tokenizer, TAGS, policy=POLICY
                    )
        revised: list[Row] = []
        for episode, tree, cut in drawn(cuts.values(), chance)[: self.revisions]:
            thought = chance.choice(self.thoughts)
            lines = revision(tree, cut.good, cut.bad, cut.error, TAGS, thought)
            revised += spliced_rows(episode, tree, lines, stage.tokenizer, policy=POLICY)
        plays = drawn({row.ids: row for row in plays}.values(), chance)
        if self.splices:
            return [*revised, *plays[: self.good]]
        return [*islice(cycle(plays), len(revised) + len(plays[: self.good]))]


def drawn(items: Iterable[T], chance: random.Random) -> list[T]:
    """Items in a random order."""
    mixed = list(items)
    chance.shuffle(mixed)
    return mixed
