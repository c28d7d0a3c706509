"""Acting: tool agents and their companions."""

from ..spec import TeamSpec
from .ask_to_act import PAPER as ASK_TO_ACT
from .ask_to_act import ask_to_act
from .cosc import PAPER as COSC
from .cosc import cosc
from .gui_critic import PAPER as GUI_CRITIC
from .gui_critic import gui_critic
from .react import PAPER as REACT
from .react import react
from .reseek import PAPER as RESEEK
from .reseek import reseek
from .thor import PAPER as THOR
from .thor import thor

TEAMS = (
    TeamSpec("react", "thoughts and actions take turns", react, True, REACT),
    TeamSpec(
        "gui-critic", "actions are judged before they are taken", gui_critic, True, GUI_CRITIC
    ),
    TeamSpec("ask-to-act", "asks its user for what is left open", ask_to_act, True, ASK_TO_ACT),
    TeamSpec("reseek", "judges what it found before it goes on", reseek, True, RESEEK),
    TeamSpec("cosc", "programs, verifies, and revises", cosc, paper=COSC),
    TeamSpec("thor", "takes back code that fails", thor, paper=THOR),
)

__all__ = ["TEAMS", "ask_to_act", "cosc", "gui_critic", "react", "reseek", "thor"]
