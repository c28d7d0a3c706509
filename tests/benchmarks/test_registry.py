from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from symposia.benchmarks import make_environment


@pytest.mark.parametrize(
    ("place", "message"),
    [
        (".worlds:Counter", "unknown environment '.worlds:Counter'; there are: alfworld"),
        (":Counter", "unknown environment ':Counter'"),
        ("nowhere.worlds:Counter", "no environment at .*: No module named 'nowhere'"),
        ("worlds:Nobody", "no environment at .*: worlds has no class 'Nobody'"),
        ("worlds:annotations", "no environment at .*: worlds has no class 'annotations'"),
        ("worlds:Path", "worlds:Path is not a symposia.benchmarks.Environment"),
    ],
)
def test_a_place_without_an_environment_is_refused(place: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_environment(place)


def test_an_import_that_is_missing_in_a_users_module_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "with_a_gap.py").write_text("import no_such_package.part")
    with pytest.raises(ImportError, match="with_a_gap imports no_such_package, which is not inst"):
        make_environment("with_a_gap:World")


@pytest.mark.parametrize(
    ("place", "known"),
    [
        ("worlds:Counter", "episodes, goal, delay"),
        ("worlds:Quiz", "none"),
        ("alfworld", "data, size, games"),
    ],
)
@pytest.mark.parametrize("option", ["foo", "name"])
def test_an_unknown_option_lists_those_that_exist(place: str, known: str, option: str) -> None:
    with pytest.raises(ValueError, match=f"its options are: {known}"):
        make_environment(place, **{option: 1})


@pytest.mark.parametrize(
    ("environment", "option", "wrong", "least"),
    [
        ("alfworld", "games", "abc", 1),
        ("alfworld", "games", 1.5, 1),
        ("alfworld", "games", -1, 1),
        ("alfworld", "seed", "abc", 0),
        ("alfworld", "max_steps", 0, 1),
        ("alfworld", "max_steps", True, 1),
        ("webshop", "products", "abc", 1),
        ("webshop", "products", 0, 1),
        ("webshop", "seed", -1, 0),
        ("webshop", "max_steps", 0, 1),
    ],
)
def test_a_wrong_number_is_named_with_what_it_should_be(
    environment: str, option: str, wrong: Any, least: int
) -> None:
    with pytest.raises(ValueError, match=option) as caught:
        make_environment(environment, **{option: wrong})
    assert str(caught.value) == f"{option}={wrong!r}: it must be a whole number, at least {least}"
