"""The teams that the command line knows by name."""

from __future__ import annotations

from langchain_core.language_models import BaseChatModel

from ..agents import Actor, Critic, Judge, ToolAgent
from ..tools.imported import imported
from . import (
    acting,
    debating,
    judging,
    refining,
    routing,
    searching,
    segmenting,
    selecting,
)
from .act import act
from .answer import answer
from .follow import follow
from .refine import refine
from .spec import TeamSpec
from .team import Team


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


OWN = (
    TeamSpec("answer", "one actor replies once", _answer),
    TeamSpec("refine", "actor, critic and judge refine an answer", _refine),
    TeamSpec("act", "one tool agent acts in a world", _act, acts=True),
    TeamSpec("act-refine", "actor, critic and judge agree on each action", _act_refine, acts=True),
    TeamSpec("expert", "the world's own expert acts, no model", _expert, acts=True, expert="usual"),
    TeamSpec(
        "planner", "the world's own planner acts, no model", _planner, acts=True, expert="planner"
    ),
)
METHODS: tuple[TeamSpec, ...] = (
    *selecting.TEAMS,
    *refining.TEAMS,
    *judging.TEAMS,
    *debating.TEAMS,
    *routing.TEAMS,
    *searching.TEAMS,
    *segmenting.TEAMS,
    *acting.TEAMS,
)
TEAMS: dict[str, TeamSpec] = {spec.name: spec for spec in (*OWN, *METHODS)}


def team_spec(name: str) -> TeamSpec:
    """The team called `name`, or your own: what the function at `module:function` makes of a model.

    Raises:
        ValueError: there is none; the message lists those that exist.
        ImportError: the module imports what is not installed.
    """
    if name in TEAMS:
        return TEAMS[name]
    build = imported(name, "team", "function", TEAMS)
    return TeamSpec(name, "your own", build, acts=None)


def build_team(name: str, model: BaseChatModel) -> Team:
    """The team called `name`, or your own at `module:function`, with `model` in every role.

    Raises:
        ValueError: there is none; the message lists those that exist.
        ImportError: the module of your own imports what is not installed.
    """
    return team_spec(name).build(model)
