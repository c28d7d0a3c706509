from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reports import report, results, row

from symposia.benchmarks import compare
from symposia.benchmarks.reports import bootstrap, mcnemar, paired

outcomes = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=30)


def test_teams_are_compared_on_the_episodes_that_both_played() -> None:
    first = results("first", [1], [1], [0], [0], [1])
    second = results("second", [1], [0], [1], [1])
    (difference,) = compare([first, second]).differences
    assert (difference.pairs, difference.tasks, difference.left_out) == (4, 4, 1)
    assert (difference.both, difference.gained, difference.lost, difference.neither) == (1, 2, 1, 0)
    assert (difference.baseline_rate, difference.rate) == (0.5, 0.75)
    assert difference.difference == 0.25
    assert difference.p == difference.p_holm == mcnemar(2, 1) == 1
    assert difference.test == "McNemar's exact test"


def test_attempts_are_paired_one_by_one_and_tested_by_task() -> None:
    first = results("first", *[[0, 0, 0, 0]] * 3)
    second = results("second", *[[1, 1, 1, 1]] * 3)
    (difference,) = compare([first, second]).differences
    assert (difference.pairs, difference.tasks, difference.gained) == (12, 3, 12)
    assert difference.p == pytest.approx(2 / 2**3)  # three tasks, however many attempts
    assert difference.test == "exact sign-flip test over tasks"
    one_each = compare([results("a", [0], [0], [0]), results("b", [1], [1], [1])])
    assert difference.interval == pytest.approx(one_each.differences[0].interval)


def test_each_team_is_compared_with_the_first_and_p_values_are_adjusted() -> None:
    base = results("base", *[[0]] * 10)
    good = results("good", *[[1]] * 10)
    fair = results("fair", *[[1]] * 6, *[[0]] * 4)
    compared = compare([base, fair, good])
    raw = {d.team: d.p for d in compared.differences}
    assert raw == pytest.approx({"fair": 2 / 2**6, "good": 2 / 2**10})
    adjusted = {d.team: d.p_holm for d in compared.differences}
    assert adjusted == pytest.approx({"fair": raw["fair"], "good": 2 * raw["good"]})
    assert {d.baseline for d in compared.differences} == {"base"}


@settings(max_examples=20)
@given(outcomes)
def test_a_comparison_turned_round_is_its_mirror_image(pairs: list[tuple[bool, bool]]) -> None:
    first = results("first", *[[mine] for mine, _ in pairs])
    second = results("second", *[[theirs] for _, theirs in pairs])
    (there,) = compare([first, second]).differences
    (back,) = compare([second, first]).differences
    assert there.difference == -back.difference
    assert there.p == pytest.approx(back.p)
    assert there.interval == pytest.approx([-end for end in reversed(back.interval)])
    assert (there.gained, there.lost) == (back.lost, back.gained)


def test_scores_are_compared_by_a_seeded_bootstrap() -> None:
    first = report("first", [row(f"t{i}", score=0.1 * i) for i in range(8)])
    second = report("second", [row(f"t{i}", score=0.9) for i in range(8)])
    differences = [[0.9 - 0.1 * i] for i in range(8)]
    (difference,) = compare([first, second], seed=3).differences
    assert difference.score == pytest.approx(sum(d for (d,) in differences) / 8)
    assert difference.score_interval == pytest.approx(bootstrap(differences, 3))
    assert compare([first, second], seed=3) == compare([first, second], seed=3)
    assert difference.difference == 0
    assert difference.interval == paired([[0]] * 8)


def test_differences_are_told_apart_by_kind_of_task() -> None:
    def made(team: str, **successes: list[int]) -> Any:
        rows = [
            row(f"{kind}{i}", kind=kind, success=bool(success))
            for kind, found in successes.items()
            for i, success in enumerate(found)
        ]
        return report(team, rows)

    first = made("first", look=[0, 0], pick=[1, 0], heat=[1])
    second = made("second", look=[1, 1], pick=[0, 0])
    kinds = compare([first, second]).kinds
    assert {kind: found[0].difference for kind, found in kinds.items()} == {"look": 1, "pick": -0.5}


def test_settings_that_differ_are_named() -> None:
    def made(**config: Any) -> Any:
        held = {"model": config.pop("model"), "split": "test", **config}
        return report(str(config), [row()], manifest={"config": held})

    compared = compare([made(model="a", seed=0), made(model="b", seed=1)])
    assert compared.unlike == ["seed: 0, 1"]


def test_runs_without_a_common_episode_do_not_compare() -> None:
    with pytest.raises(ValueError, match="b and a share no episode"):
        compare([report("a", [row("t1")]), report("b", [row("t2")])])
    with pytest.raises(ValueError, match="at least one report"):
        compare([])


def test_a_comparison_is_json() -> None:
    compared = compare([results("a", [0], [1]), results("a", [1], [1], run="again")])
    made = json.loads(json.dumps(compared.to_dict()))
    assert [run["team"] for run in made["runs"]] == ["a (run-a)", "a (again)"]
    assert made["differences"][0]["test"] == "McNemar's exact test"
    assert made["differences"][0]["difference"] == 0.5
