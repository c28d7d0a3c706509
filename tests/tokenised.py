"""Episodes of scripted models, with the tokens that the bundled tokenizer makes of them."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

from langchain_core.messages import convert_to_messages
from transformers import AutoTokenizer

from symposia.episodes import Episode, Tokens, Turn
from symposia.models.load import TINY
from symposia.models.prompt import PromptWriter
from symposia.training.builders.written import completion_ids, reply_text


@cache
def tokenizer() -> Any:
    """The bundled model's."""
    return AutoTokenizer.from_pretrained(TINY, local_files_only=True)


def tokenised(episode: Episode) -> Episode:
    """The episode, each turn with its tokens."""

    def whole(turn: Turn) -> Turn:
        prompt = PromptWriter(tokenizer()).ids(convert_to_messages(turn.messages))
        said = completion_ids(tokenizer(), reply_text(turn))
        return replace(turn, tokens=Tokens(tuple(prompt), tuple(said), (-0.5,) * len(said)))

    return replace(episode, turns=tuple(map(whole, episode.turns)))


def read(row: Any) -> tuple[str, str]:
    """The texts of a supervised row: what is context, and what is learnt."""
    learnt = [id for id, wanted in zip(row.ids, row.loss_mask, strict=True) if wanted]
    given = [id for id, wanted in zip(row.ids, row.loss_mask, strict=True) if not wanted]
    return tokenizer().decode(given), tokenizer().decode(learnt)
