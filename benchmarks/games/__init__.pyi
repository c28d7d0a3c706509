from .bargaining import Bargaining
from .environment import (
    BargainingEnvironment,
    GameEnvironment,
    KuhnEnvironment,
    NegotiationEnvironment,
    TicTacToeEnvironment,
)
from .game import Game, Policy, choose
from .kuhn import Kuhn
from .match import play_match
from .matches import play_matches
from .negotiation import Negotiation
from .table import Moment, Table
from .tictactoe import TicTacToe

__all__ = [
    "Bargaining",
    "BargainingEnvironment",
    "Game",
    "GameEnvironment",
    "Kuhn",
    "KuhnEnvironment",
    "Moment",
    "Negotiation",
    "NegotiationEnvironment",
    "Policy",
    "Table",
    "TicTacToe",
    "TicTacToeEnvironment",
    "choose",
    "play_match",
    "play_matches",
]
