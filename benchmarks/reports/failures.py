"""Why an episode was not solved: one cause each, so that causes add up to all failures.

The cause is read from how the episode stopped and from its steps. An episode that ran out of steps
or budget is put down to what it spent them on: to a loop when at least half its steps repeated an
action that had met the very same answer before, else to invalid actions when the world could make
nothing of at least half of them, else to the limit itself. Worlds say which actions are invalid
(`Observation.info["valid"]`); those that do not say so have none.
"""

from __future__ import annotations

FAILURES = {
    "task error": "the task could not be set up",
    "error": "an exception ended it",
    "parse failure": "the team's replies could not be read",
    "loop": "it ran out while repeating actions whose answer it knew",
    "invalid actions": "it ran out on actions that the world did not understand",
    "budget": "its budget was spent",
    "step limit": "its steps were used up",
    "not solved": "it ended, and the task was not solved",
}
"""Causes, in the order in which they are looked for, and what each means."""
SHARE = 0.5
"""Of an episode's steps that must be repeats, or invalid, to be the cause."""
UNREAD = frozenset({"unreadable replies", "no readable reply"})
SPENT = " is spent"
"""How a stop ends that a budget caused; see `Ledger`."""


def failure(stop: str, error: str, steps: int, invalid: int, repeated: int) -> str:
    """The cause of a failure, one of `FAILURES`.

    Args:
        stop: `Outcome.stop`.
        error: `Outcome.error`.
        steps: actions taken.
        invalid: those that the world did not understand.
        repeated: those that had met the very same answer before.
    """
    if stop == "task error":
        return "task error"
    if error or stop == "error":
        return "error"
    if stop in UNREAD:
        return "parse failure"
    if stop == "loop":
        return "loop"
    budget = stop.endswith(SPENT)
    if not budget and stop != "step limit":
        return "not solved"
    if steps and repeated >= SHARE * steps:
        return "loop"
    if steps and invalid >= SHARE * steps:
        return "invalid actions"
    return "budget" if budget else "step limit"
