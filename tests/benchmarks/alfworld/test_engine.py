import gzip
import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from symposia.benchmarks.alfworld import ALFWorld, SearchExpert, generate_game, translation
from symposia.benchmarks.alfworld.engine import Engine
from symposia.benchmarks.alfworld.games import read_game
from symposia.benchmarks.alfworld.scenes import TASK_TYPES


def stock(game: dict[str, Any]) -> Any:
    import textworld
    from alfworld.agents.environment.alfred_tw_env import AlfredDemangler
    from textworld.envs.pddl import PddlEnv

    infos = textworld.EnvInfos(admissible_commands=True, won=True)
    env = AlfredDemangler(shuffle=False)(PddlEnv(infos))
    env.load(game)
    return env


LOOK_FOR_PATCHES = """
import sys
import textworld.envs.pddl, alfworld.agents.environment.alfred_tw_env

def parts():
    names = [name for name in sys.modules if name.startswith(("textworld", "alfworld"))]
    for module in map(sys.modules.get, names):
        for name, value in list(vars(module).items()):
            yield f"{module.__name__}.{name}", value
            for key, each in list(vars(value).items()) if isinstance(value, type) else ():
                yield f"{module.__name__}.{name}.{key}", each

before = dict(parts())
from symposia.benchmarks.alfworld import ALFWorld, generate_game
with ALFWorld(size="small") as world:
    world.reset(world.tasks()[0])
    world.step("look")
after = dict(parts())
assert [name for name, value in before.items() if after[name] is not value] == []
"""


def shown(state: Any) -> tuple[str, tuple[str, ...], bool]:
    return state.feedback, tuple(state.admissible_commands), state.won


def assert_same_transcript(game: dict[str, Any], seed: int, random_steps: int, steps: int) -> None:
    """Both engines take random commands first, some of them nonsense, and then the expert's."""
    rng = random.Random(seed)
    theirs, ours = stock(game), Engine()
    ours.load(game)
    view = ours.reset()
    assert (view.text, view.commands, view.won) == shown(theirs.reset())
    expert = SearchExpert(view.text)
    for number in range(steps):
        kinds = sorted({command.split()[0] for command in view.commands} | {"nonsense"})
        kind = rng.choice(kinds)
        matching = [each for each in view.commands if each.startswith(kind)] or [kind]
        command = rng.choice(matching) if number < random_steps else expert.next_action()
        state, _, done = theirs.step(command)
        view = ours.step(command)
        assert (view.text, view.commands, view.won) == shown(state)
        assert done == view.won
        expert.observe(command, view.text)
        if done:
            break
    ours.close()


@pytest.mark.parametrize("seed", range(6))
def test_transcripts_equal_those_of_the_stock_engine(seed: int) -> None:
    game = generate_game(seed, size="small" if seed % 2 else "6x8")
    assert_same_transcript(game, seed, random_steps=8, steps=25)


def test_transcripts_equal_on_official_games(official: Path) -> None:
    tasks = ALFWorld(data=official).tasks("valid_seen")
    games = sorted((read_game(task.data) for task in tasks), key=lambda g: len(g["pddl_problem"]))
    for seed, game in enumerate(games[:3]):
        assert_same_transcript(game, seed, random_steps=8, steps=14)


def test_the_planner_wins_from_the_middle_of_a_game() -> None:
    engine = Engine()
    for seed in range(len(TASK_TYPES)):
        engine.load(generate_game(seed, size="small"))
        view = engine.reset()
        view = engine.step(view.commands[0])
        for command in engine.plan():
            assert command in view.commands
            view = engine.step(command)
        assert view.won
    engine.close()


def test_plans_equal_those_of_the_stock_engine() -> None:
    import textworld
    from alfworld.agents.environment.alfred_tw_env import AlfredDemangler
    from textworld.envs.pddl import PddlEnv

    game = generate_game(2, size="small")
    env = AlfredDemangler(shuffle=False)(PddlEnv(textworld.EnvInfos(policy_commands=True)))
    env.load(game)
    engine = Engine()
    engine.load(game)
    engine.reset()
    assert engine.plan() == env.reset()["policy_commands"]
    engine.close()


def test_textworld_is_left_as_it_was() -> None:
    subprocess.run([sys.executable, "-c", LOOK_FOR_PATCHES], check=True)


@pytest.mark.parametrize("optimize", [False, True])
def test_translations_are_byte_for_byte_those_of_the_package(optimize: bool) -> None:
    import fast_downward

    for seed in range(9):
        game = generate_game(seed, size=("small", "medium", "large")[seed % 3])
        source = (game["pddl_domain"], game["pddl_problem"])
        with translation._undisturbed():
            expected = fast_downward.pddl2sas(*source, optimize=optimize)[1]
        assert translation._pddl_to_sas(*source, optimize=optimize)[1] == expected


