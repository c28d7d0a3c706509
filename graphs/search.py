"""Search: a tree of what could be done, grown where it promises most.

Each round selects a node, has actions proposed there (side by side; duplicates are dropped), takes
them in the space that is searched (a world, or a text that grows), grades the positions reached,
and tells the nodes above. What is selected, how wide and deep the tree grows, what a position is
worth and which one is settled on are functions of the tree (`tree.py`) or members of the team. A
proposal that cannot be read, or a branch that fails, is no child; a node where nothing new comes
up, or nothing readable three times in a row, is closed. When the budget is spent, the search
settles on what it has found. The tree stands in the result as `state["tree"]`, for data of
trajectories, pairs and splices.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, cast

from langchain_core.messages import BaseMessage
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START
from langgraph.runtime import Runtime
from langgraph.types import Command, Overwrite

from ..agents import Candidate, Proposal, TeamContext, TeamState, Thought
from ..episodes import BudgetExceeded
from .branches import Gathering, add_branches, candidate, gathered, gathering, limit_of
from .choosing import Chooser, as_member, chosen
from .selectors import plain
from .spaces import Space, WorldSpace
from .team import Member, Settled, Team, onwards, settled, stopped, work
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

MISSES = 3
"""Rounds without a readable proposal that close a node."""
Worth = Callable[[Node], float]
"""What a new position is worth, from its reward, grade and rollout."""
Hints = Callable[[Tree, Node, int], Sequence[BaseMessage]]
"""What the proposer of child `number` of a node is told besides."""


class Searching(Gathering, total=False):
    """The state of a search."""

    tree: Tree
    fresh: list[int]
    """New nodes that were not backed up yet."""


class Searched(Settled, total=False):
    """What a search gives back."""

    tree: Tree


@dataclass(frozen=True, slots=True)
class Rollout:
    """Plays from new positions on, to see where they lead. They leave no nodes in the tree."""

    policy: Member
    plays: int = 1
    steps: int = 10
    """Actions of a play, at most."""
    value: Member | None = None
    """Grades the positions of a play; else the world's reward counts."""
    best: bool = False
    """Whether the best position of a play counts, not its last."""
    among: Callable[[Sequence[Node]], Sequence[Node]] = lambda fresh: fresh
    """From which of the new positions to play."""


def worth(node: Node) -> float:
    """The mean of grade and rollout, as far as they are known; else the reward."""
    known = [value for value in (node.grade, node.rollout) if value is not None]
    return sum(known) / len(known) if known else node.reward


