"""Agent-R's collection: a tree of plays, from which revisions of first errors are cut.

One descent walks from the root until it can go no further: where a node has no children yet, four
actions are sampled, duplicates dropped, and all are tried in the world; the walk goes on with the
child of the best UCB score. Ends alone are backed up, with the world's score; a negative reward
ends the play at once and counts as 0. There is no rollout policy and no value model.

From the tree, pairs of ends are taken whose scores differ by more than beta and whose better one
exceeds alpha. The actor itself judges each step of the worse play, without knowing the reward; the
first step it calls bad is the last that is kept. A revision is that bad start, a sentence that says
so, and the good play from where the two part. Only the sentence and the good steps are trained.

Paper: "Agent-R: Training Language Model Agents to Reflect via Iterative Self-Training", arXiv
2501.11425; constants from the paper and its repository. Departures: of equal nodes the oldest is
selected, not a random one; the verdict is a typed label, where the repository looks for words.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, MutableMapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from langchain_core.language_models import BaseChatModel

from ...agents import Action, Agent, OutputFormat, Proposal, TeamContext, TeamState, ToolAgent
from ...episodes import BudgetExceeded, Observation
from ...episodes.paper import Paper
from ...models.formats import Output
from ..search import search
from ..spaces import WorldSpace
from ..team import Member, Team, seated, work
from ..tree import Node, Tree, add_to_ancestors, descend, splice, uct

PAPER = Paper(
    title="Agent-R: Training Language Model Agents to Reflect via Iterative Self-Training",
    arxiv="2501.11425",
    kind="graph",
)
ALPHAS = (0.5, 0.7, 1.0)
"""What a good play must score more than, by iteration; see `good_enough` for the last."""
BETA = 0.2
"""By how much the scores of a pair must differ, more than."""
ROUNDING = 1e-9
"""Gaps that differ from beta by less are beta."""
REVISION = "I have made a mistake. I will try another way."
PAUSE = "wait"
NOTED = "ok."
JUDGE = (
    "You judge the steps of an agent, one at a time. Read the task, what was done so far, and the "
    "last action with its result. Say whether that action was good, bad or uncertain."
)


class StepLabel(Output):
    """What the judge says of one step."""

    reasoning: str = ""
    label: Literal["good", "bad", "uncertain"]


class StepJudge(Agent):
    """Judges the last step of a play."""

    role = "verifier"
    prompt = JUDGE
    output = StepLabel
    writes = "label"


class UntilDisaster(WorldSpace):
    """The world, where a negative reward ends the play and counts as 0."""

    async def step(
        self, tree: Tree, node: Node, action: Proposal, context: TeamContext | None
    ) -> Observation:
        seen = await WorldSpace.step(self, tree, node, action, context)
        return replace(seen, reward=0.0, done=True) if seen.reward < 0 else seen


def agent_r(
    model: BaseChatModel | Member,
    *,
    descents: int = 8,
    samples: int = 4,
    c: float = 0.25,
    max_depth: int = 20,
) -> Team:
    """A team that collects a tree of plays in its world, and stands at the best end."""
    return search(
        seated(ToolAgent, model),
        space=UntilDisaster(),
        proposals=samples,
        select=descend(uct(c), once, resume=True, descents=descents),
        worth=lambda node: node.reward,
        backup=ends_only,
        expansions=descents * max_depth,
        max_depth=max_depth,
        name="agent-r",
    )


def once(tree: Tree, node: Node) -> int:
    """Children that a node may have: what came of its one expansion, however few they are."""
    return max(len(node.children), 1)


def ends_only(tree: Tree, node: Node) -> None:
    """Tell the nodes above, if the play has ended."""
    if node.terminal:
        add_to_ancestors(tree, node)


def good_enough(score: float, alpha: float) -> bool:
    """Whether a play that scored so is good: more than alpha, or all that can be scored.

    The paper asks for more than alpha, and raises alpha to 1.0, the highest score there is; taken
    at its word, the last iteration would have no data.
    """
    return score > alpha or score >= 1.0


def end_pairs(tree: Tree, alpha: float, beta: float = BETA) -> list[tuple[int, int]]:
    """Pairs (good end, bad end), best first: the good one is good enough for `alpha`, and scores
    more than `beta` above the bad one."""
    ends = sorted(tree.ends(), key=lambda node: (-node.mean, node.id))
    return [
        (good.id, bad.id)
        for good in ends
        for bad in ends
        if good_enough(good.mean, alpha) and good.mean - bad.mean > beta + ROUNDING
    ]


async def first_error(
    tree: Tree,
    bad: int,
    judge: Member,
    state: TeamState,
    known: MutableMapping[int, bool] | None = None,
) -> int | None:
    """The first node of a play whose action the judge calls bad. A label that cannot be read is
    none: the play is judged on.

    Args:
        judge: writes a `StepLabel` to `label`, as `StepJudge` does. It sees the play up to the
            step and what came of it, and as `draft` the action.
        state: of the team, with the task.
        known: of nodes that were judged before, whether they were called bad; it grows.

    Raises:
        BudgetExceeded: before all was judged.
    """
    space = WorldSpace()
    judged = {} if known is None else known
    for node in tree.path(bad)[1:]:
        if node.id not in judged:
            said = list(space.messages(state, tree, node))
            seen: Any = {**state, "messages": said, "draft": node.action}
            update = await work(judge, seen)
            if update.get("stop"):
                raise BudgetExceeded(update["stop"])
            label = update.get("label")
            judged[node.id] = isinstance(label, StepLabel) and label.label == "bad"
        if judged[node.id]:
            return node.id
    return None


@dataclass(frozen=True, slots=True)
class Line:
    """One message of a training row, as conversations of `WorldSpace` have it."""

    role: Literal["user", "assistant"]
    text: str
    trained: bool = False


def revision(
    tree: Tree,
    good: int,
    bad: int,
    error: int | None,
    format: OutputFormat,
    thought: str = REVISION,
) -> list[Line]:
    """The play `bad` up to its first error (all of it without one), the revision, and the play
    `good` from where they part."""
    cut = splice(tree, good, bad, lambda node: node.id == error)
    pause = format.render(Action(thought=thought, action=PAUSE))
    return [
        Line("user", tree[0].text),
        *_lines(tree, cut.bad, format, trained=()),
        Line("assistant", pause, trained=True),
        Line("user", NOTED),
        *_lines(tree, cut.good, format, trained=cut.good),
    ]


def good_play(tree: Tree, end: int, format: OutputFormat) -> list[Line]:
    """A whole play, every action trained."""
    path = [node.id for node in tree.path(end)[1:]]
    return [Line("user", tree[0].text), *_lines(tree, path, format, trained=path)]


def _lines(
    tree: Tree, nodes: Sequence[int], format: OutputFormat, trained: Collection[int]
) -> Iterator[Line]:
    for node in (tree[number] for number in nodes):
        assert node.action is not None
        yield Line("assistant", format.render(node.action), node.id in trained)
        yield Line("user", node.text)
