"""Tic-tac-toe, as SPIRAL plays it (arXiv 2506.24119; the board of TextArena).

Two players mark the squares 0 to 8 of a 3 by 3 board in turn; three in a row, column or diagonal
win, a full board is a draw. With best play it is a draw.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

from .game import Game, Policy, evenly
from .speech import read_move

_LINES = ((0, 1, 2), (3, 4, 5), (6, 7, 8), (0, 3, 6), (1, 4, 7), (2, 5, 8), (0, 4, 8), (2, 4, 6))
_SQUARES = range(9)


@dataclass(frozen=True, slots=True)
class Board:
    """The squares marked so far, in order. The first player marks X."""

    marked: tuple[int, ...] = ()

    def mark(self, square: int) -> str:
        """`X`, `O`, or empty."""
        return "XO"[self.marked.index(square) % 2] if square in self.marked else ""

    @property
    def free(self) -> tuple[int, ...]:
        return tuple(square for square in _SQUARES if square not in self.marked)

    @property
    def winner(self) -> int | None:
        """Only who moved last can have won."""
        last = (len(self.marked) - 1) % 2
        own = set(self.marked[last::2])
        return last if any(own.issuperset(line) for line in _LINES) else None


@dataclass(frozen=True, slots=True)
class Seen:
    """What a player knows: everything, and which marks are its own."""

    board: Board
    player: int


@cache
def value(crosses: frozenset[int], noughts: frozenset[int]) -> int:
    """What the player to move gets under best play: 1, 0 or -1."""
    mover, other = (crosses, noughts) if len(crosses) == len(noughts) else (noughts, crosses)
    if any(other.issuperset(line) for line in _LINES):
        return -1
    results = [_after(mover, other, square) for square in _SQUARES if square not in mover | other]
    return max(results, default=0)


def _after(mover: frozenset[int], other: frozenset[int], square: int) -> int:
    """What the mover gets by marking a square, and best play from there."""
    marks = mover | {square}
    return -value(marks, other) if len(marks) > len(other) else -value(other, marks)


def minimax(view: Seen) -> dict[str, float]:
    """All moves that are best against best play, evenly; it never loses."""
    marked = view.board.marked
    mover, other = frozenset(marked[view.player :: 2]), frozenset(marked[1 - view.player :: 2])
    results = {square: _after(mover, other, square) for square in view.board.free}
    best = max(results.values())
    return evenly(tuple(f"[{square}]" for square in results if results[square] == best))


def at_random(view: Seen) -> dict[str, float]:
    """Any free square."""
    return evenly(tuple(f"[{square}]" for square in view.board.free))


class TicTacToe(Game[Board, Seen]):
    """Tic-tac-toe on nine numbered squares."""

    name: ClassVar[str] = "tictactoe"
    players: ClassVar[tuple[str, ...]] = ("X", "O")
    instructions: ClassVar[str] = (
        "Tic-tac-toe. Two players, X and O, mark free squares in turn; X begins. Three marks in a "
        "row, a column or a diagonal win; a full board is a draw. The squares are numbered 0 to "
        "8. Your action is a free square in brackets: [4] marks the centre."
    )
    policies: ClassVar[Mapping[str, Policy]] = {"random": at_random, "minimax": minimax}
    expert: ClassVar[str] = "minimax"
    opponent: ClassVar[str] = "random"

    def begin(self, seed: int) -> Board:
        return Board()

    def turn(self, state: Board) -> int | None:
        over = state.winner is not None or not state.free
        return None if over else len(state.marked) % 2

    def view(self, state: Board, player: int) -> Seen:
        return Seen(state, player)

    def text(self, view: Seen) -> str:
        board, who = view.board, self.players
        past = [f"{who[n % 2]} marked {square}." for n, square in enumerate(board.marked)][-2:]
        cells = [board.mark(square) or str(square) for square in _SQUARES]
        rows = [" " + " | ".join(cells[start : start + 3]) for start in (0, 3, 6)]
        lines = [f"You are {who[view.player]}.", *past, "\n---+---+---\n".join(rows)]
        if self.turn(board) is not None:
            lines.append(f"Free squares: {', '.join(self.moves(view))}")
        return "\n".join(lines)

    def moves(self, view: Seen) -> tuple[str, ...]:
        return tuple(f"[{square}]" for square in view.board.free)

    def after(self, state: Board, action: str) -> Board | None:
        move = read_move(action)
        square = next((each for each in state.free if str(each) == move), None)
        return None if square is None else Board((*state.marked, square))

    def payoffs(self, state: Board) -> tuple[float, ...]:
        if state.winner is None:
            return (0.0, 0.0)
        return (1.0, -1.0) if state.winner == 0 else (-1.0, 1.0)
