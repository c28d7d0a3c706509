"""What a world tells beside its text: kept as JSON, without secrets, and within bounds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symposia.episodes import Episode, EpisodeStore, Observation, Outcome, Recorder, Task, export
from symposia.episodes.facts import LONGEST, in_words, kept

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda held: st.lists(held) | st.dictionaries(st.text(), held),
    max_leaves=20,
)


def recorded(info: dict[str, Any]) -> Episode:
    recorder = Recorder()
    recorder.on_step(None, Observation("a room"), 0.1)
    recorder.on_step("look", Observation("a wall", done=True, info=info), 0.1)
    return recorder.episode(Task("t", "?"), Outcome(), run="r")


@given(st.dictionaries(st.text() | st.integers(), values))
def test_whatever_a_world_tells_is_kept_as_json_of_bounded_length(info: dict[Any, Any]) -> None:
    found = kept(info)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert len(json.dumps(found)) <= LONGEST + 8 * len(found) + 2


def test_what_is_no_json_or_too_long_is_left_out_whole() -> None:
    told = {"parts": {"price": True}, "lock": object(), "odd": float("nan"), "long": "x" * 9999}
    assert kept({**told, "after": (1, 2)}) == {"parts": {"price": True}, "after": [1, 2]}


def test_secrets_are_not_kept() -> None:
    key = "sk-proj-abc123def456ghi789"
    info = {"api_key": "x", "note": f"used {key}", "deep": [{"token": "y", "said": key}]}
    assert kept(info) == {"note": "used [secret]", "deep": [{"said": "[secret]"}]}


def test_a_world_that_changes_its_info_later_does_not_change_the_record() -> None:
    info = {"parts": [1]}
    recorder = Recorder()
    recorder.on_step("look", Observation("a wall", info=info), 0.1)
    info["parts"].append(2)
    assert recorder.steps[0].info == {"parts": [1]}


def test_what_a_world_told_is_stored_exported_and_shown(tmp_path: Path) -> None:
    episode = recorded({"won": False, "steps": 1, "mistake": "wrong answer", "parts": {"f1": 0.5}})
    assert episode.steps[0].info == {}
    assert episode.steps[1].remarks == {"mistake": "wrong answer", "parts": {"f1": 0.5}}
    with EpisodeStore(tmp_path) as store:
        store.begin("r", {})
        store.add(episode)
        assert store.episode("r", "t") == episode
        export(store.episodes("r"), tmp_path / "e.jsonl")
    written = json.loads((tmp_path / "e.jsonl").read_text())
    assert written["steps"][1]["info"]["mistake"] == "wrong answer"
    assert in_words(episode.steps[1].remarks) == 'mistake: wrong answer · parts: {"f1": 0.5}'


def test_a_store_from_before_steps_had_info_is_read(tmp_path: Path) -> None:
    with EpisodeStore(tmp_path) as store:
        store.begin("r", {})
        store.add(recorded({"mistake": "wrong answer"}))
        (row,) = store._read("SELECT steps FROM episodes")
        steps = json.loads(row[0])
        for step in steps:
            del step["info"]
        store._db.execute("UPDATE episodes SET steps = ?", (json.dumps(steps),))
        assert [step.info for step in store.episode("r", "t").steps] == [{}, {}]


@pytest.mark.parametrize("text", ["two\nlines", "half \ud800"])
def test_facts_of_any_text_come_back_from_the_store(text: str, tmp_path: Path) -> None:
    with EpisodeStore(tmp_path) as store:
        store.begin("r", {})
        store.add(recorded({"said": text}))
        assert store.episode("r", "t").steps[1].info == {"said": text}
