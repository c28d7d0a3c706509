from __future__ import annotations

from pathlib import Path

import pytest
from rollouts import small_adapters

from symposia import Actor, ScriptedModel, evaluate, make_environment
from symposia.episodes import Episode, EpisodeStore, Step, Tokens, Turn
from symposia.graphs import act
from symposia.training.loop import Stage, train
from symposia.training.recipes.ufo import RIGHT, UFO, attempts


def asked(*answers: str | None, task: str = "t", attempt: int = 0) -> Episode:
    """An episode of attempts at a question whose answer is 4; None could not be read."""
    turns, steps = [], [Step(None, "2 + 2?", 0.0, False)]
    for number, said in enumerate(answers):
        id = f"{task}{attempt}{number}"
        tokens = Tokens((1, number), (3, 4), (-0.5, -0.5))
        turns.append(Turn(id, "actor", (), {}, unreadable=said is None, tokens=tokens))
        if said is not None:
            steps.append(Step(said, "", float(said == "4"), said == "4", after=id))
    return Episode("run", task, attempt, turns=tuple(turns), steps=tuple(steps))


@pytest.mark.parametrize(
    ("answers", "reward"),
    [
        (("3", "3", "4"), 0.25 - 0.5 * (1 - 2 / 3)),
        (("3", "5", "4"), 0.25),
        (("4",), 1.0),
        (("1",) * 5, -0.4),
        ((None, "4"), 0.9),
        ((None, None), -0.2),
    ],
)
def test_early_and_varied_answers_earn(answers: tuple[str | None, ...], reward: float) -> None:
    assert UFO().reward(asked(*answers)) == pytest.approx(reward)


def test_answers_are_the_same_however_they_are_written() -> None:
    assert attempts(asked("3", "3.0", " 3. ", None, "4")) == [3.0, 3.0, 3.0, None, RIGHT]


async def test_only_the_questions_whose_episodes_differ_most_are_learnt_from() -> None:
    episodes = [
        *(asked("4", task="easy", attempt=i) for i in range(2)),
        asked("4", task="even", attempt=0),
        asked("3", "4", task="even", attempt=1),
        *(asked("3", "5", task="hard", attempt=i) for i in range(2)),
        asked("4", task="wide", attempt=0),
        asked("3", "3", "3", task="wide", attempt=1),
    ]
    stage = Stage(0, 1, (), 2, 0)
    rows = await UFO().rows(episodes, stage)
    assert {row.group for row in rows} == {"wide"}
    assert [row.advantages[-1] for row in rows] == pytest.approx([4 / 3, *[-4 / 3] * 3])
    half = await UFO(widest=0.5).rows(episodes, stage)
    assert {row.group for row in half} == {"wide", "even"}


def test_settings_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match=r"widest=2: it must lie in \[0, 1\]"):
        UFO(widest=2)
    with pytest.raises(ValueError, match="ask for 2 attempts at least"):
        UFO().collection(Stage(0, 1, (), 1, 0))


async def test_a_played_episode_is_read_as_it_was_answered(tmp_path: Path) -> None:
    world = make_environment("try-again", size=1, attempts=4)
    (task,) = world.tasks("test")
    replies = ["<answer>x</answer>", "hm", f"<answer>{task.reference}</answer>"]
    team = act(Actor(ScriptedModel(replies)))
    with EpisodeStore(tmp_path) as store:
        await evaluate(team, world, store=store, run="r", progress=False)
        (episode,) = store.episodes("r")
    assert attempts(episode) == ["x", None, RIGHT]
    assert (episode.outcome.success, episode.outcome.measures) == (True, {"attempts": 2.0})


async def test_it_trains_on_whole_conversations(tmp_path: Path) -> None:
    plan = small_adapters()
    told: list[dict[str, float]] = []
    outcome = await train(
        UFO(widest=0.5),
        make_environment("try-again", size=8, attempts=3),
        plan,
        tmp_path,
        heard=lambda arrow, i, measures: told.append(dict(measures)) if arrow == "update" else None,
    )
    assert outcome.versions["policy"].name == "0001"
    assert told[0]["mismatch"] < 1e-3
    assert told[0]["computed"] < told[0]["tokens"], "what conversations share is computed once"
