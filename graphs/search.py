"""Search: a tree of what could be done, grown where it promises most.

Each round selects a node, has actions proposed there (side by side; duplicates are dropped), takes
them in the space that is searched (a world, or a text that grows), grades the positions reached,
and tells the nodes above. What is selected, how wide and deep the tree grows, what a position is
worth and which one is settled on are functions of the tree (`tree.py`) or members of the team. A
proposal that cannot be read, or a branch that fails, is no child; a node where nothing new comes up
is closed. When the budget is spent, the search settles on what it has found. The tree stands in the
result as `state["tree"]`, for data of trajectories, pairs and splices.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, cast

from langchain_core.messages import BaseMessage
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START
from langgraph.runtime import Runtime
from langgraph.types import Command, Overwrite

from ..agents import Candidate, TeamContext, TeamState
from ..episodes import BudgetExceeded
from .branches import Gathering, add_branches, candidate, gathered, gathering
from .choosing import Chooser, as_member, chosen
from .selectors import plain
from .spaces import Space, WorldSpace
from .team import Member, Settled, Team, settled, work
from .tree import (
    Backup,
    Node,
    Pick,
    Select,
    Tree,
    add_to_ancestors,
    best_end,
    descend,
    uct,
)

Worth = Callable[[Node], float]
"""What a new position is worth, from its reward, grade and rollout."""
Hints = Callable[[Tree, Node, int], Sequence[BaseMessage]]
"""What the proposer of child `number` of a node is told besides."""


class Searching(Gathering, total=False):
    """The state of a search."""

    tree: Tree
    selected: int
    """The node that is expanded."""
    fresh: list[int]
    """New nodes that were not backed up yet."""
    expansions: int


class Searched(Settled, total=False):
    """What a search gives back."""

    tree: Tree


@dataclass(frozen=True, slots=True)
class Rollout:
    """Plays from a new position on, to see where it leads."""

    policy: Member
    plays: int = 1
    steps: int = 10
    """Actions of a play, at most."""
    best: bool = False
    """Whether the best position of a play counts (by the world's reward), not its last."""


def worth(node: Node) -> float:
    """The reward of an end; of another position the mean of grade and rollout, as far as known."""
    if node.terminal and node.grade is None:
        return node.reward
    known = [value for value in (node.grade, node.rollout) if value is not None]
    return sum(known) / len(known) if known else node.reward


def search(
    policy: Member | Sequence[Member],
    *,
    space: Space | None = None,
    proposals: int = 3,
    select: Select | None = None,
    rank: Member | None = None,
    value: Member | None = None,
    rollout: Rollout | None = None,
    worth: Worth = worth,
    backup: Backup = add_to_ancestors,
    settle: Pick | Member = best_end,
    expansions: int = 20,
    max_depth: int = 10,
    stop: Callable[[Tree], bool] = lambda tree: False,
    hints: Hints = lambda tree, node, number: (),
    key: Callable[[str], Hashable] = plain,
    name: str = "search",
    checkpointer: BaseCheckpointSaver[Any] | None = None,
) -> Team:
    """A team that searches.

    Args:
        policy: proposes actions (writes `draft`); several members propose in turn.
        space: what is searched; by default the world of the team's context.
        proposals: actions proposed at an expansion.
        select: the node to expand next; by default UCT with this many children a node.
        rank: sees the new proposals as `state["candidates"]` before they are tried; the scores of
            its verdict are their priors.
        value: grades each new position; sees its conversation and, as `draft`, its last action.
        rollout: plays on from each new position that is no end.
        worth: what a new position is worth, from all that is known of it.
        backup: tells the nodes above.
        settle: the node to settle on; or a member that sees the ends as `state["candidates"]`.
        expansions: how often a node is expanded, at most.
        max_depth: actions on a path, at most.
        stop: ends the search early.
        hints: what proposers are told besides the position's conversation.
        key: proposals are the same when their values' keys are equal.

    Raises:
        ValueError: a limit is not positive.
    """
    limits = {"proposals": proposals, "expansions": expansions, "max_depth": max_depth}
    for limit, given in limits.items():
        if given < 1:
            raise ValueError(f"{limit}={given}: it must be at least 1")
    where = space or WorldSpace()
    choose = select or descend(uct(), proposals)
    proposers = [*policy] if isinstance(policy, Sequence) else [policy]
    everybody = [proposers[place % len(proposers)] for place in range(proposals)]

    def at(state: Any, node: Node, further: Sequence[BaseMessage] = ()) -> TeamState:
        messages: Any = [*where.messages(state, state["tree"], node), *further]
        return {**({"task": state["task"]} if "task" in state else {}), "messages": messages}

    def proposing(state: Any, number: int) -> TeamState:
        tree: Tree = state["tree"]
        node = tree[state["selected"]]
        return at(state, node, hints(tree, node, len(node.children) + number))

    def grading(state: Any, number: int) -> TeamState:
        node = state["tree"][state["fresh"][number]]
        return {**at(state, node), "draft": node.action}

    async def begin(state: TeamState, runtime: Runtime[TeamContext]) -> dict[str, Any]:
        seen = await where.root(state, runtime.context)
        root = Node(0, text=seen.text, terminal=seen.done, reward=seen.reward)
        fresh = {"selected": 0, "fresh": [], "expansions": 0, "stop": ""}
        return {"gathered": Overwrite([]), "tree": Tree([root]), **fresh}

    async def advance(state: Searching) -> Command[Any]:
        tree = state["tree"]
        stopped = state["stop"]
        for place, number in enumerate(state["fresh"]):
            if state["gathered"]:
                graded = state["gathered"][place]
                tree[number].grade = graded.score
                stopped = stopped or graded.stop
        for number in state["fresh"]:
            tree[number].value = worth(tree[number])
            backup(tree, tree[number])
        update = {"tree": tree, "fresh": [], "gathered": Overwrite([]), "stop": stopped}
        over = stopped or state["expansions"] >= expansions or stop(tree)
        node = None if over else choose(tree)
        if node is None:
            return Command(update=update, goto="settle")
        tree.focus = node
        update |= {"selected": node, "expansions": state["expansions"] + 1}
        now: Any = {**state, **update}
        return Command(update=update, goto=propose(now, prefix=f"{now['expansions']}."))

    async def grow(state: Searching, runtime: Runtime[TeamContext]) -> Command[Any]:
        tree, parent = state["tree"], state["tree"][state["selected"]]
        if len(tree) == 1:
            gathered(state["gathered"])
        stopped = next((each.stop for each in state["gathered"] if each.stop), "")
        known = {key(child.action.value) for child in tree.children(parent.id) if child.action}
        new: list[Candidate] = []
        for each in state["gathered"]:
            if each.draft is not None and key(each.value) not in known:
                known.add(key(each.value))
                new.append(each)
        parent.closed = not new and not stopped
        priors = await ranked(state, new)
        fresh = []
        try:
            for each, prior in zip(new, priors, strict=True):
                node = await tried(tree, parent, each, runtime.context)
                node.prior = prior
                fresh.append(node.id)
                if rollout is not None and not node.terminal:
                    node.rollout = await played(state, node, rollout, runtime.context)
        except BudgetExceeded as spent:
            stopped = str(spent)
        update = {"tree": tree, "fresh": fresh, "gathered": Overwrite([]), "stop": stopped}
        if value is None or not fresh or stopped:
            return Command(update=update, goto="advance")
        now: Any = {**state, **update}
        number = f"{state['expansions']}."
        return Command(update=update, goto=values(now, range(len(fresh)), number))

    async def ranked(state: Searching, new: list[Candidate]) -> list[float]:
        if rank is None or not new:
            return [0.0] * len(new)
        seen: Any = {**at(state, state["tree"][state["selected"]]), "candidates": new}
        verdict = (await work(rank, seen)).get("verdict")
        scores = getattr(verdict, "scores", ())
        return list(scores) if len(scores) == len(new) else [0.0] * len(new)

    async def tried(tree: Tree, parent: Node, each: Candidate, context: TeamContext | None) -> Node:
        assert each.draft is not None
        seen = await where.step(tree, parent, each.draft, context)
        depth = parent.depth + 1
        return tree.add(
            Node(
                len(tree),
                parent.id,
                depth,
                each.draft,
                seen.text,
                each.branch,
                each.text,
                terminal=seen.done or depth >= max_depth,
                reward=seen.reward,
            )
        )

    async def played(
        state: Searching, node: Node, plan: Rollout, context: TeamContext | None
    ) -> float:
        """The mean outcome of plays from `node` on, in a copy of the path that leads there."""
        outcomes = []
        for _ in range(plan.plays):
            tree = Tree([replace(each, children=[]) for each in state["tree"]])
            here, rewards = tree[node.id], [node.reward]
            while not here.terminal and here.depth < node.depth + plan.steps:
                seen: Any = {**state, "tree": tree}
                next_ = await candidate(plan.policy, at(seen, here), f"{state['expansions']}.play")
                if next_.stop:
                    raise BudgetExceeded(next_.stop)
                if next_.draft is None:
                    break
                here = await tried(tree, here, next_, context)
                rewards.append(here.reward)
            outcomes.append(max(rewards) if plan.best else rewards[-1])
        return sum(outcomes) / len(outcomes)

    async def close(state: Searching, runtime: Runtime[TeamContext]) -> dict[str, Any]:
        tree = state["tree"]
        place: int | None
        if (member := as_member(cast(Chooser, settle))) is not None:
            ends = tree.ends() or tree.leaves()
            found = [
                Candidate(str(each.id), draft=each.action, text=each.text, score=each.value)
                for each in ends
            ]
            seen: Any = {**at(state, tree[0]), "candidates": found}
            pointed = chosen((await work(member, seen)).get("verdict"), found) if found else None
            place = best_end(tree) if pointed is None else ends[pointed].id
        else:
            place = cast(Pick, settle)(tree)
        if place is None:
            return {"tree": tree, "draft": None}
        with suppress(BudgetExceeded):  # then the world stays where it is; the answer stands
            await where.settle(tree, tree[place], runtime.context)
        return {**settled(tree[place].action), "tree": tree}

    graph = gathering(Searched, Searching)
    propose = add_branches(graph, "propose", everybody, then="grow", outlook=proposing)
    graph.add_node("begin", begin)
    graph.add_node("settle", close)
    graph.add_node("grow", grow, destinations=("value", "advance") if value else ("advance",))
    nodes = tuple(dict.fromkeys(propose.nodes))
    graph.add_node("advance", advance, destinations=(*nodes, "settle"))
    if value is not None:
        values = add_branches(graph, "value", [value], then="advance", outlook=grading)
    graph.add_edge(START, "begin")
    graph.add_edge("begin", "advance")
    graph.add_edge("settle", END)
    return graph.compile(name=name, checkpointer=checkpointer)
