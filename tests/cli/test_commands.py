from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from symposia.cli.app import app
from symposia.episodes import Episode, EpisodeStore

UP = "<action>up</action>"
COUNTER = "worlds:Counter"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments])


@pytest.fixture
def script(tmp_path: Path) -> str:
    (tmp_path / "script.txt").write_text(f"{UP}\n" * 50)
    return f"scripted:{tmp_path}/script.txt"


def test_ask_shows_who_said_what(tmp_path: Path) -> None:
    (tmp_path / "s.txt").write_text(
        "<answer>4</answer>\n<verdict>correct</verdict>\n<decision>accept</decision>\n"
    )
    result = run("ask", "2 + 2?", "--team", "refine", "--model", f"scripted:{tmp_path}/s.txt")
    assert result.exit_code == 0
    for part in ("**actor**", "**critic**", "**judge**", "**Answer:** 4"):
        assert part in result.stdout


def test_bench_reports_stores_and_resumes(tmp_path: Path, script: str) -> None:
    arguments = ("bench", COUNTER, "--model", script, "--store", tmp_path / "runs", "--run", "r")
    first = run(*arguments, "--html", tmp_path / "r.html")
    assert first.exit_code == 0, first.output
    assert "4/4" in first.stdout
    assert "<svg" in (tmp_path / "r.html").read_text()
    again = run(*arguments, "--json")
    assert json.loads(again.stdout)["summary"]["successes"] == 4
    with EpisodeStore(tmp_path / "runs") as store:
        assert store.manifest("r")["config"]["model"] == script
    out = tmp_path / "out.jsonl"
    assert run("export", tmp_path / "runs", "r", out).exit_code == 0
    assert len(out.read_text().splitlines()) == 4


