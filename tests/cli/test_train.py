from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
from stub_server import StubServer
from typer.testing import CliRunner, Result

pytest.importorskip("peft", reason="needs the train extra")

from symposia.cli.app import app
from symposia.cli.training import plan_of, serving_of
from symposia.episodes import Episode, EpisodeStore
from symposia.training.loop import Stage
from symposia.training.loop.recipe import Example
from symposia.training.recipes import RECIPES
from symposia.training.recipes.grpo import GRPO

SMALL = ("--tasks", 4, "--attempts", 4, "--test-tasks", 4, "--lora", 4)
HERE = Path(__file__).parents[1]


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments])


def train(folder: Path, *more: object, recipe: str = "grpo") -> Result:
    return run("train", recipe, "-b", "arithmetic", *SMALL, "--out", folder, *more)


class Interrupted(GRPO):
    """Somebody presses Ctrl-C when the first rows are to be built; the next time nobody does."""

    async def rows(self, episodes: Sequence[Episode], stage: Stage) -> Sequence[Example]:
        if not Path("pressed").exists():
            Path("pressed").touch()
            raise KeyboardInterrupt
        return await super().rows(episodes, stage)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    """A run of one iteration."""
    folder = tmp_path_factory.mktemp("trained") / "run"
    return folder, train(folder, "--iterations", 1, "--tensorboard")


@pytest.fixture
def copy(finished: tuple[Path, Result], tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished[0], tmp_path / "run"))


def test_a_run_trains_compares_and_leaves_a_page_and_a_card(
    finished: tuple[Path, Result],
) -> None:
    folder, result = finished
    assert result.exit_code == 0, result.output
    words = " ".join(result.stdout.split())
    assert "difference from before, on the same episodes" in words
    assert "tested after 1: mean score" in result.stderr
    page = (folder / "report.html").read_text()
    assert "grpo on arithmetic" in page
    assert "Iteration by iteration" in page
    assert "arithmetic:test/" in page  # an example
    assert page.count("<svg") > 5
    card = (folder / "versions/policy/0001/README.md").read_text()
    assert "2402.03300" in card
    assert "Paired difference" in card
    assert f"hf:{(folder / 'versions/policy/0001').resolve()}" in card


def test_what_was_trained_is_measured_by_its_folder(copy: Path, tmp_path: Path) -> None:
    model = f"hf:{copy}/versions/policy/0001"
    measured = run(
        "bench", "arithmetic", "--model", model, "--limit", 2, "--store", tmp_path, "--json"
    )
    assert measured.exit_code == 0, measured.output
    assert json.loads(measured.stdout)["summary"]["episodes"] == 2


def test_curves_are_written_for_tensorboard(finished: tuple[Path, Result]) -> None:
    loaded = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    events = loaded.EventAccumulator(str(finished[0] / "tensorboard"))
    events.Reload()
    assert [each.step for each in events.Scalars("score/test")] == [0, 1]
    assert events.Scalars("rows/policy")[0].value > 0
    assert events.Scalars("policy/mismatch")[0].value < 0.01


