from __future__ import annotations

import asyncio
import gc
import json
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter as Tally
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.runnables import RunnableLambda
from worlds import Counter, Fragile, FragileHere, Quiz, RemoteCounter

from symposia.agents import Actor, Critic, ToolAgent
from symposia.benchmarks import (
    compare,
    evaluate,
    evaluate_sync,
    make_environment,
    play,
    wilson,
)
from symposia.episodes import Budget, EpisodeStore, Observation, Task
from symposia.graphs import act, refine
from symposia.models import ScriptedModel

UP = "<action>up</action>"


def team() -> Any:
    return act(ToolAgent(ScriptedModel(lambda messages: UP)))


async def test_a_run_is_reported_by_kind_with_intervals() -> None:
    report = await evaluate(team(), Counter(episodes=5), progress=False)
    assert [row.task for row in report.rows] == [f"counter:{i}" for i in range(5)]
    assert report.summary.successes == 5
    assert report.summary.interval == pytest.approx((0.5655, 1.0), abs=1e-4)
    assert {kind: s.episodes for kind, s in report.kinds.items()} == {"even": 3, "odd": 2}
    assert (report.summary.steps, report.summary.calls) == (2, 2)
    assert report.stops == {"solved": 5}
    assert json.loads(json.dumps(report.to_dict()))["summary"]["rate"] == 1
    assert compare([report, report]).table().row_count == 2


async def test_a_broken_task_fails_and_the_run_goes_on() -> None:
    tasks = [Task("counter:0", "a"), Task("counter:broken", "b"), Task("counter:1", "c")]
    report = await evaluate(team(), Counter(), tasks=tasks, progress=False)
    assert [row.success for row in report.rows] == [True, False, True]
    assert report.rows[1].stop == "task error"
    assert "/games/broken.json" in report.rows[1].error
    assert "1 of 3 episodes ended in an error" in str(report.table().caption)


async def test_a_dying_worker_costs_its_episodes_and_no_more() -> None:
    replies = iter(["<action>crash</action>"])
    model = ScriptedModel(lambda messages: next(replies, UP))
    report = await evaluate(
        act(ToolAgent(model)), RemoteCounter(), concurrency=1, workers=1, progress=False
    )
    assert [row.success for row in report.rows] == [False, True, True, True]
    assert "exit code 3" in report.rows[0].error


async def test_a_team_that_answers_has_its_answer_submitted() -> None:
    async def respond(state: dict[str, Any]) -> dict[str, Any]:
        assert "gold" not in state
        return {"answer": "4"}

    report = await evaluate(RunnableLambda(respond), Quiz(), name="oracle", progress=False)
    assert report.rows[0].success


async def test_the_same_seed_gives_the_same_episodes(tmp_path: Path) -> None:
    seeds = []
    for run in ("a", "b"):
        with EpisodeStore(tmp_path / run) as store:
            await evaluate(team(), Counter(), store=store, run=run, seed=5, progress=False)
            seeds.append([e.seed for e in store.episodes(run)])
    assert seeds[0] == seeds[1]
    assert len(set(seeds[0])) == 4


async def test_a_finished_run_is_not_played_again(tmp_path: Path) -> None:
    with EpisodeStore(tmp_path) as store:
        first = await evaluate(team(), Counter(), store=store, run="r", progress=False)
        dry = act(ToolAgent(ScriptedModel([])), name="act")
        again = await evaluate(dry, Counter(), store=store, run="r", progress=False)
        assert again.rows == first.rows
        with pytest.raises(ValueError, match="begun with another config"):
            await evaluate(team(), Counter(goal=3), store=store, run="r", progress=False)


async def test_attempts_and_budgets(tmp_path: Path) -> None:
    with EpisodeStore(tmp_path) as store:
        report = await evaluate(
            team(),
            Counter(episodes=2, goal=9),
            attempts=3,
            budget=Budget(calls=4),
            store=store,
            progress=False,
        )
        assert Tally(row.task for row in report.rows) == {"counter:0": 3, "counter:1": 3}
        assert report.stops == {"budget of 4 model calls is spent": 6}
        assert len({e.seed for e in store.episodes(report.run)}) == 6


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"concurrency": 0}, "concurrency=0"),
        ({"attempts": 0}, "attempts=0"),
        ({"limit": 0}, "limit=0"),
        ({"split": "moon"}, "unknown split 'moon'; there are: all"),
        ({"tasks": [Task("x", "x"), Task("x", "x")]}, "same id"),
        ({"tasks": [Task("x", "x")], "split": "all"}, "not both"),
    ],
)
async def test_bad_arguments_are_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        await evaluate(team(), Counter(), progress=False, **options)


def test_the_sync_door() -> None:
    assert evaluate_sync(team(), Counter(), progress=False).summary.rate == 1


