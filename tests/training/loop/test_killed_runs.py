"""`kill -9` in each arrow, and another process goes on: the end is that of a run left alone."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("peft")

import training_runs
from sampled_rows import content

from symposia.episodes import EpisodeStore
from symposia.training.files import load_examples
from symposia.training.loop.journal import Journal

PLAYING = "episode:4"
"""While it collects. The engine of the process that goes on has read nothing yet, and what it would
else have taken over from an earlier prompt comes out with another rounding."""
MOMENTS = (PLAYING, "rows:0", "file:solver/0001", "update:1", "evaluate:1", "promote:0")
"""Before rows, a version, an update, an evaluation, a promotion are there."""
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="kills processes that it forked")


@pytest.fixture(scope="module")
def killed(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("killed")
    tests = Path(training_runs.__file__).parent
    ended = subprocess.run(
        [sys.executable, str(tests / "training_runs.py"), str(root), "whole", *MOMENTS],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tests), *filter(None, sys.path)])},
    )
    assert not ended.returncode, ended.stderr[-3000:]
    return root


def folders(root: Path, moments=MOMENTS) -> list[Path]:
    return [root / moment.replace("/", "-") for moment in moments]


def test_weights_curves_and_decisions_are_byte_by_byte_those_of_a_run_left_alone(killed):
    whole = killed / "whole"
    assert len(content(whole / "versions")) > 6
    for folder in folders(killed, MOMENTS[1:]):
        assert content(folder / "versions") == content(whole / "versions"), folder.name
        assert (folder / "metrics.jsonl").read_text() == (whole / "metrics.jsonl").read_text()
        kept = {name: held for name, held in content(folder).items() if name.endswith(".json")}
        wanted = {name: held for name, held in content(whole).items() if name.endswith(".json")}
        assert kept == wanted, folder.name
        assert not list(folder.rglob("*.part"))


def test_every_episode_is_played_and_kept_once(killed):
    expected = Counter((killed / "whole.played").read_text().splitlines())
    assert set(expected.values()) == {1}
    assert len(expected) == 3 + 2 * 4
    for folder in folders(killed):
        played = Counter(folder.with_suffix(".played").read_text().splitlines())
        assert played == expected, folder.name
        with EpisodeStore(folder) as store:
            runs = {name.split("/")[0] for name in expected}
            stored = [f"{e.run}/{e.task}/{e.attempt}" for run in runs for e in store.episodes(run)]
        assert sorted(stored) == sorted(expected)


def test_rows_are_the_same_but_for_the_names_of_turns(killed):
    def rows(folder: Path):
        return [row for file in sorted(folder.rglob("*.npz")) for row in load_examples(file)]

    whole = rows(killed / "whole")
    assert len(whole) == 8
    for folder in folders(killed):
        for row, wanted in zip(rows(folder), whole, strict=True):
            assert row.old_logprobs == pytest.approx(wanted.old_logprobs, abs=1e-5)
            old = wanted.old_logprobs if folder.name == PLAYING else row.old_logprobs
            assert replace(row, turns=wanted.turns, old_logprobs=old) == wanted


def test_a_run_that_is_done_only_reports(killed):
    before = content(killed / "whole")
    training_runs.run(killed / "whole", runner=_nobody_plays(training_runs))
    assert {n: c for n, c in content(killed / "whole").items() if "episodes" not in n} == {
        n: c for n, c in before.items() if "episodes" not in n
    }


def _nobody_plays(_):
    from symposia.benchmarks import evaluate

    async def runner(team, environment, *, store, run, **options):
        held = len(list(store.episodes(run)))
        report = await evaluate(team, environment, store=store, run=run, **options)
        assert len(list(store.episodes(run))) == held > 0
        return report

    return runner


def test_curves_have_no_line_twice_and_no_torn_line(tmp_path):
    journal = Journal(tmp_path, {"a": 1})
    journal.note("update", 0, policy="one", loss=1.0)
    journal.note("update", 0, policy="two", loss=1.5)
    whole = (tmp_path / "metrics.jsonl").read_bytes()
    (tmp_path / "metrics.jsonl").write_bytes(whole + b'{"arrow": "eval')
    again = Journal(tmp_path, {"a": 1})
    assert (tmp_path / "metrics.jsonl").read_bytes() == whole
    again.note("update", 0, policy="one", loss=1.0)
    assert (tmp_path / "metrics.jsonl").read_bytes() == whole
    again.note("evaluate", 1, score=0.5)
    assert len((tmp_path / "metrics.jsonl").read_text().splitlines()) == 3
