from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symposia.agents import Action
from symposia.graphs.tree import (
    Node,
    Tree,
    add_to_ancestors,
    anywhere,
    best_end,
    best_first,
    best_trajectory,
    blended,
    descend,
    exhausted,
    greedy_end,
    mean_of_children,
    pairs,
    puct,
    splice,
    trajectories,
    uct,
)


def grown(parents: list[int], **values: list[float]) -> Tree:
    """A tree whose node i + 1 hangs below parents[i]."""
    tree = Tree([Node(0)])
    for number, parent in enumerate(parents, 1):
        depth = tree[parent].depth + 1
        tree.add(Node(number, parent, depth, Action(action=f"a{number}")))
    for name, given_ in values.items():
        for node, value in zip(tree.nodes[1:], given_, strict=True):
            setattr(node, name, value)
    return tree


parent_lists = st.lists(st.integers(0, 30), max_size=20).map(
    lambda draws: [draw % (place + 1) for place, draw in enumerate(draws)]
)


def test_uct_has_the_published_value() -> None:
    tree = grown([0])
    tree[0].visits, tree[1].visits, tree[1].total = 4, 2, 1.0
    assert uct(0.25)(tree, tree[1]) == pytest.approx(0.5 + 0.25 * math.sqrt(math.log(4) / 2))
    assert round(uct(0.25)(tree, tree[1]), 3) == 0.708
    tree[1].visits = 0
    assert uct(0.25)(tree, tree[1]) == math.inf


def test_blended_quality_is_half_outcome_and_half_prior() -> None:
    tree = grown([0])
    tree[0].visits, tree[1].visits, tree[1].total, tree[1].prior = 1, 1, 0.2, 0.8
    assert blended(0.5)(tree, tree[1]) == pytest.approx(0.5)


def test_puct_favours_a_likely_action_that_was_not_tried() -> None:
    tree = grown([0, 0], prior=[0.9, 0.1])
    tree[0].visits = 4
    assert puct()(tree, tree[1]) == pytest.approx(1.8)
    assert puct()(tree, tree[1]) > puct()(tree, tree[2])


def test_the_mean_of_children_goes_by_visits() -> None:
    tree = grown([0, 0], value=[1.0, 0.0])
    tree[1].visits = 2
    mean_of_children(tree, tree[1])
    assert tree[0].value == 1.0
    mean_of_children(tree, tree[2])
    assert (tree[1].visits, tree[2].visits) == (3, 1)
    assert tree[0].value == 0.75


def test_descending_goes_on_below_what_was_expanded_last_until_that_is_exhausted() -> None:
    tree = grown([0, 0, 1])
    select = descend(uct(), 2, resume=True, descents=1)
    assert select(tree) == 1
    tree.focus = 1
    tree.add(Node(4, 1, 2, terminal=True))
    tree[3].terminal = True
    assert select(tree) is None
    assert descend(uct(), 2)(tree) == 2


def test_anywhere_takes_the_best_open_node_wherever_it_stands() -> None:
    tree = grown([0, 1, 2], value=[0.1, 0.9, 0.5])
    assert anywhere(best_first, 2)(tree) == 2
    tree[2].closed = True
    assert anywhere(best_first, 2)(tree) == 3


@given(parent_lists, st.integers(1, 3), st.data())
def test_selection_ends_only_when_nothing_can_grow(
    parents: list[int], width: int, data: st.DataObject
) -> None:
    tree = grown(parents)
    for node in tree.nodes:
        node.closed = data.draw(st.booleans())
        node.terminal = not node.children and data.draw(st.booleans())
    free = [n.id for n in tree if not (n.terminal or n.closed) and len(n.children) < width]
    assert exhausted(tree, lambda tree, node: width)[0] is not bool(free)
    for select in (descend(uct(), width), anywhere(best_first, width)):
        assert (select(tree) in free) if free else (select(tree) is None)


@given(parent_lists, st.lists(st.floats(0, 1), min_size=20, max_size=20))
def test_backing_up_conserves_visits_and_values(parents: list[int], values: list[float]) -> None:
    tree = grown(parents)
    for node, value in zip(tree.nodes[1:], values, strict=False):
        node.value = value
        add_to_ancestors(tree, node)
    assert tree[0].visits == len(parents)
    assert tree[0].total == pytest.approx(sum(values[: len(parents)]))
    for node in tree.nodes[1:]:
        below = sum(child.visits for child in tree.children(node.id))
        assert node.visits == below + 1


def test_pairs_differ_by_more_than_the_margin() -> None:
    tree = grown([0, 0, 0], value=[0.9, 0.4, 0.35])
    found = pairs(tree, best_first, 0.1)
    assert [(pair.better, pair.worse) for pair in found] == [(1, 2), (1, 3)]
    assert found[0].path == (0,)


def test_a_splice_keeps_the_first_error_and_skips_what_both_paths_share() -> None:
    tree = grown([0, 1, 2, 3, 1, 5])  # s1; bad1, bad2, its end; good1, its end
    cut = splice(tree, good=6, bad=4, wrong=lambda node: node.id == 3)
    assert (cut.bad, cut.good) == ((1, 2, 3), (5, 6))
    assert splice(tree, 6, 4, lambda node: False).bad == (1, 2, 3, 4)
    assert splice(tree, 6, 4, lambda node: True).bad == (1,)


def test_trajectories_and_picks_go_by_value() -> None:
    tree = grown([0, 1, 0, 3], value=[0.0, 0.2, 0.0, 0.8])
    assert trajectories(tree) == []
    for end in (2, 4):
        tree[end].terminal = True
        add_to_ancestors(tree, tree[end])
    assert trajectories(tree) == [[0, 3, 4], [0, 1, 2]]
    assert best_end(tree) == greedy_end(tree) == best_trajectory(tree) == 4
    assert best_end(Tree([Node(0)])) is None


def test_the_best_trajectory_goes_by_its_mean_not_its_end() -> None:
    tree = grown([0, 1, 0, 3])
    for number, mean in {1: 50, 2: 10, 3: 40, 4: 40}.items():
        tree[number].visits, tree[number].total = 1, mean
    tree[2].terminal = tree[4].terminal = True
    assert best_trajectory(tree) == 4
