"""Small word problems with their solutions, and ways to get them wrong."""

from __future__ import annotations

import random
from dataclasses import dataclass

LARGEST = 20
"""No number in a problem exceeds this."""

_NAMES = ("Ada", "Ben", "Cleo", "Dan", "Eva", "Gina", "Iris", "Jan", "Leo", "Mia", "Sam", "Zoe")
_THINGS = ("books", "coins", "cards", "eggs", "flowers", "keys", "marbles", "stamps")
_START = (
    "{name} has {a} {things}.",
    "There are {a} {things} on {name}'s table.",
    "{name} starts with {a} {things}.",
    "{name} finds {a} {things} in a box.",
)
_EVENTS = {
    "+": (
        "{name} buys {b} more.",
        "{friend} gives {name} {b} more.",
        "Then {b} more are added.",
        "{name} finds another {b}.",
    ),
    "-": (
        "{name} gives {b} to {friend}.",
        "{name} loses {b} of them.",
        "Then {b} are taken away.",
        "{friend} borrows {b}.",
    ),
    "*": (
        "Then the number grows to {b} times as many.",
        "{name} makes it {b} times as many.",
    ),
    "/": (
        "{name} shares them equally among {b} boxes and keeps one box.",
        "They are split into {b} equal parts and {name} keeps one part.",
    ),
}
_QUESTIONS = (
    "How many {things} are there now?",
    "How many {things} does {name} have in the end?",
    "What is the number of {things} now?",
)
_SLIPS = (-10, -3, -2, -1, 1, 2, 3, 10)


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a solution: `left operator right = result`."""

    left: int
    operator: str
    right: int
    result: int

    def __str__(self) -> str:
        return f"{self.left} {self.operator} {self.right} = {self.result}"

    @property
    def correction(self) -> str:
        """The line as it should be."""
        return str(_step(self.left, self.operator, self.right))


def make_problem(seed: int | str) -> tuple[str, tuple[Step, ...], int]:
    """The word problem of a seed: its question, the steps of its solution, and the answer."""
    rng = random.Random(f"arithmetic {seed}")
    name, friend = rng.sample(_NAMES, 2)
    value = rng.randint(2, 12)
    words = {"name": name, "friend": friend, "things": rng.choice(_THINGS)}
    told = [rng.choice(_START).format(a=value, **words)]
    steps: list[Step] = []
    for _ in range(rng.choice((1, 2, 2, 3, 3))):
        operator, right = rng.choice(_moves(value))
        told.append(rng.choice(_EVENTS[operator]).format(b=right, **words))
        steps.append(_step(value, operator, right))
        value = steps[-1].result
    told.append(rng.choice(_QUESTIONS).format(**words))
    return " ".join(told), tuple(steps), value


def spoil(steps: tuple[Step, ...], rng: random.Random) -> tuple[tuple[Step, ...], int]:
    """A wrong solution and the index of its first wrong step, whose result is off.

    The steps after it go on correctly from the wrong result, to a wrong answer.
    """
    spoilt = [_slip(steps, at, slip) for at in range(len(steps)) for slip in _SLIPS]
    return rng.choice([each for each in spoilt if each is not None])


def _slip(steps: tuple[Step, ...], at: int, slip: int) -> tuple[tuple[Step, ...], int] | None:
    """`steps` with one result off by `slip`, and `at`; None where the rest does not follow."""
    bad = steps[at]
    wrong = [*steps[:at], Step(bad.left, bad.operator, bad.right, bad.result + slip)]
    for step in steps[at + 1 :]:
        if (step.operator, step.right) not in _moves(wrong[-1].result):
            return None
        wrong.append(_step(wrong[-1].result, step.operator, step.right))
    follows = wrong[-1].result != steps[-1].result and 1 <= wrong[at].result <= LARGEST
    return (tuple(wrong), at) if follows else None


def make_step(rng: random.Random) -> Step:
    """Any one step."""
    left = rng.randint(1, LARGEST)
    return _step(left, *rng.choice(_moves(left)))


def _moves(value: int) -> list[tuple[str, int]]:
    """Every operation that leads from `value` to a whole number between 1 and `LARGEST`."""
    moves = [("+", b) for b in range(1, 10) if value + b <= LARGEST]
    moves += [("-", b) for b in range(1, 10) if value - b >= 1]
    moves += [("*", b) for b in (2, 3, 4, 5) if value * b <= LARGEST] * 2
    return moves + [("/", b) for b in (2, 3, 4, 5) if value % b == 0 and value > b] * 2


def _step(left: int, operator: str, right: int) -> Step:
    result = {
        "+": left + right,
        "-": left - right,
        "*": left * right,
        "/": left // right,
    }[operator]
    return Step(left, operator, right, result)