def test_official_translations_are_byte_for_byte_those_of_the_package(official: Path) -> None:
    import fast_downward

    for task in ALFWorld(data=official).tasks("valid_seen")[::35]:
        game = read_game(task.data)
        source = (game["pddl_domain"], game["pddl_problem"])
        with translation._undisturbed():
            expected = fast_downward.pddl2sas(*source, optimize=False)[1]
        assert translation._pddl_to_sas(*source, optimize=False)[1] == expected


def test_the_translator_gets_its_own_grounding_back() -> None:
    from fast_downward.translate import build_model

    own = build_model.compute_model
    game = generate_game(5, size="small")
    translation._pddl_to_sas(game["pddl_domain"], game["pddl_problem"], optimize=False)
    with pytest.raises(ValueError, match="not valid PDDL"):
        translation._pddl_to_sas(game["pddl_domain"], "(define (nonsense", optimize=False)
    assert build_model.compute_model is own


def test_translating_leaves_argv_and_stdout_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    arguments, stdout = ["my", "program"], sys.stdout
    monkeypatch.setattr(sys, "argv", arguments)
    game = generate_game(5, size="small")
    translation._pddl_to_sas(game["pddl_domain"], game["pddl_problem"], optimize=False)
    with pytest.raises(ValueError, match="not valid PDDL"):
        translation._pddl_to_sas(game["pddl_domain"], "(define (nonsense", optimize=False)
    assert sys.argv is arguments
    assert sys.stdout is stdout


def test_engines_can_come_and_go() -> None:
    game = generate_game(0, size="small")
    shown = set()
    for _ in range(30):
        engine = Engine()
        engine.load(game)
        shown.add(engine.reset().text)
        engine.close()
        engine.close()
    assert len(shown) == 1


def test_importing_the_benchmark_loads_neither_textworld_nor_alfworld() -> None:
    check = (
        "import sys, symposia.benchmarks.alfworld\n"
        "assert not {'textworld', 'alfworld', 'fast_downward', 'tatsu'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", check], check=True)


def test_a_missing_package_is_named_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "textworld.envs.pddl", None)
    with pytest.raises(ImportError, match=r'pip install "symposia\[alfworld\]"'):
        Engine()
    monkeypatch.setitem(sys.modules, "alfworld.gen.constants", None)
    with pytest.raises(ImportError, match=r'pip install "symposia\[alfworld\]"'):
        generate_game(0)


@pytest.mark.parametrize(
    "expression",
    [
        "__import__('os').mkdir('escaped')",
        "open('escaped', 'w')",
        "r.__class__",
        "r.name * 999999",
        "(lambda: 1)()",
    ],
)
def test_code_in_a_grammar_is_refused_and_not_run(
    expression: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    game = generate_game(0, size="small")
    game["grammar"] = game["grammar"].replace("{r.name}", f"{{{expression}}}")
    engine = Engine()
    with pytest.raises(ValueError, match="not allowed in a grammar"):
        engine.load(game)
    assert not list(tmp_path.iterdir())


def test_a_game_is_translated_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    game = generate_game(9, size="small")
    source = (game["pddl_domain"], game["pddl_problem"])
    first = translation.translate(*source, cache=tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(translation, "_translate", lambda *_: pytest.fail("translated again"))
        assert translation.translate(*source, cache=tmp_path) == first


@pytest.mark.parametrize(
    "damage", [b"", b"rubbish", gzip.compress(b"{}", mtime=0), gzip.compress(b"[1]", mtime=0)]
)
def test_a_damaged_translation_is_made_anew(damage: bytes, tmp_path: Path) -> None:
    game = generate_game(9, size="small")
    source = (game["pddl_domain"], game["pddl_problem"])
    first = translation.translate(*source, cache=tmp_path)
    (path,) = tmp_path.rglob("*.json.gz")
    path.write_bytes(damage)
    assert translation.translate(*source, cache=tmp_path) == first
    assert json.loads(gzip.decompress(path.read_bytes()))["sas"] == first.sas


def test_without_a_writable_cache_games_still_load(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("a file where the cache folder should be")
    engine = Engine(cache=blocked)
    engine.load(generate_game(0, size="small"))
    assert "Your task is to:" in engine.reset().text


def test_the_cache_keeps_the_most_recently_used(tmp_path: Path) -> None:
    import os

    for age in range(5):
        path = tmp_path / f"{age}.json.gz"
        path.write_bytes(b"x" * 100)
        os.utime(path, (1000 - age, 1000 - age))
    translation.prune(tmp_path, limit=250)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0.json.gz", "1.json.gz"]
