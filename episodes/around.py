"""Around the caller: the recorder of the graph that runs, and budgets for parts of what it does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import var_child_runnable_config

from .ledger import Budget, BudgetExceeded, Ledger
from .recorder import Recorder, inner_account


class EpisodeName(NamedTuple):
    """Which episode it is, as records of memories know it."""

    run: str
    episode: str
    """`task/attempt`; empty outside of an episode."""

    def __str__(self) -> str:
        return f"{self.run}/{self.episode}" if self.run else self.episode


def current_recorder(config: RunnableConfig | None = None) -> Recorder | None:
    """The recorder of the graph that runs around the caller, or that of `config`, if there is
    one."""
    callbacks = (config or var_child_runnable_config.get() or {}).get("callbacks")
    handlers = callbacks if isinstance(callbacks, list) else getattr(callbacks, "handlers", ())
    return next((h for h in handlers if isinstance(h, Recorder)), None)


def current_episode(config: RunnableConfig | None = None) -> EpisodeName:
    """The name of the episode that runs around the caller, or that of `config`; an empty one
    outside. A config that `play` did not make says it as `{"metadata": {"episode": "run/name"}}`.
    """
    metadata = (config or var_child_runnable_config.get() or {}).get("metadata") or {}
    run, playing = metadata.get("run"), metadata.get("episode")
    if not isinstance(playing, str):
        return EpisodeName("", "")
    if not isinstance(run, str):
        first, _, rest = playing.partition("/")
        return EpisodeName(first, rest) if rest else EpisodeName("", first)
    # The last part of `playing` tells one playing of the same attempt from another.
    return EpisodeName(run, playing.removeprefix(f"{run}/").rpartition("/")[0])


@contextmanager
def sub_budget(budget: Budget, name: str = "sub-team") -> Iterator[Ledger]:
    """Limit what the calls within may spend, on top of the episode's own budget.

    Use it in a node, around a nested team. Its agents finalise when it is spent, as they do on an
    episode's budget; a team that does not is left at once, and the code after the block goes on.
    What was spent is in the account that the block gets, why it ended in `account.exceeded`.

        with sub_budget(Budget(calls=6), "panel") as account:
            update = await panel.ainvoke(state)

    Args:
        budget: limits of this block; time counts from its beginning.
        name: whose budget it is, in messages.

    Raises:
        RuntimeError: no recorder is attached around the caller, so nothing would be counted.
    """
    recorder = current_recorder()
    if recorder is None:
        raise RuntimeError(
            f"a budget for {name!r} needs a Recorder around it: run the team with `play` or "
            '`evaluate`, or pass {"callbacks": [Recorder()]} as its config'
        )
    account = Ledger(budget, parent=recorder.ledger, owner=f"{name}'s")
    token = inner_account.set(account)
    try:
        yield account
    except BudgetExceeded as spent:
        if spent.ledger is not account:
            raise
    finally:
        inner_account.reset(token)
