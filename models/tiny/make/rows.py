"""The data set: conversations as token ids and loss weights, and the order of learning."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from itertools import chain, islice
from pathlib import Path

import numpy as np
import torch
from rich.progress import track
from transformers import PreTrainedTokenizerBase

from . import conversations as make
from .arithmetic import LARGEST
from .conversations import Conversation
from .tokenizer import END, ROLES
from .transcripts import FURNITURE, NAMES, Transcript, read

REVIEWS = 0.3
"""Conversations about a proposed action, for each episode."""
SUMS = 0.75
"""Word problems solved, and as many conversations about a proposed solution, for each episode."""
LONGEST_REVIEWED = 20
"""Episodes with more actions than this are acted but not reviewed: they are mostly context."""
TRAINING_PROBLEMS = 1_000_000
"""Problems are learnt from this seed up; evaluation uses the seeds below."""

DRILLS = 6_000
"""Lists to copy, and as many moments at which to compare."""
DRILLED = 0.1
"""The part of the training in which these come."""
RECKONINGS = 6_000
"""Drills of single sums."""
RECKONED = 0.5
"""The part of the training in which these come."""
BARE = 0.5
"""The part in which episodes come without instructions; proposed actions are discussed later."""
RAMP = 0.25
"""The part after which every length may come; before, shorter episodes do."""
RAMP_ACTIONS = (6, 30)
"""The lengths that may come from the start, and at the end of the ramp."""
WINDOW = 64
"""Batches that are cut from one pool of rows, sorted by length."""

_PERCENT = 100


@dataclass(frozen=True)
class Rows:
    """Sequences of tokens, end to end."""

    ids: np.ndarray
    """Token ids of all rows, uint16 [tokens]."""
    weights: np.ndarray
    """The loss weight of each token in hundredths, uint8 [tokens]."""
    starts: np.ndarray
    """Where each row starts, and where the last ends, int64 [rows + 1]."""
    places: np.ndarray
    """When each row comes in training, from 0 to 1, float64 [rows]."""

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def mean_weight(self) -> float:
        """The mean loss weight of a token."""
        return float(self.weights.mean()) / _PERCENT

    @property
    def lengths(self) -> np.ndarray:
        """Tokens in each row, [rows]."""
        return np.diff(self.starts)

    @classmethod
    def of(cls, encoded: Iterable[tuple[float, list[int], list[float]]]) -> Rows:
        """Rows from their places, ids and weights."""
        ids, weights, starts, places = [], [], [0], []
        for place, row_ids, row_weights in encoded:
            places.append(place)
            ids.append(np.array(row_ids, dtype=np.uint16))
            weights.append(np.rint(np.array(row_weights) * _PERCENT).astype(np.uint8))
            starts.append(starts[-1] + len(row_ids))
        return cls(np.concatenate(ids), np.concatenate(weights), np.array(starts), np.array(places))

    def batch(self, rows: Sequence[int], pad: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Ids and loss weights of some rows, padded on the right, both [rows, longest]."""
        longest = int(self.lengths[list(rows)].max())
        ids = torch.full((len(rows), longest), pad, dtype=torch.long)
        weights = torch.zeros(len(rows), longest)
        for i, row in enumerate(rows):
            span = slice(self.starts[row], self.starts[row + 1])
            length = span.stop - span.start
            ids[i, :length] = torch.from_numpy(self.ids[span].astype(np.int64))
            weights[i, :length] = torch.from_numpy(self.weights[span].astype(np.float32))
        return ids, weights / _PERCENT

    def save(self, path: Path) -> None:
        """Write one `.npz` file, whole or not at all."""
        draft = path.with_name(f"draft-{path.name}")
        np.savez_compressed(draft, **asdict(self))
        draft.replace(path)

    @classmethod
    def load(cls, path: Path) -> Rows:
        with np.load(path) as file:
            return cls(**file)


class Encoder:
    """Turns conversations into ids and weights, exactly as the chat template writes them.

    Args:
        tokenizer: with the marks and the template of `tokenizer`.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self._tokenizer = tokenizer
        vocabulary = tokenizer.get_vocab()
        self._end = vocabulary[END]
        self._marks = {role: vocabulary[f"<|{role}|>"] for role in ROLES}
        self._text = lru_cache(maxsize=200_000)(self._encode)

    def __call__(self, conversation: Conversation) -> tuple[list[int], list[float]]:
        """Ids and weights [tokens]. A role's mark is never learnt: the template writes it."""
        ids: list[int] = []
        weights: list[float] = []
        for message in conversation:
            said = self._text(message.text)
            ids += [self._marks[message.role], *said, self._end]
            weights += [make.IGNORE] + [message.weight] * (len(said) + 1)
        return ids, weights

    def _encode(self, text: str) -> tuple[int, ...]:
        return tuple(self._tokenizer.encode(text, add_special_tokens=False))


