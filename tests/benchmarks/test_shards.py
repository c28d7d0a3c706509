from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter as Tally
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from worlds import Counter

import symposia
from symposia.agents import ToolAgent
from symposia.benchmarks import Report, Shard, evaluate, merge
from symposia.episodes import EpisodeStore, Task
from symposia.graphs import act
from symposia.models import ScriptedModel

UP = "<action>up</action>"


async def play(store: EpisodeStore, shard: str | None, reply: str = UP, **options: Any) -> Report:
    return await evaluate(
        act(ToolAgent(ScriptedModel(lambda messages: reply))),
        options.pop("world", Counter(episodes=7)),
        shard=Shard.parse(shard) if shard else None,
        store=store,
        progress=False,
        **{"run": "whole"} | options,
    )


def names(report: Report) -> list[tuple[str, int]]:
    return sorted((row.task, row.attempt) for row in report.rows)


@given(count=st.integers(1, 60), of=st.integers(1, 12))
def test_shards_are_a_partition_that_differs_by_one_task_at_most(count: int, of: int) -> None:
    tasks = [Task(f"t{i}", "x") for i in range(count)]
    if count < of:
        with pytest.raises(ValueError, match=f"{count} tasks cannot be cut into {of} shards"):
            Shard(1, of).take(tasks)
        return
    parts = [Shard(part, of).take(tasks) for part in range(1, of + 1)]
    assert sorted(task.id for part in parts for task in part) == sorted(t.id for t in tasks)
    sizes = [len(part) for part in parts]
    assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize("text", ["0/3", "4/3", "1/0"])
def test_parts_that_do_not_exist_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=f"shard {text}: parts are counted from 1"):
        Shard.parse(text)


@pytest.mark.parametrize("text", ["3", "a/b", "-1/3", "1/2/3", "1.5/3", ""])
def test_a_shard_is_written_as_part_of_parts(text: str) -> None:
    with pytest.raises(ValueError, match="write it as part/parts, for example 3/8"):
        Shard.parse(text)


async def test_merged_shards_are_the_whole_run(tmp_path: Path) -> None:
    with EpisodeStore(tmp_path / "one") as one, EpisodeStore(tmp_path / "parts") as parts:
        whole = await play(one, None, attempts=2)
        for part in (1, 2, 3):
            report = await play(parts, f"{part}/3", attempts=2)
            assert report.run == f"whole-{part}of3"
            shard = report.manifest["config"]["shard"]
            assert (shard["part"], shard["of"], shard["run"]) == (part, 3, "whole")
        (merged,) = merge([parts], parts)
        assert (merged.run, merged.added, merged.known, merged.missing) == ("whole", 14, 0, [])
        together = Report.stored(parts, "whole")
        assert names(together) == names(whole)
        seeds = {(e.task, e.attempt): e.seed for e in one.episodes("whole")}
        assert {(e.task, e.attempt): e.seed for e in parts.episodes("whole")} == seeds
        assert "shard" not in together.manifest["config"]
        assert [part["shard"]["part"] for part in together.manifest["merged"]] == [1, 2, 3]


async def test_a_merged_run_goes_on_where_a_shard_is_missing(tmp_path: Path) -> None:
    stores = [EpisodeStore(tmp_path / name) for name in ("a", "b", "all")]
    await play(stores[0], "1/3")
    await play(stores[1], "3/3")
    (merged,) = merge(stores[:2], stores[2])
    assert (merged.added, merged.missing) == (5, ["2/3"])
    report = await play(stores[2], None)
    assert len(report.rows) == 7
    assert stores[2].finished("whole") == {(f"counter:{i}", 0) for i in range(7)}


async def test_what_two_sources_have_is_taken_once_and_merging_again_adds_nothing(
    tmp_path: Path,
) -> None:
    stores = [EpisodeStore(tmp_path / name) for name in ("a", "b", "all")]
    for store in stores[:2]:
        await play(store, "1/2")
    (merged,) = merge(stores[:2], stores[2])
    assert (merged.added, merged.known) == (4, 4)
    (again,) = merge(stores[:2], stores[2])
    assert (again.added, again.known) == (0, 8)
    assert len(list(stores[2].episodes("whole"))) == 4


