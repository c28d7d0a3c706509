"""How likely given continuations of a prompt are.

The prompt is read once, from where it is known on; its keys and values then stand before every
continuation, and these are read side by side. A model in which sequences cannot stand side by side
reads prompt and continuation anew, one after the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch.nn.utils.rnn import pad_sequence

from .cache import SideBySide
from .lane import Work
from .prefixes import Prefixes

BATCH = 512
"""Tokens of continuations that are read together, padding included."""
Ids = Sequence[int]


@torch.inference_mode()
def score(
    model: Any, prefixes: Prefixes, work: Work, prompt: Ids, continuations: Sequence[Ids]
) -> list[list[float]]:
    """For each continuation the log-probabilities of its tokens, each given all before it.

    Args:
        model: one in which sequences may stand side by side.
        prefixes: what is known of it.
        work: where to count.
    """
    known, states = prefixes.find(prompt, len(prompt) - 1)
    cache = SideBySide(model.device)
    cache.add([states])
    left = torch.tensor([prompt[known:]], device=model.device)
    after = _read(model, cache, left, torch.ones_like(left, dtype=torch.bool), known, 1)[0, -1]
    whole = cache.take(0)
    if not prefixes.knows(prompt):
        prefixes.add(prompt, whole)
    work.passes += 1
    work.prompt_tokens += len(prompt)
    work.reused_tokens += known
    scores = []
    for batch in _batches(continuations):
        firsts = after[[each[0] for each in batch]].tolist()
        scores += [[first] for first in firsts]
        rows = [torch.tensor(each, device=model.device) for each in batch]
        ids = pad_sequence(rows, batch_first=True)
        if ids.shape[1] == 1:
            continue
        real = pad_sequence([torch.ones_like(row[1:], dtype=torch.bool) for row in rows], True)
        cache = SideBySide(model.device)
        cache.add([whole] * len(batch))
        logprobs = _read(model, cache, ids[:, :-1], real, len(prompt), 0)
        chosen = logprobs.gather(-1, ids[:, 1:, None])[:, :, 0].tolist()
        for each, own, further in zip(batch, scores[-len(batch) :], chosen, strict=True):
            own += further[: len(each) - 1]
        work.passes += 1
        work.prompt_tokens += sum(len(each) - 1 for each in batch)
    return scores


@torch.inference_mode()
def score_apart(
    model: Any, work: Work, prompt: Ids, continuations: Sequence[Ids]
) -> list[list[float]]:
    """The same, of a model in which sequences cannot stand side by side."""
    scores = []
    for each in continuations:
        ids = torch.tensor([[*prompt, *each]], device=model.device)
        logits = model(ids, logits_to_keep=len(each) + 1).logits[0, :-1]
        following = ids[0, len(prompt) :, None]
        scores.append(logits.float().log_softmax(-1).gather(-1, following)[:, 0].tolist())
        work.passes += 1
        work.prompt_tokens += ids.shape[1]
    return scores


def _read(
    model: Any, cache: SideBySide, ids: torch.Tensor, real: torch.Tensor, start: int, keep: int
) -> torch.Tensor:
    """Log-probabilities after each of the last `keep` columns of `ids`, or all if it is 0."""
    out = model(
        input_ids=ids,
        attention_mask=cache.open(real),
        position_ids=start + torch.arange(ids.shape[1], device=ids.device).expand(ids.shape),
        past_key_values=cache,
        use_cache=True,
        logits_to_keep=keep,
    )
    cache.close(real)
    logprobs: torch.Tensor = out.logits.float().log_softmax(-1)
    return logprobs


def _batches(continuations: Sequence[Ids]) -> Iterator[list[Ids]]:
    batch: list[Ids] = []
    for each in continuations:
        if batch and (len(batch) + 1) * max(map(len, [*batch, each])) > BATCH:
            yield batch
            batch = []
        batch.append(each)
    if batch:
        yield batch
