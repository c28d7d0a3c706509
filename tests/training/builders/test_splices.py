from __future__ import annotations

from typing import Any

import pytest
from transformers import AutoTokenizer

from symposia.agents import Action, output_format
from symposia.episodes import Episode, Turn
from symposia.episodes.turn import Tokens
from symposia.graphs.searching.agent_r import Line, good_play
from symposia.graphs.tree import Node, Tree
from symposia.models.load import TINY
from symposia.training.builders import played_rows, spliced_rows

TAGS = output_format("tags")
TOKENIZER: Any = AutoTokenizer.from_pretrained(TINY, local_files_only=True)
OPENING = ({"role": "system", "content": "Rules."}, {"role": "user", "content": "Go."})


def line(*names: str) -> Tree:
    """A tree that is one path."""
    tree = Tree([Node(0, text="Go.")])
    for number, name in enumerate(names, 1):
        step = Action(action=name)
        tree.add(Node(number, number - 1, number, step, f"saw {name}", f"{number}.0", "said"))
    return tree


def turn(number: int, ids: tuple[int, ...] | None = None) -> Turn:
    tokens = Tokens(ids[:-1], ids[-1:], (-1.0,)) if ids else None
    reply = {"role": "assistant", "content": "said"}
    return Turn(f"t{number}", "agent", OPENING, reply, branch=f"{number}.0", tokens=tokens)


def test_what_was_joined_stands_after_what_the_agent_read_at_the_root() -> None:
    lines = [
        Line("user", "Go."),
        Line("assistant", "wrong"),
        Line("user", "no."),
        Line("assistant", "right", trained=True),
    ]
    episode = Episode(run="r", task="t", turns=(turn(1),))
    (row,) = spliced_rows(episode, line("a"), lines, TOKENIZER, policy="p")
    text = TOKENIZER.decode(list(row.ids))
    assert [text.index(each) for each in ("Rules.", "Go.", "wrong", "no.", "right")] == sorted(
        text.index(each) for each in ("Rules.", "Go.", "wrong", "no.", "right")
    )
    assert text.count("Go.") == 1
    trained = [id for id, wanted in zip(row.ids, row.loss_mask, strict=True) if wanted]
    assert TOKENIZER.decode(trained) == f"right{TOKENIZER.eos_token}"
    assert (row.policy, row.agent) == ("p", "agent")


def test_turns_whose_prompts_go_on_from_each_other_make_one_row_of_sampled_tokens() -> None:
    turns = (turn(1, (5, 6)), turn(2, (5, 6, 7, 8)), turn(9, (5, 99)))
    episode = Episode(run="r", task="t", turns=turns)
    (row,) = played_rows(episode, line("a", "b"), 2, TOKENIZER, TAGS, policy="p")
    assert row.ids == (5, 6, 7, 8)
    assert row.loss_mask == (False, True, False, True)
    assert (row.policy, row.turns) == ("p", ("t1", "t2"))


def test_a_play_without_sampled_tokens_is_laid_out_as_text() -> None:
    tree = line("a", "b")
    episode = Episode(run="r", task="t", turns=(turn(1), turn(2)))
    rows = played_rows(episode, tree, 2, TOKENIZER, TAGS)
    assert rows == spliced_rows(episode, tree, good_play(tree, 2, TAGS), TOKENIZER)
    assert "<action>b</action>" in TOKENIZER.decode(list(rows[0].ids))


def test_a_record_that_is_not_the_trees_is_refused() -> None:
    episode = Episode(run="r", task="t", turns=(turn(7),))
    for made in (
        lambda: played_rows(episode, line("a"), 1, TOKENIZER, TAGS),
        lambda: spliced_rows(episode, line("a"), [Line("user", "Go.")], TOKENIZER),
    ):
        with pytest.raises(ValueError, match=r"r/t/0 has no turn in branch '1\.0'"):
            made()
    with pytest.raises(ValueError, match="the tree is its root alone"):
        spliced_rows(episode, line(), [Line("user", "Go.")], TOKENIZER)
