"""The loop's decisions, with models that are told what to say and updates that only leave a folder.

Version n of the policy answers the quiz as `GOOD` says.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest

pytest.importorskip("torch")
pytest.importorskip("peft")

import worlds

from symposia.agents import Actor
from symposia.benchmarks import evaluate, make_environment
from symposia.graphs import answer
from symposia.models import ScriptedModel
from symposia.models.load import TINY
from symposia.training import Row
from symposia.training.loop import Plan, Recipe, VLLMServing, train_sync
from symposia.training.trainer import MismatchError, Supervised, UpdateSettings

ROW = Row((1, 2), (False, True), policy="policy")
PLAN = Plan(base=TINY, iterations=4, tasks=1, attempts=1, test_tasks=1)


class Serving:
    """Answers 4, which is right, where the version's number is good."""

    def __init__(self, good: set[int]) -> None:
        self.good = good

    def said(self, version: Path) -> int:
        return 4 if int(version.name) in self.good else 5

    async def serve(self, versions: Any, **sampling: Any) -> Any:
        return {
            name: ScriptedModel(lambda messages, said=self.said(at): f"<answer>{said}</answer>")
            for name, at in versions.items()
        }

    async def release(self, keep: Any) -> None:
        pass


class Updates:
    """Leaves folders, and remembers which version each was made of."""

    def __init__(self) -> None:
        self.made: list[tuple[str, int, int]] = []

    def __call__(self, job: Any) -> dict[str, float]:
        job.out.mkdir(parents=True)
        (job.out / "optimizer.pt").touch()
        self.made.append((job.out.parent.name, int(job.start.name), int(job.out.name)))
        return {"loss": 0.5}


class One(Recipe):
    name: ClassVar[str] = "one"
    summary: ClassVar[str] = "for tests"

    def __init__(self, rows: Any = None, policies: tuple[str, ...] = ("policy",)) -> None:
        self._rows, self.policies = rows or (lambda stage: [ROW]), policies

    def team(self, models: Any, stage: Any) -> Any:
        return answer(Actor(models["policy"]))

    async def rows(self, episodes: Any, stage: Any) -> Any:
        return self._rows(stage)

    def objective(self, policy: str, stage: Any) -> Any:
        return Supervised()


def run(folder: Path, plan: Plan = PLAN, good: Any = (), recipe: Any = None, **options: Any) -> Any:
    updates = options.pop("updater", None) or Updates()
    outcome = train_sync(
        recipe or One(),
        options.pop("environment", worlds.Quiz()),
        plan,
        folder,
        serving=Serving(set(good)),
        updater=updates,
        **options,
    )
    return outcome, updates


def test_every_candidate_is_promoted_by_default(tmp_path):
    outcome, updates = run(tmp_path, good={1})
    assert [score for _, score in outcome.scores] == [0, 1, 0, 0, 0]
    assert updates.made == [("policy", n, n + 1) for n in range(4)]
    assert outcome.versions["policy"].name == "0004"


def test_better_goes_back_to_the_version_of_the_best_evaluation(tmp_path):
    plan = replace(PLAN, promote="better")
    outcome, updates = run(tmp_path, plan, good={1, 2})
    assert updates.made == [("policy", 0, 1), ("policy", 1, 2), ("policy", 2, 3), ("policy", 2, 4)]
    assert outcome.versions["policy"].name == "0002"
    assert outcome.after.summary.score == 1


def test_better_does_not_keep_a_version_that_nobody_evaluated(tmp_path):
    plan = replace(PLAN, promote="better", evaluate_every=2)
    outcome, updates = run(tmp_path, plan, good={2})
    assert updates.made == [("policy", 0, 1), ("policy", 1, 2), ("policy", 2, 3), ("policy", 3, 4)]
    assert outcome.versions["policy"].name == "0002"  # and not 3, which was promoted unseen


def test_moments_stay_with_the_versions_that_updates_begin_from(tmp_path):
    plan = replace(PLAN, promote="better", evaluate_every=2, iterations=5)
    for _ in range(2):  # a run that goes on forgets no more
        run(tmp_path, plan, good={2})
        held = sorted(file.parent.name for file in tmp_path.rglob("optimizer.pt"))
        assert held == ["0002", "0005"], "the best one and the last"


def test_patience_ends_a_run_that_gets_no_better(tmp_path):
    outcome, updates = run(tmp_path, replace(PLAN, patience=2, iterations=9), good={1, 2, 3})
    assert len(updates.made) == 3
    assert outcome.stopped == "no better score in 2 evaluations"
    again, more = run(tmp_path, replace(PLAN, patience=2, iterations=9), good={1, 2, 3})
    assert (again.scores, again.stopped, more.made) == (outcome.scores, outcome.stopped, [])


def test_a_run_may_go_on_for_longer_and_is_compared_anew(tmp_path):
    short, _ = run(tmp_path, replace(PLAN, iterations=1), good={2})
    assert short.after.summary.score == 0
    longer, updates = run(tmp_path, replace(PLAN, iterations=2), good={2})
    assert updates.made == [("policy", 1, 2)]
    assert longer.after.summary.score == 1
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    finals = [line for line in lines if line["arrow"] == "final"]
    assert [(line["iteration"], line["after"]) for line in finals] == [(1, 0), (2, 1)]


