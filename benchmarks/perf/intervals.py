"""Do the intervals hold what they say? Coverage and error rates, against what is usually done.

Tasks differ in how hard they are, drawn from a beta distribution; attempts at a task succeed with
its own chance. Counted is how often the 95 % interval of the success rate holds the true rate, and
how often the test at 5 % finds a difference between two teams that are equally good on average.
The alternatives treat every attempt as a task of its own: Wilson's interval of all attempts, and
McNemar's test of all pairs. Seeded: every run prints the same figures.

    python benchmarks/perf/intervals.py
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from symposia.benchmarks.reports import clustered, mcnemar, paired, sign_flip, wilson

ROUNDS = 2000
DESIGNS = ((134, 1), (30, 4), (30, 8), (100, 4))
"""Tasks, and attempts at each."""
HARDNESS = (0.5, 0.5)
"""Of the beta distribution: many tasks are nearly always or nearly never solved."""
GAIN = 0.3
"""By how much a team's chance differs from the other's on a task, up or down with equal odds."""


def main() -> None:
    table = Table(title=f"{ROUNDS} rounds")
    for name in ("tasks", "attempts", "rate held", "by Wilson", "gap held", "false alarms"):
        table.add_column(name, justify="right")
    table.add_column("by McNemar", justify="right")
    for tasks, attempts in DESIGNS:
        counts = [0, 0, 0, 0, 0]
        draw = random.Random(f"{tasks}/{attempts}")
        for _ in range(ROUNDS):
            counts = [a + b for a, b in zip(counts, one_round(draw, tasks, attempts), strict=True)]
        table.add_row(str(tasks), str(attempts), *(f"{count / ROUNDS:.1%}" for count in counts))
    Console().print(table)


def one_round(draw: random.Random, tasks: int, attempts: int) -> Sequence[bool]:
    """Whether each of the five things happened."""
    chances = [draw.betavariate(*HARDNESS) for _ in range(tasks)]
    others = [min(1.0, max(0.0, p + draw.choice((GAIN, -GAIN)))) for p in chances]
    first = [[draw.random() < p for _ in range(attempts)] for p in chances]
    second = [[draw.random() < p for _ in range(attempts)] for p in others]
    differences = [[a - b for a, b in zip(*pair, strict=True)] for pair in zip(first, second)]
    flat = [difference for task in differences for difference in task]
    truth = HARDNESS[0] / sum(HARDNESS)
    low, high = clustered(first)
    bottom, top = wilson(sum(map(sum, first)), tasks * attempts)
    left, right = paired(differences)
    return (
        low <= truth <= high,
        bottom <= truth <= top,
        left <= 0 <= right,
        sign_flip([sum(task) for task in differences]) < 0.05,
        mcnemar(flat.count(1), flat.count(-1)) < 0.05,
    )


if __name__ == "__main__":
    main()
