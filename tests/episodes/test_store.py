from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symposia.episodes import (
    Episode,
    EpisodeStore,
    Outcome,
    Step,
    Tokens,
    ToolCall,
    Turn,
    Usage,
    export,
    manifest,
    to_markdown,
)


def turn(position: int, history: tuple[dict[str, str], ...] = ()) -> Turn:
    return Turn(
        id=f"turn{position}",
        parent=f"turn{position - 1}" if position else None,
        agent="actor",
        messages=history,
        reply={"role": "assistant", "content": f"reply {position}"},
        parsed={"answer": str(position)},
        tokens=Tokens((1, 2, 3), (4, 5), (-0.1, -1e-7)),
        prompt_tokens=3,
        completion_tokens=2,
        seconds=0.25,
        finish="stop",
    )


def an_episode(run: str = "r", task: str = "t", attempt: int = 0, turns: int = 3) -> Episode:
    history: tuple[dict[str, str], ...] = ({"role": "user", "content": f"go {task}"},)
    made = []
    for i in range(turns):
        made.append(turn(i, history))
        history = (*history, {"role": "assistant", "content": f"reply {i}"})
    return Episode(
        run=run,
        task=task,
        attempt=attempt,
        kind="easy",
        team="solo",
        seed=7,
        prompt=f"go {task}",
        answer="42",
        turns=tuple(made),
        steps=(Step("look", "a room", 0.5, True, ("look", "wait"), after="turn0"),),
        tools=(ToolCall("add", "{}", "3"),),
        usage={"actor": Usage(calls=3, prompt_tokens=9, completion_tokens=6)},
        outcome=Outcome(0.5, False, "failed", {"f1": 0.25}),
        started=1.5,
        seconds=2.5,
    )


def test_an_episode_comes_back_exactly(tmp_path: Path) -> None:
    with EpisodeStore(tmp_path) as store:
        store.begin("r", {})
        store.add(an_episode())
        assert store.episode("r", "t") == an_episode()
    with EpisodeStore(tmp_path) as again:
        assert list(again.episodes("r")) == [an_episode()]


@settings(max_examples=30)
@given(
    text=st.text(),
    ids=st.lists(st.integers(0, 2**31 - 1), max_size=5),
    logprob=st.floats(max_value=0, allow_nan=False),
)
def test_any_text_and_any_tokens_come_back_exactly(
    tmp_path_factory: pytest.TempPathFactory, text: str, ids: list[int], logprob: float
) -> None:
    spoken = Turn(
        id="1",
        agent=text,
        messages=({"role": "user", "content": text},),
        reply={"role": "assistant", "content": text},
        tokens=Tokens(tuple(ids), tuple(ids), (logprob,) * len(ids)),
    )
    if "\x00" in text or any("\ud800" <= c <= "\udfff" for c in text):
        return
    whole = Episode(run="r", task=text, turns=(spoken,))
    with EpisodeStore(tmp_path_factory.mktemp("store")) as store:
        store.add(whole)
        assert store.episode("r", text) == whole


def test_the_first_episode_of_a_name_stays(tmp_path: Path) -> None:
    with EpisodeStore(tmp_path) as store:
        assert store.add(an_episode(turns=3))
        assert not store.add(an_episode(turns=1))
        assert store.add(an_episode(attempt=1))
        assert len(store.episode("r", "t").turns) == 3
        assert store.finished("r") == {("t", 0), ("t", 1)}


def test_a_message_that_many_turns_repeat_is_stored_once(tmp_path: Path) -> None:
    with EpisodeStore(tmp_path) as store:
        store.add(an_episode(turns=50))
        (count,) = sqlite3.connect(store.path).execute("SELECT count(*) FROM messages").fetchone()
    assert count == 50


def test_a_run_cannot_be_resumed_with_another_config(tmp_path: Path) -> None:
    with EpisodeStore(tmp_path) as store:
        store.begin("r", manifest({"seed": 1, "model": "tiny"}))
        store.begin("r", manifest({"seed": 1, "model": "tiny"}))
        with pytest.raises(ValueError, match="seed: 1 then, 2 now"):
            store.begin("r", manifest({"seed": 2, "model": "tiny"}))
        assert store.manifest("r")["config"]["seed"] == 1
        with pytest.raises(KeyError, match="there are: r"):
            store.manifest("other")


WRITER = """
import sys
sys.path.insert(0, sys.argv[4])
from test_store import an_episode
from symposia.episodes import EpisodeStore
with EpisodeStore(sys.argv[1]) as store:
    for i in range(int(sys.argv[3])):
        store.add(an_episode(task=f"{sys.argv[2]}{i}", turns=2))
        store.add(an_episode(task=f"shared{i}", turns=2))
"""


