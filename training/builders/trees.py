"""From the tree of a search to rows: its pairs, and its trajectories.

A node names the branch of the call that proposed its action, so the record has the exact tokens.
Two actions of one position that were sampled under the same prompt make a pair token for token.
Where the prompts differ (a search that hints at what was tried), or a model gave no ids, there is
no such pair: it is refused, unless a tokenizer is given to lay both out anew, as text under the
better one's prompt.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from langchain_core.messages import convert_to_messages
from transformers import PreTrainedTokenizerBase

from ...episodes import Episode, Turn
from ...graphs.tree import Node, Pair, Tree
from ...models.prompt import PromptWriter
from ..from_episodes import Policy, name, pair, rows, spoken_by
from ..sample import PreferencePair, Row
from .written import completion_ids, reply_text


def turn_of(episode: Episode, node: Node) -> Turn:
    """The call that proposed the action which led to a node.

    Raises:
        ValueError: the record has no such call; the root has none.
    """
    for turn in episode.turns:
        if turn.branch == node.branch and turn.reply and reply_text(turn) == node.said:
            return turn
    raise ValueError(
        f"{name(episode)} has no turn in branch {node.branch!r} that says {node.said[:60]!r}: "
        f"node {node.id} of the tree is not of this record"
    )


def tree_pairs(
    episode: Episode,
    tree: Tree,
    pairs: Iterable[Pair],
    *,
    policy: Policy = spoken_by,
    stored: bool = False,
    tokenizer: PreTrainedTokenizerBase | None = None,
) -> list[PreferencePair]:
    """Preference pairs of actions, with the difference of their qualities as `margin`.

    Args:
        pairs: which actions: what `graphs.tree.pairs` or a method's own rule gives.
        policy: the weights that are trained.
        stored: keep the log-probabilities that were recorded as those of the reference: the policy
            that collected them (Agent Q, arXiv 2408.07199). Else the trainer computes them.
        tokenizer: of the model that is trained; lays out as text what was not sampled under one
            prompt. Such pairs have no stored reference.

    Raises:
        ValueError: both actions were not sampled under one prompt, and there is no tokenizer; or
            the record is not that of the tree.
    """
    return [_pair(episode, tree, each, policy, stored, tokenizer) for each in pairs]


def tree_rows(
    episode: Episode,
    tree: Tree,
    paths: Iterable[Sequence[int]],
    *,
    policy: Policy = spoken_by,
) -> list[Row]:
    """Supervised rows of trajectories: every action on them is a target once, however many share
    it.

    Args:
        paths: nodes from the root on, as `graphs.tree.trajectories` gives them.

    Raises:
        ValueError: the record is not that of the tree, or a turn has no tokens.
    """
    nodes = dict.fromkeys(id for path in paths for id in path if tree[id].action is not None)
    turns = [turn_of(episode, tree[id]).id for id in nodes]
    return rows(episode, turns, join=True, policy=policy) if turns else []


def _pair(
    episode: Episode,
    tree: Tree,
    each: Pair,
    policy: Policy,
    stored: bool,
    tokenizer: PreTrainedTokenizerBase | None,
) -> PreferencePair:
    better, worse = (turn_of(episode, tree[id]) for id in (each.better, each.worse))
    one, other = better.tokens, worse.tokens
    sampled = bool(one and other and one.prompt_ids == other.prompt_ids)
    if not sampled and tokenizer is not None:
        return PreferencePair(
            prompt_ids=tuple(PromptWriter(tokenizer).ids(convert_to_messages(better.messages))),
            chosen_ids=tuple(completion_ids(tokenizer, reply_text(better))),
            rejected_ids=tuple(completion_ids(tokenizer, reply_text(worse))),
            margin=each.gap,
            agent=better.agent,
            policy=policy(better),
            group=episode.task,
        )
    made = pair(better, worse, margin=each.gap, group=episode.task, policy=policy)
    if not stored:
        return made
    assert one is not None and other is not None
    return replace(made, chosen_reference=one.logprobs, rejected_reference=other.logprobs)
