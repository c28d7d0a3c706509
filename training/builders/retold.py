"""What was said, under another prompt; and what should have been said, under the same one.

`retold` puts the sampled tokens of a reply behind messages that the speaker never read. So a model
learns to say at once what it first said after a critique, a reflection or a hint (Re-ReST, arXiv
2406.01495; SMART, 2410.16128), and its words stay as they were sampled. `relabelled` puts other
words behind what was read.
"""

from __future__ import annotations

from collections.abc import Sequence

from langchain_core.messages import BaseMessage, convert_to_messages
from transformers import PreTrainedTokenizerBase

from ...episodes import Turn
from ...models.prompt import PromptWriter
from ..from_episodes import Policy, spoken_by
from ..sample import Row
from .written import completion_ids, reply_text


def retold(
    turns: Sequence[Turn],
    prompts: Sequence[Sequence[BaseMessage]],
    tokenizer: PreTrainedTokenizerBase,
    *,
    policy: Policy = spoken_by,
    episode: str = "",
) -> list[Row]:
    """Supervised rows with the turns' replies as targets, each behind a prompt of its own. Turns
    share a row as long as each prompt goes on from the tokens before it.

    A reply without token ids is laid out as text.

    Args:
        turns: whose replies are learnt.
        prompts: what stands before each of them.
        tokenizer: with the chat template of the model that is trained.
        policy: the weights that a turn trains.
        episode: the episode's name, for the rows.

    Raises:
        ValueError: there are not as many prompts as turns, or a turn failed.
    """
    if len(turns) != len(prompts):
        raise ValueError(f"{len(prompts)} prompts for {len(turns)} turns")
    writer = PromptWriter(tokenizer)
    rows: list[tuple[list[int], list[bool], list[Turn]]] = []
    for turn, messages in zip(turns, prompts, strict=True):
        prompt, said = writer.ids(messages), _said(turn, tokenizer)
        if rows and prompt[: len(rows[-1][0])] == rows[-1][0]:
            ids, mask, spoken = rows[-1]
            mask += [False] * (len(prompt) - len(ids)) + [True] * len(said)
            ids += prompt[len(ids) :] + said
            spoken.append(turn)
        else:
            rows.append((prompt + said, [False] * len(prompt) + [True] * len(said), [turn]))
    return [
        Row(
            tuple(ids),
            tuple(mask),
            agent=spoken[0].agent,
            policy=policy(spoken[0]),
            episode=episode,
            turns=tuple(turn.id for turn in spoken),
        )
        for ids, mask, spoken in rows
    ]


def relabelled(
    turn: Turn,
    reply: str,
    tokenizer: PreTrainedTokenizerBase,
    *,
    policy: Policy = spoken_by,
    episode: str = "",
) -> Row:
    """A supervised row with what a turn should have replied, behind the prompt that it read: a
    judge's grade put right, say.

    Args:
        reply: the text to learn.
        tokenizer: with the chat template of the model that is trained.
        policy: the weights that a turn trains.
        episode: the episode's name, for the row.
    """
    if turn.tokens is not None:
        prompt = list(turn.tokens.prompt_ids)
    else:
        prompt = PromptWriter(tokenizer).ids(convert_to_messages(turn.messages))
    target = completion_ids(tokenizer, reply)
    return Row(
        (*prompt, *target),
        (*[False] * len(prompt), *[True] * len(target)),
        agent=turn.agent,
        policy=policy(turn),
        episode=episode,
        turns=(turn.id,),
    )


def _said(turn: Turn, tokenizer: PreTrainedTokenizerBase) -> list[int]:
    if turn.tokens is not None and turn.tokens.completion_ids:
        return list(turn.tokens.completion_ids)
    if turn.error or turn.reply is None:
        raise ValueError(f"turn {turn.id!r} of {turn.agent} failed ({turn.error}): leave it out")
    return completion_ids(tokenizer, reply_text(turn))