def content(proposal: Proposal) -> Hashable:
    """What a proposal says or does, without the thinking that led to it."""
    if isinstance(proposal, Thought):
        return plain(proposal.step), plain(proposal.answer)
    return plain(proposal.value)


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
    enough: Callable[[Tree], bool] = lambda tree: False,
    hints: Hints = lambda tree, node, number: (),
    key: Callable[[Proposal], Hashable] = content,
    name: str = "search",
    checkpointer: BaseCheckpointSaver[Any] | None = None,
) -> Team:
    """A team that searches.

    Args:
        policy: proposes actions (writes `draft`); several members propose in turn. It sees the
            conversation of the position, its depth as `steps`, and, as `candidates`, what was
            tried there before.
        space: what is searched; by default the world of the team's context.
        proposals: actions proposed at an expansion.
        select: the node to expand next; by default UCT with this many children a node.
        rank: sees the new proposals as `state["candidates"]` before they are tried; the scores of
            its verdict are their priors.
        value: grades each new position; sees its conversation and, as `draft`, its last action.
        rollout: plays on from new positions.
        worth: what a new position is worth, from all that is known of it.
        backup: tells the nodes above.
        settle: the node to settle on; or a member that sees the ends as `state["candidates"]`.
        expansions: how often a node is expanded, at most.
        max_depth: actions on a path, at most.
        enough: ends the search early.
        hints: what proposers are told besides the position's conversation.
        key: proposals are the same when their keys are equal.

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

    def at(tree: Tree, state: Any, node: Node, further: Sequence[BaseMessage] = ()) -> TeamState:
        messages: Any = [*where.messages(state, tree, node), *further]
        seen: TeamState = {"messages": messages, "steps": node.depth}
        return {**seen, "task": state["task"]} if "task" in state else seen

    def proposing(state: Any, number: int) -> TeamState:
        tree: Tree = state["tree"]
        node = tree[tree.focus]
        tried = [shown(child) for child in tree.children(node.id)]
        told = hints(tree, node, len(tried) + number)
        return {**at(tree, state, node, told), "candidates": tried}

    def grading(state: Any, number: int) -> TeamState:
        node = state["tree"][state["fresh"][number]]
        return {**at(state["tree"], state, node), "draft": node.action}

    async def begin(state: TeamState, runtime: Runtime[TeamContext]) -> dict[str, Any]:
        seen = await where.root(state, runtime.context)
        root = Node(0, text=seen.text, terminal=seen.done, reward=seen.reward)
        return {"gathered": Overwrite([]), "tree": Tree([root]), "fresh": [], "stop": ""}

    async def grow(state: Searching, runtime: Runtime[TeamContext]) -> Command[Any]:
        tree = state["tree"].copy()
        parent = tree[tree.focus]
        if len(tree) == 1:
            gathered(state["gathered"])
        stop = limit_of(state["gathered"])
        known = {key(child.action) for child in tree.children(parent.id) if child.action}
        new: list[Candidate] = []
        for each in state["gathered"]:
            if each.draft is not None and key(each.draft) not in known:
                known.add(key(each.draft))
                new.append(each)
        heard = any(each.draft for each in state["gathered"])
        parent.misses = 0 if heard or stop else parent.misses + 1
        parent.closed = not new and not stop and (heard or parent.misses >= MISSES)
        fresh = []
        try:
            for each, prior in zip(new, await ranked(state, new), strict=True):
                node = await tried(tree, parent, each, runtime.context)
                node.prior = prior
                fresh.append(node.id)
        except BudgetExceeded as spent:
            stop = str(spent)
        update = {"tree": tree, "fresh": fresh, "gathered": Overwrite([]), "stop": stop}
        if value is None or not fresh or stop:
            return Command(update=update, goto="advance")
        return onwards(state, update, lambda now: values(now, range(len(fresh)), f"{tree.rounds}."))

    async def advance(state: Searching, runtime: Runtime[TeamContext]) -> Command[Any]:
        tree, stop = state["tree"].copy(), state["stop"]
        state = {**state, "tree": tree}
        fresh = [tree[number] for number in state["fresh"]]
        if tree.rounds == 1:
            gathered(state["gathered"])
        for node, graded in zip(fresh, state["gathered"], strict=False):
            node.grade = graded.score
            stop = stop or graded.stop
        if rollout is not None and not stop:
            try:
                for node in rollout.among(fresh):
                    node.rollout = await played(state, node, rollout, runtime.context)
            except BudgetExceeded as spent:
                stop = str(spent)
        for node in fresh:
            node.value = worth(node)
            backup(tree, node)
        update = {"tree": tree, "fresh": [], "gathered": Overwrite([]), "stop": stop}
        over = stop or tree.rounds >= expansions or enough(tree)
        selected = None if over else choose(tree)
        if selected is None:
            return Command(update=update, goto="settle")
        tree.focus, tree.rounds = selected, tree.rounds + 1
        return onwards(state, update, lambda now: propose(now, prefix=f"{tree.rounds}."))

    async def ranked(state: Searching, new: list[Candidate]) -> list[float]:
        if rank is None or not new:
            return [0.0] * len(new)
        tree = state["tree"]
        seen: Any = {**at(tree, state, tree[tree.focus]), "candidates": new}
        update = await work(rank, seen)
        if update.get("stop"):
            raise BudgetExceeded(update["stop"])
        scores = getattr(update.get("verdict"), "scores", ())
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
        state: Searching, start: Node, plan: Rollout, context: TeamContext | None
    ) -> float:
        """The mean outcome of plays from `start` on, in copies of the path that leads there."""
        outcomes = []
        for _ in range(1 if start.terminal else plan.plays):
            tree = state["tree"].copy()
            node = tree[start.id]
            found = [node.grade] if plan.best and node.grade is not None else []
            while not node.terminal and node.depth < start.depth + plan.steps:
                drafted = await asked(plan.policy, at(tree, state, node), state)
                if drafted.draft is None:
                    break
                node = await tried(tree, node, drafted, context)
                if plan.best:
                    found.append(await outcome(tree, state, node, plan))
            if not (plan.best and found):
                found.append(await outcome(tree, state, node, plan))
            outcomes.append(max(found))
        return sum(outcomes) / len(outcomes)

    async def outcome(tree: Tree, state: Searching, node: Node, plan: Rollout) -> float:
        if plan.value is None:
            return node.reward
        seen: Any = {**at(tree, state, node), "draft": node.action}
        return (await asked(plan.value, seen, state)).score or 0.0

    async def asked(member: Member, seen: TeamState, state: Searching) -> Candidate:
        said = await candidate(member, seen, f"{state['tree'].rounds}.play")
        if said.stop:
            raise BudgetExceeded(said.stop)
        return said

    async def close(state: Searching, runtime: Runtime[TeamContext]) -> dict[str, Any]:
        tree = state["tree"]
        place: int | None
        update: dict[str, Any] = {}
        if (member := as_member(cast(Chooser, settle))) is not None:
            ends = tree.ends() or tree.leaves()
            found = [shown(each) for each in ends]
            seen: Any = {**at(tree, state, tree[0]), "candidates": found}
            update = await work(member, seen) if found else {}
            pointed = chosen(update.get("verdict"), found)
            place = best_end(tree) if pointed is None else ends[pointed].id
        else:
            place = cast(Pick, settle)(tree)
        if place is None:
            return {"tree": tree, "draft": None}
        with suppress(BudgetExceeded):  # then the world stays where it is; the answer stands
            await where.settle(tree, tree[place], runtime.context)
        return {**settled(tree[place].action), "tree": tree, **stopped(update)}

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


def shown(node: Node) -> Candidate:
    """A node, for those who compare it with others."""
    return Candidate(
        str(node.id), node.branch, node.depth, node.action, node.said, score=node.value
    )