async def test_an_episode_that_an_error_ended_gives_way_to_one_that_was_played(
    tmp_path: Path,
) -> None:
    stores = [EpisodeStore(tmp_path / name) for name in ("a", "b", "all")]
    await play(stores[0], "1/2", reply="<action>raise</action>")
    merge(stores[:1], stores[2])
    assert len(Report.stored(stores[2], "whole").errors) == 4
    await play(stores[1], "1/2")
    merge(stores[:2], stores[2])
    report = Report.stored(stores[2], "whole")
    assert (len(report.rows), report.errors) == (4, [])
    merge(stores[:1], stores[2])
    assert Report.stored(stores[2], "whole").errors == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seed": 1}, "seed: 0 and 1"),
        ({"world": Counter(episodes=7, goal=3)}, "options: .*'goal': 2.* and .*'goal': 3"),
        ({"limit": 6}, "tasks: '[0-9a-f]+' and '[0-9a-f]+'"),
        ({"shard": "2/4"}, "of: 3 and 4"),
    ],
)
async def test_parts_of_different_runs_are_refused_and_nothing_is_written(
    tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    stores = [EpisodeStore(tmp_path / name) for name in ("a", "b", "all")]
    await play(stores[0], "1/3")
    await play(stores[1], **{"shard": "2/3"} | options)
    with pytest.raises(ValueError, match=f"are not parts of one run 'whole' .*{message}"):
        merge(stores[:2], stores[2])
    assert stores[2].runs() == []


async def test_other_versions_are_merged_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with EpisodeStore(tmp_path / "a") as store:
        await play(store, "1/2")
        await play(store, "2/2")
        about = store.manifest("whole-2of2")
        store._db.execute(
            "UPDATE runs SET manifest = ? WHERE run = 'whole-2of2'",
            (json.dumps(about | {"git": "another"}),),
        )
        merge([store], store)
    assert "other versions of git" in caplog.text


async def test_stores_without_shards_have_nothing_to_merge(tmp_path: Path) -> None:
    with EpisodeStore(tmp_path / "a") as store:
        await play(store, None)
        with pytest.raises(ValueError, match="nothing to merge: no shard in the stores"):
            merge([store], store)
        await play(store, "1/2")
        with pytest.raises(ValueError, match="no shard of run 'x'"):
            merge([store], store, run="x")
        with pytest.raises(ValueError, match="7 tasks cannot be cut into 8 shards"):
            await play(store, "1/8")


async def test_halves_of_one_run_on_two_machines_are_merged_as_well(tmp_path: Path) -> None:
    stores = [EpisodeStore(tmp_path / name) for name in ("a", "b")]
    await play(stores[0], None, limit=3)
    await play(stores[1], None, limit=5)
    (merged,) = merge(stores[:1], stores[1])
    assert (merged.added, merged.known) == (0, 3)
    only = replace(next(stores[1].episodes("whole")), task="counter:6", run="whole")
    stores[0].add(only)
    assert merge(stores[:1], stores[1])[0].added == 1


EPISODES = 60


def bench(store: Path, shard: str) -> list[str]:
    return [
        *(sys.executable, "-m", "symposia", "bench", "worlds:RemoteCounter", "--run", "crash"),
        *("--model", f"scripted:{store.parent}/script.txt", "--store", str(store), "--json"),
        *("--concurrency", "2", "--shard", shard),
        *("-o", f"episodes={EPISODES}", "-o", "delay=0.03"),
    ]


def stored(path: Path, run: str) -> int:
    if not (path / "episodes.db").exists():
        return 0
    with EpisodeStore(path) as store:
        return len(store.finished(run))


def test_shards_that_are_killed_go_on_and_merge_without_loss_or_repetition(tmp_path: Path) -> None:
    """Both write to one store at the same time, and are killed in the middle."""
    (tmp_path / "script.txt").write_text(f"{UP}\n" * 1000)
    places = (Path(__file__).parents[1], Path(symposia.__file__).parents[1])
    environment = {"PYTHONPATH": os.pathsep.join(map(str, places)), "PATH": "/usr/bin:/bin"}
    together = tmp_path / "runs"

    def start(shard: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            bench(together, shard),
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    shards = {"1/2": "crash-1of2", "2/2": "crash-2of2"}
    killed = {shard: start(shard) for shard in shards}
    for shard, process in killed.items():
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and not stored(together, shards[shard]):
            assert process.poll() is None, "it ended before it could be killed"
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert process.returncode == -signal.SIGKILL
    before = {run: stored(together, run) for run in shards.values()}
    assert all(0 < count < EPISODES // 2 for count in before.values())
    for process in [start(shard) for shard in shards]:
        report = json.loads(process.communicate(timeout=120)[0])
        assert len(report["episodes"]) == EPISODES // 2
    with EpisodeStore(together) as store:
        (merged,) = merge([store], store)
        assert (merged.added, merged.known, merged.missing) == (EPISODES, 0, [])
        episodes = list(store.episodes("crash"))
    assert Tally(e.task for e in episodes) == {f"counter:{i}": 1 for i in range(EPISODES)}
    assert all(len(e.turns) == 2 for e in episodes)
