"""Answers in the form in which votes compare them, and what options call a model."""

from __future__ import annotations

from collections.abc import Hashable

from langchain_core.language_models import BaseChatModel

from ...episodes import Episode, Turn
from ...graphs.selectors import plain


def answer_of(episode: Episode) -> Hashable | None:
    """A team's answer; None if it gave none."""
    return plain(episode.answer) if episode.answer else None


def said(turn: Turn) -> Hashable | None:
    """The answer in an actor's turn; None if it could not be read."""
    return plain(turn.parsed["answer"]) if turn.parsed else None


def called(model: str | BaseChatModel | None) -> str | None:
    """A model that a recipe is given, for the plan on disk."""
    if model is None or isinstance(model, str):
        return model
    return model.name or type(model).__name__