def test_environments_by_name() -> None:
    assert isinstance(make_environment("worlds:Counter", goal=3), Counter)
    with pytest.raises(ValueError, match="unknown environment 'chess'; there are: alfworld"):
        make_environment("chess")
    with pytest.raises(ValueError, match="no environment at 'worlds:Nothing'"):
        make_environment("worlds:Nothing")
    with pytest.raises(ValueError, match="colour"):
        make_environment("worlds:Counter", colour="red")


@given(trials=st.integers(1, 500), data=st.data())
def test_wilson_intervals_hold_the_rate_and_stay_in_range(trials: int, data: Any) -> None:
    successes = data.draw(st.integers(0, trials))
    low, high = wilson(successes, trials)
    assert 0 <= low <= successes / trials <= high <= 1


def test_wilson_known_values() -> None:
    assert wilson(0, 0) == (0, 1)
    assert wilson(8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    with pytest.raises(ValueError, match="3 successes in 2 trials"):
        wilson(3, 2)


EPISODES = 60


def bench(store: Path) -> list[str]:
    script = store / "script.txt"
    return [
        *(sys.executable, "-m", "symposia", "bench", "worlds:RemoteCounter", "--run", "crash"),
        *("--model", f"scripted:{script}", "--store", str(store), "--concurrency", "4", "--json"),
        *("-o", f"episodes={EPISODES}", "-o", "delay=0.01"),
    ]


def test_a_run_killed_ten_times_loses_nothing_and_repeats_nothing(tmp_path: Path) -> None:
    (tmp_path / "script.txt").write_text(f"{UP}\n" * 1000)
    environment = {"PYTHONPATH": str(Path(__file__).parents[1]), "PATH": "/usr/bin:/bin"}
    rng = random.Random(0)
    command = bench(tmp_path)
    counts = [0]
    for _ in range(10):
        process = subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wait_for_growth(tmp_path, counts[-1], process)
        time.sleep(rng.uniform(0, 0.1))
        process.send_signal(signal.SIGKILL)
        process.wait()
        counts.append(stored(tmp_path))
    assert counts == sorted(counts)
    assert counts[-1] > 0
    final = subprocess.run(command, env=environment, capture_output=True, check=True, timeout=120)
    report = json.loads(final.stdout)
    assert Tally(e["task"] for e in report["episodes"]) == {
        f"counter:{i}": 1 for i in range(EPISODES)
    }
    with EpisodeStore(tmp_path) as store:
        assert all(len(e.turns) == 2 for e in store.episodes("crash"))


def wait_for_growth(store: Path, count: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until the run has stored an episode more than before, or has ended."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None and stored(store) <= count:
        time.sleep(0.02)


def stored(path: Path) -> int:
    if not (path / "episodes.db").exists():
        return 0
    with EpisodeStore(path) as store:
        return len(store.finished("crash"))


@pytest.mark.parametrize("kind", [Fragile, FragileHere])
async def test_a_world_that_does_not_close_costs_nothing(kind: type[Counter]) -> None:
    report = await evaluate(team(), kind(), progress=False)
    assert report.summary.successes == 4


async def test_a_world_that_cannot_be_made_is_its_episodes_error() -> None:
    class Unmade(Counter):
        def fork(self) -> Unmade:
            raise RuntimeError("no seat left")

    report = await evaluate(team(), Unmade(), progress=False)
    assert [row.error for row in report.rows] == ["RuntimeError: no seat left"] * 4


async def test_a_hung_engine_ends_with_the_seconds_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("symposia.benchmarks.sessions.GRACE", 0.3)
    replies = iter(["<action>hang</action>"])
    model = ScriptedModel(lambda messages: next(replies, UP))
    report = await evaluate(
        act(ToolAgent(model)),
        Fragile(),
        budget=Budget(seconds=8),
        concurrency=1,
        workers=1,
        progress=False,
    )
    assert report.rows[0].stop == "budget of 8 seconds is spent"
    assert report.summary.successes == 3


async def test_a_timeout_of_the_teams_own_is_an_error_and_no_spent_budget() -> None:
    async def respond(state: dict[str, Any]) -> dict[str, Any]:
        raise TimeoutError("the provider is slow")

    report = await evaluate(
        RunnableLambda(respond), Quiz(), budget=Budget(seconds=60), name="slow", progress=False
    )
    assert (report.rows[0].stop, report.rows[0].error) == (
        "error",
        "TimeoutError: the provider is slow",
    )


async def test_a_team_whose_budget_is_spent_still_gets_its_best_answer_in() -> None:
    refiner = refine(
        Actor(ScriptedModel(["<answer>4</answer>"])), Critic(ScriptedModel([])), name="refine"
    )
    report = await evaluate(refiner, Quiz(), budget=Budget(calls=1, tool_calls=0), progress=False)
    assert (report.rows[0].success, report.rows[0].calls) == (True, 1)


async def test_teams_never_see_the_reference() -> None:
    async def respond(state: dict[str, Any]) -> dict[str, Any]:
        assert state["task"].reference is None
        return {"answer": "?"}

    report = await evaluate(RunnableLambda(respond), Quiz(), name="spy", progress=False)
    assert report.rows[0].error == ""


async def test_odd_numbers_and_half_characters_do_not_lose_an_episode(tmp_path: Path) -> None:
    class Odd(Counter):
        def step(self, action: str) -> Observation:
            if action == "raise":
                raise RuntimeError("\ud83d")
            return Observation("\ud83d", ("up",), np.float32(1.0), np.bool_(True))

    replies = iter(["<action>raise</action>"])
    model = ScriptedModel(lambda messages: next(replies, f"{UP}\ud83d"))
    with EpisodeStore(tmp_path) as store:
        report = await evaluate(act(ToolAgent(model)), Odd(), store=store, progress=False)
        kept = list(store.episodes(report.run))
    assert (report.summary.successes, len(kept)) == (3, 4)
    assert kept[0].outcome.error == "RuntimeError: ?"


async def test_an_episode_that_another_process_stored_first_is_the_one_reported(
    tmp_path: Path,
) -> None:
    with EpisodeStore(tmp_path) as store:
        first = await evaluate(team(), Counter(), store=store, run="other", progress=False)
        episodes = {e.task: replace(e, run="r", team="first") for e in store.episodes("other")}

        class Raced(Counter):
            def reset(self, task: Task) -> Observation:
                store.add(episodes[task.id])
                return super().reset(task)

        down = act(ToolAgent(ScriptedModel(lambda messages: "<action>down</action>")))
        report = await evaluate(
            down, Raced(), store=store, run="r", budget=Budget(calls=1), progress=False
        )
    assert [row.success for row in report.rows] == [row.success for row in first.rows]


async def test_runs_side_by_side_leave_the_garbage_collector_as_it_was() -> None:
    before = gc.get_threshold()
    await asyncio.gather(*(evaluate(team(), Counter(episodes=n), progress=False) for n in (1, 9)))
    assert gc.get_threshold() == before


async def test_a_longer_run_goes_on_from_a_shorter_one(tmp_path: Path) -> None:
    with EpisodeStore(tmp_path) as store:
        await evaluate(team(), Counter(), store=store, run="r", limit=2, progress=False)
        report = await evaluate(team(), Counter(), store=store, run="r", progress=False)
        assert report.summary.episodes == len(store.finished("r")) == 4


async def test_episodes_that_ended_in_an_error_are_played_again(tmp_path: Path) -> None:
    broken = act(ToolAgent(ScriptedModel(lambda messages: RuntimeError("no route to host"))))
    with EpisodeStore(tmp_path) as store:
        first = await evaluate(broken, Counter(), store=store, run="r", progress=False)
        assert len(first.errors) == 4
        one = await evaluate(team(), Counter(), store=store, run="r", limit=1, progress=False)
        assert one.summary.successes == 1
        assert len(store.finished("r")) == 4, "errors that are not played again are kept"
        again = await evaluate(team(), Counter(), store=store, run="r", progress=False)
        assert again.summary.successes == len(store.finished("r")) == 4


async def test_environments_keep_their_worlds_apart() -> None:
    class Listed(Counter):
        def __init__(self) -> None:
            super().__init__(episodes=8)
            self.said: list[str] = []

        def reset(self, task: Task) -> Observation:
            self.said.clear()
            return super().reset(task)

        def step(self, action: str) -> Observation:
            self.said.append(action)
            assert len(self.said) <= 2
            return super().step(action)

    assert (await evaluate(team(), Listed(), progress=False)).summary.successes == 8


async def test_an_environment_that_cannot_be_copied_says_what_to_do() -> None:
    class Locked(Counter):
        def __init__(self) -> None:
            super().__init__()
            self.lock = threading.Lock()

    report = await evaluate(team(), Locked(), progress=False)
    assert "make what it holds in `reset`, or override `fork`" in report.rows[0].error


@pytest.mark.parametrize(
    ("final", "answer"),
    [
        ({"draft": "4"}, "4"),
        ({"answer": 0}, "0"),
        ({"messages": [{"role": "assistant", "content": "4"}]}, "4"),
        ({"messages": [AIMessage("4"), HumanMessage("thanks")]}, "4"),
        ({"messages": "4", "draft": {"odd": 1}}, "{'odd': 1}"),
        ({"messages": [3]}, ""),
    ],
)
async def test_any_state_that_a_graph_ends_in_is_an_answer(
    final: dict[str, Any], answer: str
) -> None:
    episode = await play(RunnableLambda(lambda state: final), Task("t", "?"))
    assert (episode.answer, episode.outcome.error) == (answer, "")