def test_bench_does_not_resume_with_other_settings(
    tmp_path: Path, script: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("silent.py").write_text(
        "import worlds\nclass Silent(worlds.Counter):\n    options = {}  # tells nothing\n"
    )
    arguments = ("bench", "silent:Silent", "--model", script, "--run", "r", "-o")
    assert run(*arguments, "goal=1").exit_code == 0
    assert run(*arguments, "goal=1").exit_code == 0
    other = run(*arguments, "goal=2")
    assert other.exit_code == 2
    assert "settings" in other.stderr
    with EpisodeStore("runs") as store:
        assert store.manifest("r")["config"]["settings"] == {"goal": 1}


@pytest.mark.parametrize("page", ["nowhere/r.html", "folder"])
def test_bench_refuses_a_page_that_cannot_be_written_before_it_starts(
    tmp_path: Path, script: str, page: str
) -> None:
    (tmp_path / "folder").mkdir()
    store = tmp_path / "runs"
    result = run("bench", COUNTER, "--model", script, "--store", store, "--html", tmp_path / page)
    assert result.exit_code == 2
    assert f"cannot write {tmp_path / page}" in result.stderr.replace("\n", "")
    assert not store.exists()


def test_bench_refuses_a_page_without_its_packages_before_it_starts(
    tmp_path: Path, script: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)
    monkeypatch.chdir(tmp_path)
    result = run("bench", COUNTER, "--model", script, "--html", "r.html")
    assert result.exit_code == 2
    assert 'r.html needs jinja2: pip install "symposia[view]"' in result.stderr
    assert not Path("runs").exists()


def symposia(*arguments: str, folder: Path, stdout: int) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, whose path does not begin with the current folder."""
    command = [sys.executable, "-P", "-m", "symposia", *arguments]
    return subprocess.run(command, cwd=folder, stdout=stdout, stderr=subprocess.PIPE, text=True)


def test_modules_in_the_current_folder_do_not_stand_in_for_the_librarys(tmp_path: Path) -> None:
    (tmp_path / "this.py").write_text("raise SystemExit('shadowed')")
    (tmp_path / "mine.py").write_text("import this\nraise ValueError('mine is found')")
    mine = symposia("play", "mine:World", folder=tmp_path, stdout=subprocess.DEVNULL)
    assert (mine.returncode, mine.stderr) == (2, "error: mine is found\n")


def test_play_ends_quietly_when_nobody_reads_on(tmp_path: Path) -> None:
    (tmp_path / "actions.txt").write_text("up\n")
    reader, writer = os.pipe()
    os.close(reader)
    arguments = ("play", COUNTER, "--json", "--actions", f"{tmp_path}/actions.txt")
    result = symposia(*arguments, folder=Path(__file__).parents[1], stdout=writer)
    os.close(writer)
    assert (result.returncode, result.stderr) == (1, "")


def test_play_prints_json_lines_with_the_reset_first(tmp_path: Path) -> None:
    (tmp_path / "actions.txt").write_text("down\n\nup\nup\nup\n")
    result = run("play", COUNTER, "--task", 1, "--actions", tmp_path / "actions.txt", "--json")
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line["action"] for line in lines] == [None, "down", "up", "up"]
    assert lines[0] == {
        "action": None,
        "text": "Count to 2.",
        "admissible": ["up", "down"],
        "reward": 0.0,
        "done": False,
    }
    assert (lines[-1]["reward"], lines[-1]["done"]) == (1.0, True)


def test_scripted_play_tells_the_reward_at_its_end(tmp_path: Path) -> None:
    (tmp_path / "actions.txt").write_text("up\nup\n")
    result = run("play", COUNTER, "--task", 1, "--actions", tmp_path / "actions.txt")
    assert result.stdout.endswith("The end. Reward 1.\n")


def test_play_is_a_game_without_actions() -> None:
    result = CliRunner().invoke(app, ["play", COUNTER], input="?\nup\nup\n")
    assert "? lists what can be done" in result.stdout
    assert "down" in result.stdout
    assert "The end. Reward 1." in result.stdout


def test_draw_writes_mermaid_and_png(tmp_path: Path) -> None:
    assert "draft" in run("draw", "refine").stdout
    result = run("draw", "act-refine", "--png", tmp_path / "t.png", "--mermaid", tmp_path / "t.mmd")
    assert result.exit_code == 0
    assert (tmp_path / "t.png").read_bytes().startswith(b"\x89PNG")
    assert "policy" in (tmp_path / "t.mmd").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("bench", "chess"), "unknown environment 'chess'; there are: alfworld"),
        (("bench", COUNTER, "--model", "gpt"), "unknown model 'gpt'; there are: tiny"),
        (("bench", COUNTER, "--split", "moon"), "unknown split 'moon'; there are: all"),
        (("bench", COUNTER, "--team", "x"), "unknown team 'x'; there are: answer, refine"),
        (("bench", COUNTER, "--team", "worlds:x"), "worlds has no function 'x'"),
        (("ask", "x", "--team", "no_such:x"), "no team at 'no_such:x': No module named"),
        (("draw", ":x"), "your own is named as module:function"),
        (("bench", COUNTER, "--team", "refine"), "needs one that acts: act, act-refine"),
        (("bench", COUNTER, "-o", "goal"), "write it as name=value"),
        (("bench", COUNTER, "--temperature", "1"), "temperature=1.0: this model has no such"),
        (("ask", "x", "--temperature", "-1"), "temperature=-1.0: Input should be greater than"),
        (("bench", COUNTER, "-o", "x=1"), "its options are: episodes, goal, delay"),
        (("play", ".x:Foo"), "unknown environment '.x:Foo'"),
        (("draw", "act", "--png", "nowhere/x.png"), "cannot write nowhere/x.png"),
        (("bench", COUNTER, "--max-calls", "-1"), "a budget cannot be negative: calls=-1"),
        (("bench", COUNTER, "--max-tool-calls", "-1"), "be negative: tool_calls=-1"),
        (("bench", COUNTER, "--workers", "2"), "counter runs in this process"),
        (("ask", "x", "--team", "act"), "for questions there are: answer, refine"),
        (("play", COUNTER, "--task", "99"), "give an index below 4"),
        (("play", COUNTER, "--json"), "add --actions FILE"),
        (("play", "worlds:Broken"), "/games/broken.json: not JSON"),
        (("draw", "x"), "unknown team 'x'"),
        (("export", "nowhere", "r", "o.jsonl"), "no episode store at nowhere/episodes.db"),
        (("export", "bad.db", "r", "o.jsonl"), "bad.db is damaged, or no episode store"),
        (("ask", "x", "--model", "openai:gpt-5-mini"), "OPENAI_API_KEY"),
    ],
)
def test_bad_input_is_one_clear_line(
    arguments: tuple[str, ...],
    message: str,
    script: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    Path("bad.db").write_text("this is not a database")
    extra = ("--model", script) if arguments[0] == "bench" and "--model" not in arguments else ()
    result = run(*arguments, *extra)
    assert result.exit_code == 2
    assert message in result.stderr.replace("\n", " ")
    assert "Traceback" not in result.output
    assert not Path("nowhere").exists()


def test_of_errors_in_a_group_the_first_is_shown(
    tmp_path: Path, script: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(store: EpisodeStore, episode: Episode) -> bool:
        raise OSError("the disk is full")

    monkeypatch.setattr(EpisodeStore, "add", refuse)
    result = run("bench", COUNTER, "--model", script, "--store", tmp_path)
    assert (result.exit_code, "error: the disk is full\n" in result.stderr) == (2, True)


@pytest.mark.parametrize("name", ["[bold]x", "[/]", ":smile:"])
def test_names_that_look_like_markup_are_printed_as_they_are(
    tmp_path: Path, script: str, name: str
) -> None:
    game = ("-o", f'tag="{name}"')
    store = ("--store", tmp_path)
    benched = run("bench", "worlds:Tagged", *game, "--model", script, *store, "--run", name)
    assert benched.exit_code == 0, benched.output
    assert f"run {name} in" in benched.stdout
    assert f"act on tagged {name}" in benched.stdout
    assert any(line.split()[:1] == [name] for line in benched.stdout.splitlines())
    actions = tmp_path / name.replace("/", "")
    actions.write_text(name)
    played = run("play", "worlds:Tagged", *game, "--actions", actions)
    assert f"> {name}" in played.stdout
    assert f"Count {name}." in played.stdout


def test_bench_passes_the_limit_of_actions_on(tmp_path: Path, script: str) -> None:
    arguments = ("--model", script, "--store", tmp_path, "--max-tool-calls", 1, "--json")
    report = json.loads(run("bench", COUNTER, *arguments).stdout)
    assert report["stops"] == {"budget of 1 tool calls is spent": 4}


def test_lists_are_json_when_asked() -> None:
    assert {t["name"] for t in json.loads(run("teams", "--json").stdout)} >= {"act", "refine"}
    systems = json.loads(run("systems", "--json").stdout)
    assert {"title", "arxiv", "kind", "module", "test"} <= set(systems[0])
    assert json.loads(run("doctor", "--json").stdout)


def test_every_command_has_help_with_words() -> None:
    for command in ("ask", "bench", "play", "draw", "teams", "doctor", "systems", "export"):
        result = run(command, "--help")
        assert result.exit_code == 0
        assert "Usage" in result.stdout


def test_bench_fails_when_every_episode_ended_in_an_error(tmp_path: Path) -> None:
    (tmp_path / "s.txt").write_text("")
    model = f"scripted:{tmp_path}/s.txt"
    result = run("bench", COUNTER, "--model", model, "--store", tmp_path / "runs")
    assert result.exit_code == 1
    assert "4 of 4 episodes ended in an error" in result.stdout


def test_ask_replays_a_cassette_and_refuses_money_limits_without_prices(tmp_path: Path) -> None:
    (tmp_path / "s.txt").write_text("<answer>4</answer>\n")
    tape = tmp_path / "calls.jsonl"
    asked = ("ask", "2 + 2?", "--model", f"scripted:{tmp_path}/s.txt", "--cassette", tape)
    assert run(*asked).exit_code == 0
    (tmp_path / "s.txt").unlink()
    assert "**Answer:** 4" in run(*asked, "--replay").stdout
    assert "the cost of 's.txt' is unknown" in run(*asked, "--replay", "--max-cost", 1).output
    (tmp_path / "p.json").write_text('{"s.txt": {"input": 0, "output": 1}}')
    priced = run(*asked, "--replay", "--max-cost", 1, "--prices", tmp_path / "p.json")
    assert priced.exit_code == 0
    assert "add --cassette" in run("ask", "?", "--replay").output


@pytest.mark.parametrize("limit", ["--max-cost", "--run-cost"])
def test_bench_refuses_money_limits_without_prices_before_any_call(
    limit: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "s.txt").write_text(f"{UP}\n" * 9)
    arguments = ("--model", f"scripted:{tmp_path}/s.txt", "--store", tmp_path / "runs", limit, 1)
    result = run("bench", COUNTER, *arguments)
    assert result.exit_code == 2
    assert (
        result.output.count("the cost of 's.txt' is unknown") == 1 and "--prices" in result.output
    )
    assert not caplog.records
    assert not (tmp_path / "runs").exists()


def test_a_replay_that_lacks_a_reply_says_how_to_record_it(tmp_path: Path) -> None:
    (tmp_path / "s.txt").write_text("<answer>4</answer>\n")
    tape = ("--model", f"scripted:{tmp_path}/s.txt", "--cassette", tmp_path / "calls.jsonl")
    assert "leave out --replay" in run("ask", "2 + 2?", *tape, "--replay").output
    assert run("ask", "2 + 2?", *tape).exit_code == 0
    missed = run("ask", "3 + 3?", *tape, "--replay")
    assert missed.exit_code == 1 and "leave out --replay" in missed.output


def test_bench_lets_the_worlds_own_expert_play_without_a_model(tmp_path: Path) -> None:
    game = ("bench", "textcraft", "--limit", 3, "--store", tmp_path)
    for team, more in (("expert", ()), ("planner", ()), ("expert", ("-o", "expert=planner"))):
        report = json.loads(
            run(*game, "--team", team, *more, "--run", f"{team}{more}", "--json").stdout
        )
        assert report["summary"]["successes"] == 3
        assert report["summary"]["calls"] == 0
        assert report["manifest"]["config"]["model"] == "none"
        assert report["manifest"]["config"]["options"]["expert"] == "planner"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((COUNTER, "--team", "expert"), "counter has no expert; it has: none"),
        ((COUNTER, "--team", "planner"), "counter has no planner expert; it has: none"),
        (("textcraft", "--team", "expert", "--model", "scripted:x"), "asks no model"),
        (("textcraft", "--team", "expert", "--temperature", 1), "asks no model"),
        (("textcraft", "-o", "expert=oracle", "--team", "expert"), "textcraft has planner"),
        (("alfworld", "-o", "expert=search", "--team", "planner"), "says expert=search"),
    ],
)
def test_bench_refuses_an_expert_that_is_not_there(
    arguments: tuple[object, ...], message: str, tmp_path: Path
) -> None:
    result = run("bench", *arguments, "--store", tmp_path)
    assert result.exit_code == 2
    assert message in result.output


def test_questions_are_answered_and_worlds_are_acted_in_unless_a_team_is_named(tmp_path) -> None:
    for environment, team in (("arithmetic", "answer"), ("atlas", "act")):
        options = ["--limit", "1", "--store", str(tmp_path), "--json", "--max-calls", "1"]
        report = json.loads(run("bench", environment, *options).stdout)
        assert report["team"] == team


def test_an_episode_of_a_stored_run_is_shown_turn_by_turn(tmp_path) -> None:
    options = ["--limit", "2", "--store", str(tmp_path), "--run", "sums", "--max-tokens", "60"]
    run("bench", "arithmetic", *options)
    listed = json.loads(run("show", "sums", "--store", str(tmp_path), "--json").stdout)
    assert len(listed) == 2
    task = listed[0]["task"]
    assert task in run("show", "sums", "--store", str(tmp_path)).stdout
    shown = run("show", "sums", task, "--store", str(tmp_path)).stdout
    assert "**actor**" in shown and "**Answer:**" in shown
    long = "alfworld:" + "pick-heat-then-place-" * 6
    with EpisodeStore(tmp_path) as store:
        store.add(Episode(run="sums", task=long))
    page = run("show", "sums", "--store", str(tmp_path)).stdout
    told = "".join(line.split("│")[1].strip() for line in page.splitlines() if "│" in line)
    assert long in told  # whole, so that it can be given back
    missing = run("show", "sums", "no-such-task", "--store", str(tmp_path))
    assert missing.exit_code == 2 and "no episode of task 'no-such-task'" in missing.output


def test_a_team_of_your_own_is_asked_benched_and_drawn(
    script: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own_teams.py").write_text(
        "from symposia import Actor, ToolAgent, act, sample\n"
        "def thrice(model): return sample(Actor(model), 3, name='thrice')\n"
        "def climber(model): return act(ToolAgent(model), name='climber')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    asked = run("ask", "4 + 3?", "--team", "own_teams:thrice", "--model", script)
    assert asked.stdout.count("**actor**, branch") == 3
    options = ["--model", script, "--limit", "1", "--store", tmp_path, "--json"]
    benched = run("bench", COUNTER, "--team", "own_teams:climber", *options)
    report = json.loads(benched.stdout)
    assert report["team"] == "own_teams:climber"
    (row,) = json.loads(run("show", report["run"], "--store", tmp_path, "--json").stdout)
    assert row["success"]
    assert "answer" in run("draw", "own_teams:thrice").stdout
