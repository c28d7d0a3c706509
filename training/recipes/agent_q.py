"""Agent Q: preferences between the actions of a search, learnt step by step.

The policy searches each task's world (`graphs.searching.agent_q`): actions are proposed, ranked by
a critic, played out. At every position of the tree, two actions whose blended quality (mean outcome
and rank, half each) differs by more than a threshold make a pair: the same history, the better
action and the worse one, with the tokens as they were sampled. Direct preference optimisation
follows, against the log-probabilities that were recorded when the pair was collected; so no
reference model is needed, and pairs of earlier iterations can be drawn again. What is measured is
the policy alone, acting without a search.

Paper: "Agent Q: Advanced Reasoning and Learning for Autonomous AI Agents", arXiv 2408.07199. No
official code was released. Its values of threshold and beta are not known to us: those here are
assumptions. A critic that cannot rank leaves the order of the proposals; with such a model set
`share=1`, which takes outcomes alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from langchain_core.language_models import BaseChatModel

from ...agents import ToolAgent
from ...episodes import Episode
from ...episodes.paper import Paper
from ...graphs import act
from ...graphs.leave_tree import TREE, leave_tree, tree_of
from ...graphs.searching.agent_q import SHARE, agent_q, preferences
from ...graphs.team import Member, Team
from ..builders import tree_pairs
from ..checks import require_share
from ..curricula import Replay
from ..loop.recipe import Models, Recipe, Stage
from ..sample import Example
from ..trainer import Objective, Preference

PAPER = Paper(
    title="Agent Q: Advanced Reasoning and Learning for Autonomous AI Agents",
    arxiv="2408.07199",
    kind="recipe",
)
THRESHOLD = 0.1
BETA = 0.1


class AgentQ(Recipe):
    """DPO on pairs from search trees.

    Args:
        critic: ranks proposals; by default the policy itself.
        threshold: qualities of a pair differ by more than this.
        share: of the mean outcome in the quality; the critic's rank has the rest.
        beta: DPO's.
        reference_logprobs: `stored` takes the log-probabilities that were recorded; `computed`
            leaves them to the trainer (`UpdateSettings.reference`).
        proposals: actions proposed at a position.
        expansions: positions that are expanded in a search, at most.
        max_depth: actions on a path, at most.
        replay: pairs of earlier iterations that are drawn in each.
        capacity: pairs that are remembered for that.

    Raises:
        ValueError: `share` is none, a number is negative, or `reference_logprobs` is unknown.
    """

    name = "agent-q"
    summary = "DPO on pairs of actions from search trees"
    paper = PAPER
    acts = True

    def __init__(
        self,
        *,
        critic: BaseChatModel | Member | None = None,
        threshold: float = THRESHOLD,
        share: float = SHARE,
        beta: float = BETA,
        reference_logprobs: Literal["stored", "computed"] = "stored",
        proposals: int = 3,
        expansions: int = 20,
        max_depth: int = 20,
        replay: int = 0,
        capacity: int = 10_000,
    ) -> None:
        require_share("share", share)
        if reference_logprobs not in ("stored", "computed"):
            raise ValueError(
                f"reference_logprobs={reference_logprobs!r}: there are stored and computed"
            )
        if threshold < 0 or replay < 0:
            raise ValueError(f"threshold={threshold}, replay={replay}: neither may be negative")
        self.critic, self.threshold, self.share, self.beta = critic, threshold, share, beta
        self.reference_logprobs = reference_logprobs
        self.replay, self.capacity = replay, capacity
        self.proposals, self.expansions, self.max_depth = proposals, expansions, max_depth
        self._buffer = Replay(capacity)

    def team(self, models: Models, stage: Stage) -> Team:
        search = agent_q(
            models["policy"],
            self.critic,
            proposals=self.proposals,
            share=self.share,
            expansions=self.expansions,
            max_depth=self.max_depth,
        )
        return leave_tree(search)

    def tested(self, models: Models) -> Team:
        return act(ToolAgent(models["policy"]))

    async def rows(self, episodes: Sequence[Episode], stage: Stage) -> Sequence[Example]:
        new: list[Example] = []
        for episode in episodes:
            if TREE not in episode.findings:  # it broke off before its search had ended
                continue
            tree = tree_of(episode)
            new += tree_pairs(
                episode,
                tree,
                preferences(tree, self.threshold, self.share),
                policy=lambda turn: "policy",
                stored=self.reference_logprobs == "stored",
            )
        if not self.replay:
            return new
        return [*new, *self._buffer.rows(stage, "policy", self.replay)]

    def objective(self, policy: str, stage: Stage) -> Objective:
        return Preference("dpo", beta=self.beta)
