"""What a recipe may ask of the loop: a runner of its own, and models of earlier versions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from rollouts import small

from symposia import Actor, ScriptedModel, answer, make_environment
from symposia.benchmarks import evaluate
from symposia.training.loop import Recipe, train


class Serving:
    """Lends scripts, and remembers which versions were asked for."""

    def __init__(self) -> None:
        self.asked: list[dict[str, str]] = []

    async def serve(self, versions: Mapping[str, Path], **sampling: Any) -> dict[str, Any]:
        self.asked.append({name: folder.name for name, folder in versions.items()})
        return {name: ScriptedModel(lambda m: "<answer>7</answer>") for name in versions}

    async def release(self, keep: Mapping[str, Path]) -> None:
        pass


class Asking(Recipe):
    name = "asking"
    summary = "asks for a runner and for an earlier version"

    def __init__(self, version: int = 0, called: str = "past") -> None:
        self._earlier = {called: ("policy", version)}
        self._runs: list[str] = []
        self._seen: list[Any] = []

    def team(self, models: Any, stage: Any) -> Any:
        self._seen.append((sorted(models), dict(stage.versions)))
        return answer(Actor(models["policy"]))

    def earlier(self, stage: Any) -> Any:
        return self._earlier

    def runner(self, models: Any, stage: Any) -> Any:
        async def own(*given: Any, run: str, **settings: Any) -> Any:
            self._runs.append(run)
            return await evaluate(*given, run=run, **settings)

        return own

    async def rows(self, episodes: Any, stage: Any) -> Any:
        return []

    def objective(self, policy: str, stage: Any) -> Any:
        raise AssertionError("there is nothing to train on")


async def test_a_recipe_has_its_runner_and_earlier_versions_for_the_collection_alone(
    tmp_path: Path,
) -> None:
    recipe, serving = Asking(), Serving()
    await train(recipe, make_environment("arithmetic", size=4), small(), tmp_path, serving=serving)
    assert recipe._runs == ["collect-0000"]
    assert {"policy": "0000", "past": "0000"} in serving.asked
    assert serving.asked.count({"policy": "0000"}) == 3  # the first score, and the last two
    assert (["past", "policy"], {"policy": 0}) in recipe._seen


@pytest.mark.parametrize(
    ("recipe", "reason"),
    [
        (Asking(version=3), "version 3 of 'policy' as 'past': there is no such version"),
        (Asking(called="policy"), "as 'policy': there is a model of that name"),
    ],
)
async def test_what_cannot_be_served_is_refused(
    recipe: Recipe, reason: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=reason):
        await train(
            recipe, make_environment("arithmetic", size=4), small(), tmp_path, serving=Serving()
        )
