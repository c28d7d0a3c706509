"""Tic-tac-toe: its rules, and a player that never loses."""

import pytest

from symposia.benchmarks.games import TicTacToe
from symposia.benchmarks.games.tictactoe import Board, minimax

GAME = TicTacToe()


def played(*squares: int) -> Board:
    board = GAME.begin(0)
    for square in squares:
        after = GAME.after(board, f"[{square}]")
        assert after is not None
        board = after
    return board


def test_players_mark_in_turn_until_three_stand_in_a_line() -> None:
    board = played(0, 3, 1, 4)
    assert GAME.turn(board) == 0
    assert GAME.moves(GAME.view(board, 0)) == ("[2]", "[5]", "[6]", "[7]", "[8]")
    won = played(0, 3, 1, 4, 2)
    assert GAME.turn(won) is None
    assert GAME.payoffs(won) == (1.0, -1.0)
    assert GAME.payoffs(played(8, 2, 0, 4, 1, 6)) == (-1.0, 1.0)


def test_a_full_board_is_a_draw() -> None:
    full = played(0, 1, 2, 4, 3, 5, 7, 6, 8)
    assert GAME.turn(full) is None
    assert GAME.payoffs(full) == (0.0, 0.0)


def test_the_board_shows_marks_free_squares_and_the_last_moves() -> None:
    text = GAME.text(GAME.view(played(4, 0, 8), 1))
    assert text == (
        "You are O.\nO marked 0.\nX marked 8.\n"
        " O | 1 | 2\n---+---+---\n 3 | X | 5\n---+---+---\n 6 | 7 | X\n"
        "Free squares: [1], [2], [3], [5], [6], [7]"
    )


@pytest.mark.parametrize("action", ["4", "[4]", "I take [4].", r"\boxed{[4]}", " [ 4 ] "])
def test_a_square_may_be_named_bare_or_in_brackets(action: str) -> None:
    assert GAME.after(played(0), action) == Board((0, 4))


@pytest.mark.parametrize("action", ["[0]", "[9]", "[4] or [5]", "four", "", "[-1]", "\uff14", "[4"])
def test_what_names_no_single_free_square_is_impossible(action: str) -> None:
    assert GAME.after(played(0), action) is None


@pytest.mark.parametrize("seat", [0, 1])
def test_minimax_loses_in_no_line_of_play(seat: int) -> None:
    results = []
    seen: set[frozenset[tuple[int, int]]] = set()

    def walk(board: Board) -> None:
        key = frozenset((square, n % 2) for n, square in enumerate(board.marked))
        if key in seen:
            return
        seen.add(key)
        turn = GAME.turn(board)
        if turn is None:
            results.append(GAME.payoffs(board)[seat])
            return
        view = GAME.view(board, turn)
        for move in minimax(view) if turn == seat else GAME.moves(view):
            after = GAME.after(board, move)
            assert after is not None
            walk(after)

    walk(GAME.begin(0))
    assert set(results) == {0.0, 1.0}


def test_minimax_wins_where_it_can() -> None:
    assert minimax(GAME.view(played(0, 3, 1, 4), 0)) == {"[2]": 1.0}
