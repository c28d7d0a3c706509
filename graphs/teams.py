"""The teams that the command line knows by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from langchain_core.language_models import BaseChatModel

from ..agents import Actor, Critic, Judge, ToolAgent
from .act import act
from .answer import answer
from .follow import follow
from .refine import refine
from .self_refine import self_refine
from .team import Team


@dataclass(frozen=True, slots=True)
class TeamSpec:
    """A team by name."""

    name: str
    summary: str
    build: Callable[[BaseChatModel], Team]
    acts: bool
    """True when it acts in a world; False when it answers a question."""
    expert: str = ""
    """The expert of the world that it follows instead of asking a model, `usual` for the one that
    the world names first; empty for a team of models."""


def _answer(model: BaseChatModel) -> Team:
    return answer(Actor(model), name="answer")


def _refine(model: BaseChatModel) -> Team:
    return refine(Actor(model), Critic(model), Judge(model), name="refine")


def _act(model: BaseChatModel) -> Team:
    return act(ToolAgent(model), name="act")


def _expert(model: BaseChatModel) -> Team:
    return follow(name="expert")


def _planner(model: BaseChatModel) -> Team:
    return follow(name="planner")


def _act_refine(model: BaseChatModel) -> Team:
    policy = refine(ToolAgent(model), Critic(model), Judge(model), rounds=1, name="policy")
    return act(policy, name="act-refine")


TEAMS = {
    spec.name: spec
    for spec in (
        TeamSpec("answer", "one actor replies once", _answer, acts=False),
        TeamSpec("refine", "actor, critic and judge refine an answer", _refine, acts=False),
        TeamSpec("self-refine", "one model answers, reviews, revises", self_refine, acts=False),
        TeamSpec("act", "one tool agent acts in a world", _act, acts=True),
        TeamSpec(
            "act-refine", "actor, critic and judge agree on each action", _act_refine, acts=True
        ),
        TeamSpec(
            "expert", "the world's own expert acts, no model", _expert, acts=True, expert="usual"
        ),
        TeamSpec(
            "planner",
            "the world's own planner acts, no model",
            _planner,
            acts=True,
            expert="planner",
        ),
    )
}


def build_team(name: str, model: BaseChatModel) -> Team:
    """The team called `name`, with `model` in every role.

    Raises:
        ValueError: there is none; the message lists those that exist.
    """
    if name not in TEAMS:
        raise ValueError(f"unknown team {name!r}; there are: {', '.join(TEAMS)}")
    return TEAMS[name].build(model)
