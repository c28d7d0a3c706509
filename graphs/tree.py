"""The tree of a search: nodes, how one is selected, how values are backed up, what is exported.

A node is a position: what was done to get there, what was seen then, and what the search thinks of
it. Selection scores, policies, backups and picks are plain functions, so that a published search is
a choice among them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from ..agents import Proposal


@dataclass(slots=True)
class Node:
    """One position."""

    id: int
    """Its place in `Tree.nodes`; the root is 0."""
    parent: int | None = None
    depth: int = 0
    action: Proposal | None = None
    """What led here from the parent; None at the root."""
    text: str = ""
    """What was seen then."""
    branch: str = ""
    """The branch of the call that proposed the action, as the record has it."""
    said: str = ""
    """The action as it was written."""
    terminal: bool = False
    """The task has ended here, or the search goes no deeper."""
    reward: float = 0.0
    """What the world gave here."""
    prior: float = 0.0
    """What the proposal was thought to be worth before it was tried, in [0, 1]."""
    grade: float | None = None
    """What the value member said of the position."""
    rollout: float | None = None
    """The mean outcome of plays from here on."""
    value: float = 0.0
    """What the position is worth by itself: what was backed up when it was new."""
    visits: int = 0
    total: float = 0.0
    """The sum of what was backed up through it."""
    children: list[int] = field(default_factory=list)
    closed: bool = False
    """Nothing new could be proposed here."""
    misses: int = 0
    """Rounds in a row in which nothing readable was proposed here."""

    @property
    def mean(self) -> float:
        """The mean of what was backed up through it; 0 before the first visit."""
        return self.total / self.visits if self.visits else 0.0


@dataclass(slots=True)
class Tree:
    """All nodes of a search."""

    nodes: list[Node] = field(default_factory=list)
    focus: int = 0
    """The node that was expanded last."""
    rounds: int = 0
    """How often a node was expanded."""
    descents: int = 0
    """How often selection started at the root."""

    def __getitem__(self, id: int) -> Node:
        return self.nodes[id]

    def __len__(self) -> int:
        return len(self.nodes)

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes)

    def copy(self) -> Tree:
        """A tree of copies of the nodes. A search works on one in each step: what a checkpoint
        holds may be written only later, and must not change until then."""
        nodes = [replace(each, children=[*each.children]) for each in self.nodes]
        return Tree(nodes, self.focus, self.rounds, self.descents)

    def add(self, node: Node) -> Node:
        """Take in `node`, whose id has to be the next one, below its parent."""
        if node.id != len(self.nodes):
            raise ValueError(f"node {node.id} comes after {len(self.nodes) - 1}")
        self.nodes.append(node)
        if node.parent is not None:
            self.nodes[node.parent].children.append(node.id)
        return node

    def children(self, id: int) -> list[Node]:
        """The nodes right below."""
        return [self.nodes[child] for child in self.nodes[id].children]

    def path(self, id: int) -> list[Node]:
        """The nodes from the root to `id`."""
        path = [self.nodes[id]]
        while (parent := path[-1].parent) is not None:
            path.append(self.nodes[parent])
        return path[::-1]

    def leaves(self) -> list[Node]:
        """The nodes with nothing below, the root aside."""
        return [node for node in self.nodes if not node.children and node.parent is not None]

    def ends(self) -> list[Node]:
        """The terminal nodes, the root aside."""
        return [node for node in self.nodes if node.terminal and node.parent is not None]


Score = Callable[[Tree, Node], float]
"""What makes a node worth selecting."""
Width = Callable[[Tree, Node], int]
"""How many children a node may have by now."""
Select = Callable[[Tree], int | None]
"""The node to expand next; None when there is nothing left."""
Backup = Callable[[Tree, Node], None]
"""Tells the ancestors of a node, and itself, what it is worth (`node.value`)."""
Pick = Callable[[Tree], int | None]
"""The node that the search settles on."""


def uct(c: float = 1.0) -> Score:
    """Mean value plus c * sqrt(ln N_parent / N) (Kocsis and Szepesvári 2006); unvisited first."""

    def score(tree: Tree, node: Node) -> float:
        return math.inf if not node.visits else node.mean + bonus(tree, node, c)

    return score


def blended(share: float = 0.5, c: float = 1.0) -> Score:
    """UCT on share * mean + (1 - share) * prior. A node that was not visited counts as visited
    once, so that the prior tells which of them comes first."""

    def score(tree: Tree, node: Node) -> float:
        quality = share * node.mean + (1 - share) * node.prior
        return quality + bonus(tree, node, c)

    return score


def puct(c: float = 1.0) -> Score:
    """Mean value plus c * prior * sqrt(N_parent) / (1 + N) (Silver et al. 2017)."""

    def score(tree: Tree, node: Node) -> float:
        above = 0 if node.parent is None else tree[node.parent].visits
        return node.mean + c * node.prior * math.sqrt(above) / (1 + node.visits)

    return score


def best_first(tree: Tree, node: Node) -> float:
    """What the position is worth by itself."""
    return node.value


def bonus(tree: Tree, node: Node, c: float) -> float:
    """c * sqrt(ln N_parent / N); N is at least 1."""
    above = node.visits if node.parent is None else tree[node.parent].visits
    return c * math.sqrt(math.log(max(above, 1)) / max(node.visits, 1))


def width_of(width: int | Width) -> Width:
    """A constant width as a function."""
    return width if callable(width) else lambda tree, node: width


def descend(
    score: Score, width: int | Width = 1, *, resume: bool = False, descents: int | None = None
) -> Select:
    """Walk down by the best child that is not exhausted, to the first node that may grow.

    A node is exhausted when it is terminal, or full and all below it exhausted. Between equals the
    older child is taken.

    Args:
        width: children that a node may have.
        resume: go on below the node expanded last, until that is exhausted, rather than start at
            the root each time.
        descents: starts at the root, at most.
    """
    allowed = width_of(width)

    def select(tree: Tree) -> int | None:
        done = exhausted(tree, allowed)
        goes_on = resume and tree.rounds > 0 and not done[tree.focus]
        over = descents is not None and tree.descents >= descents
        if done[0] or (over and not goes_on):
            return None
        tree.descents += not goes_on
        node = tree[tree.focus if goes_on else 0]
        while full(tree, node, allowed):
            open_ = [child for child in tree.children(node.id) if not done[child.id]]
            node = max(open_, key=lambda child: score(tree, child))
        return node.id

    return select


def anywhere(score: Score, width: int | Width = 1) -> Select:
    """The best of all nodes that may grow, wherever they stand."""
    allowed = width_of(width)

    def select(tree: Tree) -> int | None:
        free = [node for node in tree if not node.terminal and not full(tree, node, allowed)]
        return max(free, key=lambda n: score(tree, n)).id if free else None

    return select


def exhausted(tree: Tree, width: Width) -> list[bool]:
    """Of each node, whether nothing can grow at it or below."""
    done = [False] * len(tree)
    for node in reversed(tree.nodes):
        below = all(done[child] for child in node.children)
        done[node.id] = node.terminal or (full(tree, node, width) and below)
    return done


def full(tree: Tree, node: Node, width: Width) -> bool:
    """Whether a node grows no more children."""
    return node.closed or len(node.children) >= width(tree, node)


def add_to_ancestors(tree: Tree, node: Node) -> None:
    """A visit worth `node.value`, to the node and all above it."""
    for each in tree.path(node.id):
        each.visits += 1
        each.total += node.value


def mean_of_children(tree: Tree, node: Node) -> None:
    """A visit to the node and all above; what a parent is worth becomes the mean of what its
    children are worth, each by its visits (ReST-MCTS*, arXiv 2406.03816)."""
    node.visits += 1
    node.total = node.value * node.visits
    for each in reversed(tree.path(node.id)[:-1]):
        each.visits += 1
        below = [child for child in tree.children(each.id) if child.visits]
        each.value = sum(child.value * child.visits for child in below) / sum(
            child.visits for child in below
        )
        each.total = each.value * each.visits


def best_end(tree: Tree) -> int | None:
    """The terminal node with the highest value, else the leaf; the first of equals."""
    among = tree.ends() or tree.leaves()
    return max(among, key=lambda node: node.value).id if among else None


def best_mean_end(tree: Tree) -> int | None:
    """The terminal node with the highest mean, else the leaf; the first of equals."""
    among = tree.ends() or tree.leaves()
    return max(among, key=lambda node: node.mean).id if among else None


def greedy_end(tree: Tree) -> int | None:
    """Where the best mean leads, from the root on."""
    node = tree[0]
    while node.children:
        node = max(tree.children(node.id), key=lambda child: child.mean)
    return node.id if node.parent is not None else None


def best_trajectory(tree: Tree) -> int | None:
    """The terminal node (else the leaf) with the best average of means along its path."""
    among = tree.ends() or tree.leaves()

    def average(node: Node) -> float:
        path = tree.path(node.id)[1:]
        return sum(each.mean for each in path) / len(path)

    return max(among, key=average).id if among else None


@dataclass(frozen=True, slots=True)
class Pair:
    """Two things that could be done at one position, of which one was worth more."""

    path: tuple[int, ...]
    """The nodes from the root to the position."""
    better: int
    worse: int
    gap: float


def trajectories(tree: Tree, keep: Callable[[Node], bool] = lambda node: True) -> list[list[int]]:
    """The paths to the terminal nodes to keep, best first."""
    ends = sorted(filter(keep, tree.ends()), key=lambda node: (-node.value, node.id))
    return [[each.id for each in tree.path(node.id)] for node in ends]


def pairs(tree: Tree, quality: Score, margin: float = 0.0) -> list[Pair]:
    """At each position, every two actions whose quality differs by more than `margin`."""
    found = []
    for node in tree:
        path = tuple(each.id for each in tree.path(node.id))
        ranked = sorted(tree.children(node.id), key=lambda child: -quality(tree, child))
        for place, better in enumerate(ranked):
            for worse in ranked[place + 1 :]:
                gap = quality(tree, better) - quality(tree, worse)
                if gap > margin:
                    found.append(Pair(path, better.id, worse.id, gap))
    return found


@dataclass(frozen=True, slots=True)
class Splice:
    """A bad path up to its first error, and then the good one from where they part."""

    bad: tuple[int, ...]
    """The nodes of the bad path whose actions are kept, the erroneous one last."""
    good: tuple[int, ...]
    """The nodes whose actions follow."""


def splice(tree: Tree, good: int, bad: int, wrong: Callable[[Node], bool]) -> Splice:
    """Join two paths at the first error of the bad one (Agent-R, arXiv 2501.11425).

    Without an error the whole bad path is kept. Good nodes that stand on the kept part are left
    out.

    Args:
        wrong: whether the action that led to a node was an error.
    """
    kept: list[int] = []
    for node in tree.path(bad)[1:]:
        kept.append(node.id)
        if wrong(node):
            break
    return Splice(tuple(kept), tuple(n.id for n in tree.path(good)[1:] if n.id not in kept))