def sample_texts(games: Path, episodes: int = 1000) -> Iterator[str]:
    """Texts for the tokenizer: messages of conversations of every kind, and names and numbers once
    more, so that even a rare one is a single token."""
    made = conversations(islice(read(games), episodes), passes=2, seed=0)
    sums = (make.solve(TRAINING_PROBLEMS + i) for i in range(episodes))
    for conversation in chain((conversation for _, conversation in made), sums):
        for message in conversation:
            yield message.text
    for kind in FURNITURE:
        yield "".join(f" {kind} {number}" for number in (1, 2, 3)) * (episodes // 3)
    for name in NAMES:
        yield f" {name}" * (episodes // 3)
    for number in range(LARGEST + 1):
        yield f" {number}\n{number}" * (episodes // 3)


def conversations(
    transcripts: Iterable[Transcript], passes: int, seed: int
) -> Iterator[tuple[float, Conversation]]:
    """The training set: conversations, each with its place in the training, from 0 to 1.

    Later passes over the transcripts rename what is in the games.
    """
    known = list(transcripts)
    rng = random.Random(f"{seed} drills")
    for _ in range(DRILLS):
        yield rng.uniform(0, DRILLED), make.copy(rng)
        yield rng.uniform(0, DRILLED), make.spot(rng)
    for _ in range(RECKONINGS):
        yield rng.uniform(0, RECKONED), make.reckon(rng)
    problem = TRAINING_PROBLEMS
    for turn in range(passes):
        for transcript in known:
            rng = random.Random(f"{seed} {turn} {transcript.seed}")
            episode = transcript.renamed(rng) if turn else transcript
            place = rng.uniform(_earliest(episode), 1)
            yield place, make.act(episode, bare=place < BARE)
            if rng.random() < REVIEWS and len(episode.moves) <= LONGEST_REVIEWED:
                yield rng.uniform(BARE, 1), _about(make.action_case(episode, rng), rng)
            if rng.random() < SUMS:
                yield rng.random(), make.solve(problem)
                yield rng.random(), _about(make.sum_case(problem + 1, rng), rng)
                problem += 2


def _earliest(episode: Transcript) -> float:
    least, most = RAMP_ACTIONS
    return RAMP * min(max((len(episode.moves) - least) / (most - least), 0.0), 1.0)


def _about(case: make.Case, rng: random.Random) -> Conversation:
    kinds: list[Callable[[], Conversation]] = [
        lambda: make.critique(case),
        lambda: make.critique(case),
        lambda: make.judge(case, rng),
        lambda: make.judge(case, rng),
        lambda: make.revise(case, rng),
    ]
    return rng.choice(kinds)()


def build(games: Path, tokenizer: PreTrainedTokenizerBase, passes: int, seed: int) -> Rows:
    """The training set as rows."""
    encode = Encoder(tokenizer)
    made = track(conversations(read(games), passes, seed), "conversations")
    return Rows.of((place, *encode(conversation)) for place, conversation in made)


def plan(rows: Rows, batch_tokens: int, seed: int) -> list[list[int]]:
    """The rows of each batch, in the order of training: each once, about where its place is.

    Args:
        batch_tokens: tokens in a batch at most, padding included.
    """
    rng = np.random.default_rng(seed)
    lengths = rows.lengths
    order = np.argsort(rows.places, kind="stable")
    pools = np.cumsum(lengths[order]) // (WINDOW * batch_tokens)
    batches: list[list[int]] = []
    for pool in np.split(order, np.flatnonzero(np.diff(pools)) + 1):
        cut = _cut(pool[np.argsort(lengths[pool], kind="stable")], lengths, batch_tokens)
        rng.shuffle(cut)
        batches += cut
    return batches


def _cut(rows: np.ndarray, lengths: np.ndarray, batch_tokens: int) -> list[list[int]]:
    """Batches of neighbours whose padded size stays within the limit."""
    batches: list[list[int]] = [[]]
    for row in rows.tolist():
        if batches[-1] and (len(batches[-1]) + 1) * lengths[row] > batch_tokens:
            batches.append([])
        batches[-1].append(row)
    return batches