def test_a_run_that_ended_goes_on_with_more_iterations(copy: Path) -> None:
    begun = (copy / "iterations/0000/rows/policy.npz").stat().st_mtime_ns
    result = train(copy, "--iterations", 2, "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert [after for after, _ in told["scores"]] == [0, 1, 2]
    assert told["versions"]["policy"].endswith("0002")
    assert (copy / "iterations/0000/rows/policy.npz").stat().st_mtime_ns == begun
    with EpisodeStore(copy) as store:
        assert {"evaluate-0001", "evaluate-0002"} <= set(store.runs())
    assert told["cards"][0].endswith("policy/0002/README.md")


def test_a_folder_of_another_run_is_refused_with_what_differs(copy: Path) -> None:
    result = train(copy, "--iterations", 1, "--lr", 0.5)
    assert result.exit_code == 2
    assert "was begun otherwise" in result.stderr
    assert "'learning_rate': 0.5" in result.stderr


def test_a_run_that_was_interrupted_says_how_it_goes_on_and_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(HERE / "cli")
    arguments = ("--iterations", 1, "--test-tasks", 2)
    stopped = train(tmp_path / "run", *arguments, recipe="test_train:Interrupted")
    assert stopped.exit_code != 0
    assert "the same command goes on" in stopped.stderr
    assert not (tmp_path / "run/report.html").exists()
    again = train(tmp_path / "run", *arguments, recipe="test_train:Interrupted")
    assert again.exit_code == 0, again.output
    assert "tested after 0" not in again.stderr  # that was done
    assert (tmp_path / "run/report.html").exists()


def test_a_dry_run_says_what_it_would_cost_and_trains_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shown = run("train", "grpo", "-b", "arithmetic", "--iterations", 3, "--dry-run")
    assert shown.exit_code == 0, shown.output
    assert "outcome rewards" in shown.stdout
    assert "disk, at most" in shown.stdout
    small = ("--tasks", 4, "--attempts", 2, "--test-tasks", 10, "--lora", 8)
    told = json.loads(
        run("train", "grpo", "-b", "arithmetic", "--iterations", 3, *small, "--dry-run", "--json")
        .stdout
    )  # fmt: skip
    cost = told["estimate"]
    assert cost["learnt_from"]["episodes"] == 3 * 4 * 2
    assert cost["tests"]["episodes"] == (1 + 3 + 2) * 10
    assert cost["learnt_from"]["calls"] == 1
    assert cost["learnt_from"]["completion_tokens"] > 5
    assert cost["updates"] == 3
    assert cost["disk"] > 4 * cost["version_bytes"] > 4 * 12 * 8
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("grop", "-b", "arithmetic"), "unknown recipe 'grop'; there are: "),
        (("grpo", "-b", "arithmetik"), "unknown environment 'arithmetik'"),
        (("grpo", "-b", "arithmetic", "-o", "clip=2"), "its options are: acts, advantage"),
        (("grpo", "-b", "arithmetic", "-o", "kl"), "--option 'kl': write it as name=value"),
        (("grpo", "-b", "arithmetic", "-e", "games=3"), "no option 'games'"),
        (("grpo", "-b", "arithmetic", "-u", "rate=3"), "--update: it has no option 'rate'"),
        (("grpo", "-b", "worlds:Counter", "-o", "acts=false"), "recipe whose team acts"),
        (("grpo", "-b", "arithmetic", "--model", "openai:gpt-5"), "cannot be trained"),
        (("grpo", "-b", "arithmetic", "--model", "hf:nowhere"), "is not a Hugging Face folder"),
        (("grpo", "-b", "arithmetic", "--full", "--lora", "4"), "give one of them"),
        (("grpo", "-b", "arithmetic", "--lora", "0"), "a rank is at least 1"),
        (("grpo", "-b", "arithmetic", "--tasks", "0"), "tasks=0: it must be at least 1"),
        (("grpo", "-b", "arithmetic", "--serve", "openai:x"), "write it as vllm:URL#NAME"),
        (("grpo", "-b", "arithmetic", "--full", "--serve", "vllm:u#m"), "--full makes none"),
        (("grpo", "-b", "arithmetic", "--test-split", "dev"), "no split 'dev'; it has test"),
    ],
)
def test_bad_input_is_one_clear_line(
    arguments: tuple[str, ...], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run("train", *arguments)
    assert result.exit_code == 2, result.output
    assert message in result.stderr.replace("\n", " ")
    assert "Traceback" not in result.output
    assert list(tmp_path.iterdir()) == []


async def test_a_server_is_given_each_version_anew_also_by_a_run_that_goes_on(
    tmp_path: Path,
) -> None:
    plan = plan_of("tiny", 4, False, None, {})
    folder = tmp_path / "policy/0001"
    folder.mkdir(parents=True)
    (folder / "adapter_config.json").write_text("{}")
    async with StubServer() as server:
        names = set()
        for _ in range(2):
            serving = serving_of(f"vllm:{server.url}#base", plan)
            assert serving is not None
            model = (await serving.serve({"policy": folder}, temperature=0.5))["policy"]
            names.add(model._identifying_params["model_name"])
            assert (await model.ainvoke("Hello")).text
        paths = [each["lora_path"] for each in server.requests if "lora_path" in each]
    assert len(names) == 2
    assert paths == [str(folder)] * 2


def test_tensorboard_is_asked_for_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "symposia.cli.making.find_spec", lambda name: None if name == "tensorboard" else True
    )
    result = train(tmp_path / "run", "--tensorboard")
    assert result.exit_code == 2
    assert 'needs tensorboard: pip install "symposia[train]"' in result.stderr
    assert not (tmp_path / "run").exists()


def test_learning_from_the_test_tasks_is_pointed_out() -> None:
    result = run("train", "grpo", "-b", "worlds:Counter", "--dry-run", "--max-calls", 1)
    assert "4 of the 4 test tasks are also learnt from (split 'all')" in result.stderr


def test_a_team_that_fails_everywhere_ends_the_run(tmp_path: Path) -> None:
    result = run("train", "grpo", "-b", "worlds:Broken", *SMALL, "--out", tmp_path / "run")
    assert result.exit_code == 2
    assert "every episode of evaluate-0000 ended in an error" in result.stderr
    assert "/games/broken.json: not JSON" in result.stderr


def test_recipes_are_listed_with_their_papers() -> None:
    listed = json.loads(run("recipes", "--json").stdout)
    assert [each["name"] for each in listed] == sorted(RECIPES)
    (grpo,) = (each for each in listed if each["name"] == "grpo")
    assert grpo["arxiv"] == "2402.03300"
    assert grpo["place"] == "both"
    assert "advantage" in grpo["options"]
    assert not any(each["missing"] for each in listed)
    assert "outcome rewards" in run("recipes").stdout
