from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from transformers import AutoTokenizer

from symposia.agents import Action
from symposia.episodes import Episode, Tokens, Turn
from symposia.graphs.tree import Node, Pair, Tree, pairs, trajectories
from symposia.models.load import TINY
from symposia.training.builders import tree_pairs, tree_rows, turn_of


def said(branch: str, text: str, prompt: tuple[int, ...], *ids: int, agent: str = "agent") -> Turn:
    return Turn(
        f"t{branch}-{agent}",
        agent,
        ({"role": "user", "content": "Go."},),
        {"role": "assistant", "content": text},
        branch=branch,
        model="tiny",
        tokens=Tokens(prompt, ids, tuple(-each / 10 for each in ids)),
    )


ROOT, BELOW = (1, 2), (1, 2, 3, 9)
TURNS = (
    said("1.0", "left", ROOT, 3),
    said("1.0", "0.9", (7, 8), 6, agent="judge"),
    said("1.1", "right", ROOT, 4),
    said("2.0", "up", BELOW, 5),
    said("2.1", "down", (1, 2, 3, 9, 9), 6, 7),
)
EPISODE = Episode("run", "task", turns=TURNS)


def tree() -> Tree:
    grown = Tree([Node(0)])
    for parent, branch, text, value in (
        (0, "1.0", "left", 0.9),
        (0, "1.1", "right", 0.4),
        (1, "2.0", "up", 1.0),
        (1, "2.1", "down", 0.0),
    ):
        grown.add(
            Node(
                len(grown),
                parent,
                grown[parent].depth + 1,
                Action(action=text),
                branch=branch,
                said=text,
                value=value,
                terminal=parent == 1,
            )
        )
    return grown


def test_a_pair_has_the_tokens_that_were_sampled_and_the_gap() -> None:
    (made,) = tree_pairs(EPISODE, tree(), [Pair((0,), 1, 2, 0.5)])
    assert (made.prompt_ids, made.chosen_ids, made.rejected_ids) == (ROOT, (3,), (4,))
    assert (made.margin, made.agent, made.policy, made.group) == (0.5, "agent", "tiny", "task")
    assert made.chosen_reference is None


def test_recorded_log_probabilities_may_be_the_reference() -> None:
    (made,) = tree_pairs(EPISODE, tree(), [Pair((0,), 1, 2, 0.5)], stored=True)
    assert (made.chosen_reference, made.rejected_reference) == ((-0.3,), (-0.4,))


def test_the_turn_of_a_node_is_the_one_that_said_its_action() -> None:
    assert turn_of(EPISODE, tree()[1]).agent == "agent"
    with pytest.raises(ValueError, match=r"no turn in branch '9.9' that says 'left'"):
        turn_of(EPISODE, replace(tree()[1], branch="9.9"))


def test_actions_that_were_sampled_under_different_prompts_are_no_pair() -> None:
    with pytest.raises(ValueError, match="different prompts"):
        tree_pairs(EPISODE, tree(), [Pair((0, 1), 3, 4, 1.0)])


def test_where_it_is_asked_for_they_are_laid_out_as_text() -> None:
    tokenizer: Any = AutoTokenizer.from_pretrained(TINY, local_files_only=True)
    hinted = Pair((0, 1), 3, 4, 1.0)
    (made,) = tree_pairs(EPISODE, tree(), [hinted], stored=True, tokenizer=tokenizer)
    assert tokenizer.decode(made.chosen_ids[:-1]) == "up"
    assert tokenizer.decode(made.rejected_ids[:-1]) == "down"
    assert made.chosen_ids[-1] == tokenizer.eos_token_id
    assert "Go." in tokenizer.decode(made.prompt_ids)
    assert made.chosen_reference is None


def test_turns_without_tokens_are_refused_or_laid_out_as_text() -> None:
    bare = replace(EPISODE, turns=tuple(replace(turn, tokens=None) for turn in TURNS))
    with pytest.raises(ValueError, match="has no tokens"):
        tree_pairs(bare, tree(), [Pair((0,), 1, 2, 0.5)])
    tokenizer: Any = AutoTokenizer.from_pretrained(TINY, local_files_only=True)
    (made,) = tree_pairs(bare, tree(), [Pair((0,), 1, 2, 0.5)], tokenizer=tokenizer)
    assert tokenizer.decode(made.chosen_ids[:-1]) == "left"


def test_all_pairs_of_a_tree_become_rows() -> None:
    found = pairs(tree(), lambda _, node: node.value, margin=0.1)
    assert [(each.better, each.worse) for each in found] == [(1, 2), (3, 4)]
    assert len(tree_pairs(EPISODE, tree(), found[:1])) == 1


def test_each_action_of_the_trajectories_is_a_target_once() -> None:
    best, worst = trajectories(tree())
    rows = tree_rows(EPISODE, tree(), [best, worst])
    assert [row.turns for row in rows] == [("t1.0-agent", "t2.0-agent"), ("t2.1-agent",)]
    assert rows[0].ids == (1, 2, 3, 9, 5)
    assert rows[0].loss_mask == (False, False, True, False, True)
    assert tree_rows(EPISODE, tree(), []) == []
