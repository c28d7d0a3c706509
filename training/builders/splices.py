"""Rows of plays in a world that were cut and joined, and of whole plays from a tree.

What was joined nobody sampled, so it is laid out as text, after the very messages that the agent
read at the start of the search. A whole play was sampled: its rows have those tokens, where the
record has them.
"""

from __future__ import annotations

from collections.abc import Sequence

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, convert_to_messages
from transformers import PreTrainedTokenizerBase

from ...agents import OutputFormat
from ...episodes import Episode, Turn
from ...graphs.searching.agent_r import Line, good_play
from ...graphs.tree import Tree
from ..from_episodes import name
from ..sample import Row
from .trees import tree_rows, turn_of
from .written import written


def spliced_rows(
    episode: Episode,
    tree: Tree,
    lines: Sequence[Line],
    tokenizer: PreTrainedTokenizerBase,
    *,
    policy: str = "",
) -> list[Row]:
    """The rows of lines that were put together from a tree, of which the first is its root's.

    Args:
        episode: the record of the search.
        tokenizer: with the chat template of the model that is trained.
        policy: the weights that are trained.

    Raises:
        ValueError: the record does not say what the agent read at the root, or no line is trained.
    """
    first = _asked_at_the_root(episode, tree)
    opening: list[BaseMessage] = convert_to_messages(first.messages)
    followed = [
        AIMessage(line.text) if line.role == "assistant" else HumanMessage(line.text)
        for line in lines[1:]
    ]
    trained = [False] * len(opening) + [line.trained for line in lines[1:]]
    return written(tokenizer, [*opening, *followed], trained, agent=first.agent, policy=policy)


def played_rows(
    episode: Episode,
    tree: Tree,
    end: int,
    tokenizer: PreTrainedTokenizerBase,
    format: OutputFormat,
    *,
    policy: str = "",
) -> list[Row]:
    """The rows of a whole play, every action a target: as it was sampled, or, where a model gave no
    ids, as text.

    Raises:
        ValueError: the record is not that of the tree.
    """
    path = [node.id for node in tree.path(end)[1:]]
    if all(turn_of(episode, tree[id]).tokens for id in path):
        return tree_rows(episode, tree, [path], policy=lambda turn: policy)
    return spliced_rows(episode, tree, good_play(tree, end, format), tokenizer, policy=policy)


def _asked_at_the_root(episode: Episode, tree: Tree) -> Turn:
    for child in tree.children(0):
        return turn_of(episode, child)
    raise ValueError(f"{name(episode)}: the tree is its root alone, where nothing was asked")
