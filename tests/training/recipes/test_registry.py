from __future__ import annotations

import pytest

from symposia.training.recipes import RECIPES, make_recipe


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_has_its_name_and_says_in_a_line_what_it_is(name: str) -> None:
    recipe = make_recipe(name)
    assert recipe.name == name
    assert recipe.summary and "\n" not in recipe.summary
    assert recipe.policies


def test_options_reach_the_recipe() -> None:
    assert make_recipe("grpo", advantage="rloo").options["advantage"] == "rloo"


def test_an_unknown_recipe_lists_those_that_exist() -> None:
    with pytest.raises(ValueError, match=r"unknown recipe 'grop'; there are: .*grpo.*module:Class"):
        make_recipe("grop")


def test_an_unknown_option_lists_those_of_the_recipe() -> None:
    with pytest.raises(ValueError, match=r"no option 'advantages' \(did you mean 'advantage'\?\)"):
        make_recipe("grpo", advantages="rloo")
    with pytest.raises(ValueError, match="its options are: acts, advantage, discount, kl, high"):
        make_recipe("grpo", clip=0.2)


def test_what_is_no_recipe_is_refused() -> None:
    with pytest.raises(ValueError, match=r"pathlib:Path is not a symposia\.training\.loop\.Recipe"):
        make_recipe("pathlib:Path")