def test_two_processes_write_one_store_and_nothing_is_lost(tmp_path: Path) -> None:
    here = str(Path(__file__).parent)
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), name, "60", here])
        for name in ("a", "b")
    ]
    assert [w.wait(timeout=60) for w in writers] == [0, 0]
    with EpisodeStore(tmp_path) as store:
        finished = store.finished("r")
        assert len(finished) == 180
        assert all(len(e.turns) == 2 for e in store.episodes("r"))


def test_export_to_json_lines_and_parquet(tmp_path: Path) -> None:
    pq = pytest.importorskip("pyarrow.parquet", reason="needs the view extra")
    episodes = [an_episode(task="a"), an_episode(task="b")]
    assert export(episodes, tmp_path / "out.jsonl") == 2
    lines = (tmp_path / "out.jsonl").read_text().splitlines()
    assert json.loads(lines[1])["turns"][0]["tokens"]["completion_ids"] == [4, 5]
    assert export(episodes, tmp_path / "out.parquet") == 2
    rows = pq.read_table(tmp_path / "out.parquet").to_pylist()
    assert len(rows) == 6
    assert rows[0]["completion_ids"] == [4, 5]
    assert json.loads(rows[1]["messages"])[0]["content"] == "go a"
    with pytest.raises(ValueError, match=r"\.jsonl or \.parquet"):
        export(episodes, tmp_path / "out.csv")


def test_markdown_tells_the_episode() -> None:
    page = to_markdown(an_episode())
    for part in ("# t", "not solved", "reply 1", "`> look`", "a room", "**Answer:** 42"):
        assert part in page


def test_markdown_tells_branches_apart() -> None:
    page = to_markdown(Episode(run="r", task="t", turns=(turn(0), replace(turn(1), branch="1/0"))))
    assert "**actor**:" in page
    assert "**actor**, branch 1/0:" in page


@pytest.mark.parametrize(
    ("outcome", "told"),
    [
        (Outcome(stop="answered"), "**not scored** (answered)"),
        (Outcome(score=1.0, success=True), "**solved** (score 1, no reason given)"),
        (Outcome(error="no such game"), "**not solved** (score 0, no reason given)"),
    ],
)
def test_markdown_calls_nothing_unsolved_that_no_world_scored(outcome: Outcome, told: str) -> None:
    assert told in to_markdown(Episode(run="r", task="t", outcome=outcome))


def test_markdown_shows_blocks_and_tools_in_the_order_of_time() -> None:
    look = {"type": "function", "id": "1", "function": {"name": "look", "arguments": '{"at": 1}'}}
    blocks = [{"type": "text", "text": "I see"}, {"type": "image_url", "image_url": {"url": "x"}}]
    page = to_markdown(
        Episode(
            run="r",
            task="t",
            turns=(
                Turn("1", "eye", (), {"role": "assistant", "content": None, "tool_calls": [look]}),
                Turn("2", "eye", (), {"role": "assistant", "content": blocks}, started=2.0),
            ),
            tools=(ToolCall("look", "{'at': 1}", "a room", started=1.0),),
        )
    )
    parts = ['look({"at": 1})', "look({'at': 1})", "a room", "I see", "[image_url]"]
    assert [page.count(part) for part in parts] == [1] * len(parts)
    assert sorted(parts, key=page.index) == parts


def test_a_reader_does_not_make_a_store(tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere", tmp_path / "no.db"):
        with pytest.raises(FileNotFoundError, match=rf"no episode store at {path}.*; give the"):
            EpisodeStore(path, create=False)
        assert not path.exists()
    EpisodeStore(tmp_path).close()
    with EpisodeStore(tmp_path, create=False) as store:
        assert store.runs() == []


def test_outcomes_and_tokens_refuse_nonsense() -> None:
    with pytest.raises(ValueError, match=r"1\.5"):
        Outcome(score=1.5)
    with pytest.raises(ValueError, match="2 completion tokens, but 1"):
        Tokens((1,), (1, 2), (-0.5,))


def test_a_store_is_read_where_nothing_can_be_written(tmp_path: Path) -> None:
    with EpisodeStore(tmp_path) as store:
        store.begin("r", manifest({}))
        store.add(an_episode("r", "t"))
    before = store.path.read_bytes()
    store.path.chmod(0o444)
    with EpisodeStore(tmp_path, create=False) as reader:
        assert reader.runs() == ["r"]
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            reader.remove("r", "t")
    assert store.path.read_bytes() == before


@pytest.mark.parametrize("create", [True, False])
def test_a_file_that_is_no_store_is_named(tmp_path: Path, create: bool) -> None:
    (tmp_path / "episodes.db").write_bytes(b"rubbish" * 1000)
    with pytest.raises(ValueError, match=r"episodes\.db is damaged, or no episode store"):
        EpisodeStore(tmp_path, create=create)