@pytest.mark.parametrize(
    "change",
    [{"seed": 1}, {"temperature": 0.5}, {"update": UpdateSettings(epochs=2)}, {"lora": None}],
    ids=str,
)
def test_a_changed_plan_is_refused(tmp_path, change):
    run(tmp_path, replace(PLAN, iterations=1))
    with pytest.raises(ValueError, match="begun otherwise") as refused:
        run(tmp_path, replace(PLAN, iterations=1, **change))
    assert next(iter(change)) in str(refused.value)


@pytest.mark.parametrize(
    ("name", "options", "split"),
    [
        ("alfworld", {}, "generated"),
        ("alfworld", {"data": "there"}, "train"),
        ("textcraft", {}, "generated"),
        ("arithmetic", {}, "train"),
    ],
)
def test_what_is_learnt_from_needs_no_data_where_none_is_named(name, options, split):
    environment = make_environment(name, **options)
    assert PLAN.splits(environment, environment)[0] == split


def test_a_custom_runner_plays_every_episode(tmp_path):
    played = []

    async def runner(team, environment, **options):
        played.append(options["run"])
        return await evaluate(team, environment, **options)

    run(tmp_path / "all", replace(PLAN, iterations=1), runner=runner)
    arrows = ["evaluate-0000", "collect-0000", "evaluate-0001"]
    assert list(dict.fromkeys(played)) == arrows
    played.clear()
    run(tmp_path / "chosen", replace(PLAN, iterations=1, promote="better"), runner=runner)
    assert played == [*arrows, "final-0000", "final-0001"], "episodes that chose nothing"


def test_a_policy_without_rows_stays_as_it_is(tmp_path, caplog):
    recipe = One(policies=("policy", "mute"))
    outcome, updates = run(tmp_path, replace(PLAN, iterations=2), recipe=recipe)
    assert [made[0] for made in updates.made] == ["policy", "policy"]
    assert outcome.versions["mute"].name == "0000"
    assert "no rows for mute" in caplog.text


def test_an_iteration_without_rows_changes_nothing_and_the_run_goes_on(tmp_path):
    outcome, updates = run(tmp_path, recipe=One(lambda stage: []))
    assert updates.made == []
    assert outcome.versions["policy"].name == "0000"
    assert len(outcome.scores) == 5


def test_a_row_of_a_policy_that_is_not_trained_is_refused(tmp_path):
    odd = One(lambda stage: [Row((1, 2), (False, True), policy="judge")])
    with pytest.raises(ValueError, match="row for policy 'judge'; it trains policy"):
        run(tmp_path, recipe=odd)


def test_memory_is_the_same_in_a_run_that_goes_on_and_one_that_never_stopped(tmp_path):
    seen = []

    def rows(stage):
        seen.append(json.dumps(stage.memory, sort_keys=True))
        stage.memory.setdefault("by task", {})[stage.iteration] = [stage.iteration]
        return [ROW]

    run(tmp_path / "whole", replace(PLAN, iterations=3), recipe=One(rows))
    whole, seen[:] = list(seen), []
    for iterations in (1, 2, 3):
        run(tmp_path / "parts", replace(PLAN, iterations=iterations), recipe=One(rows))
    assert seen == whole
    assert whole[2] == '{"by task": {"0": [0], "1": [1]}}'


def test_memory_that_is_not_json_is_refused(tmp_path):
    def rows(stage):
        stage.memory["set"] = {1, 2}
        return []

    with pytest.raises(ValueError, match="memory of one is to be JSON"):
        run(tmp_path, recipe=One(rows))


def test_an_update_that_fails_leaves_a_run_that_goes_on(tmp_path):
    def full(job):
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        run(tmp_path, updater=full)

    def mismatch(job):
        raise MismatchError("1 nat a token away")

    with pytest.raises(MismatchError):
        run(tmp_path, updater=mismatch)
    played = []

    async def runner(team, environment, **options):
        played.append(options["run"])
        return await evaluate(team, environment, **options)

    outcome, updates = run(tmp_path, replace(PLAN, iterations=1), runner=runner)
    assert updates.made == [("policy", 0, 1)]
    assert "collect-0000" not in played
    assert outcome.scores == [(0, 0), (1, 0)]


def test_rewards_that_are_no_numbers_stop_before_anything_is_trained(tmp_path):
    from symposia.training import Sample

    def rows(stage):
        return [Sample((1, 2), (False, True), (0.0, float("nan")), (0.0, -1.0), (False,) * 2)]

    updates = Updates()
    with pytest.raises(ValueError, match="advantage 1 is nan"):
        run(tmp_path, recipe=One(rows), updater=updates)
    assert updates.made == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"update": UpdateSettings(temperature=0.7)}, "the plan's own temperature"),
        ({"promote": "best"}, "always and better"),
        ({"temperature": 0.0}, "have to be sampled"),
        ({"patience": 1, "evaluate_every": 0}, "need evaluations"),
    ],
    ids=str,
)
def test_plans_that_cannot_be_are_refused(change, said):
    with pytest.raises(ValueError, match=said):
        replace(PLAN, **change)


def test_workers_are_refused_where_no_environment_takes_them(tmp_path):
    with pytest.raises(ValueError, match="workers=2: quiz runs in this process"):
        run(tmp_path, replace(PLAN, workers=2))
    assert not (tmp_path / "plan.json").exists()


async def test_whole_models_are_refused_by_a_server_that_takes_adapters(tmp_path):
    (tmp_path / "0001").mkdir()
    with pytest.raises(ValueError, match="takes adapters"):
        await VLLMServing("http://127.0.0.1:1/v1", "base").serve({"policy": tmp_path / "0001"})
