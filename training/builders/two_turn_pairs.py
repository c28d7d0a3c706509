"""Preference pairs out of two attempts at one task, the second made after the first.

Where the attempts disagree, the right one is better as an answer to the question itself: so a model
learns from its own corrections, and from what it spoilt, to be right at once (SCL, arXiv
2410.04055). A better and a worse answer also say how to mend the worse (EVOLVE, 2502.05605).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from transformers import PreTrainedTokenizerBase

from ...episodes import Episode, Tokens
from ..from_episodes import Policy, pair, spoken_by
from ..sample import PreferencePair
from .written import written


def two_turn_pairs(
    episode: Episode,
    first: str,
    second: str,
    rewards: tuple[float, float],
    *,
    policy: Policy = spoken_by,
) -> list[PreferencePair]:
    """The pair of two attempts, under the prompt of the first: the better one was chosen, and the
    margin is by how much. None where both are worth the same, or are the same tokens.

    Args:
        first: the turn of the first attempt.
        second: that of the second, whose prompt holds the first.
        rewards: of the two.

    Raises:
        ValueError: a turn is not in the episode, or has no tokens.
    """
    by_id = {turn.id: turn for turn in episode.turns}
    for id in (first, second):
        if id not in by_id:
            raise ValueError(f"{episode.task} has no turn {id!r}; it has {', '.join(by_id)}")
    early, late = by_id[first], by_id[second]
    if rewards[0] == rewards[1]:
        return []
    if early.tokens is not None and late.tokens is not None:
        if early.tokens.completion_ids == late.tokens.completion_ids:
            return []
        moved = Tokens(early.tokens.prompt_ids, late.tokens.completion_ids, late.tokens.logprobs)
        late = replace(late, tokens=moved)
    chosen, rejected = (early, late) if rewards[0] > rewards[1] else (late, early)
    margin = abs(rewards[0] - rewards[1])
    return [pair(chosen, rejected, margin=margin, group=episode.task, policy=policy)]


def refinement_pairs(
    tokenizer: PreTrainedTokenizerBase,
    messages: Sequence[BaseMessage],
    chosen: str,
    rejected: str,
    line: str,
    *,
    policy: str = "",
    group: str = "",
) -> tuple[PreferencePair, PreferencePair]:
    """One preference, twice: as an answer to the question, and as the answer to it after the
    rejected one and a line that asks for a better.

    Args:
        messages: the question's conversation.
        chosen: the better answer, as a reply.
        rejected: the worse.
        line: asks for a better answer.

    Raises:
        ValueError: both answers are the same.
    """

    def preferred(said: Sequence[BaseMessage]) -> PreferencePair:
        (prompt, better), (same, worse) = (
            _split(tokenizer, said, reply) for reply in (chosen, rejected)
        )
        assert prompt == same
        return PreferencePair(prompt, better, worse, policy=policy, group=group)

    asked = [*messages, AIMessage(rejected), HumanMessage(line)]
    return preferred(messages), preferred(asked)


Ids = tuple[int, ...]


def _split(
    tokenizer: PreTrainedTokenizerBase, said: Sequence[BaseMessage], reply: str
) -> tuple[Ids, Ids]:
    """The ids of a prompt, and those of a reply to it."""
    (row,) = written(tokenizer, [*said, AIMessage(reply)], [*[False] * len(said), True])
    start = row.loss_mask.index(True)
    return row.ids[:start], row.ids[start:]
