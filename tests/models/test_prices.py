from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.language_models import LangSmithParams

from symposia.episodes import UnknownCostError
from symposia.models import ScriptedModel
from symposia.models.prices import PACKAGED, Price, PriceTable


def usage(read: int, said: int, **details: int) -> dict[str, Any]:
    return {
        "input_tokens": read,
        "output_tokens": said,
        "total_tokens": read + said,
        "input_token_details": details,
    }


def test_every_packaged_price_says_where_and_when_it_was_read() -> None:
    table = PriceTable.load()
    assert set(table.prices) == set(json.loads(PACKAGED.read_text()))
    for price in table.prices.values():
        assert price.source and price.read


def test_cached_input_has_its_own_price() -> None:
    table = PriceTable({"m": Price(input=2, cached_input=0.5, cache_write=2.5, output=10)})
    assert table.cost("m", usage(1_000_000, 100_000)) == pytest.approx(3)
    assert table.cost("m", usage(1_000_000, 0, cache_read=400_000)) == pytest.approx(1.4)
    assert table.cost("m", usage(1_000_000, 0, cache_creation=1_000_000)) == pytest.approx(2.5)


@pytest.mark.parametrize(
    "counted",
    [
        usage(10, 10, cache_read=5),
        usage(10, 10, audio=1),
        {**usage(10, 10), "output_token_details": {"audio": 1}},
    ],
)
def test_tokens_of_a_kind_without_a_price_make_the_cost_unknown(counted: dict[str, Any]) -> None:
    assert PriceTable({"m": Price(input=1, output=1)}).cost("m", counted) is None


def test_reasoning_is_output_and_empty_details_do_not_matter() -> None:
    counted = {**usage(0, 1_000_000, audio=0), "output_token_details": {"reasoning": 900_000}}
    assert PriceTable({"m": Price(input=1, output=4)}).cost("m", counted) == pytest.approx(4)


@pytest.mark.parametrize(
    ("model", "price"),
    [
        ("m-1", 1),
        ("m-1-2025-08-07", 1),
        ("m-1-20250807", 1),
        ("m-1-mini", None),
        ("m-12", None),
        ("team/m-1", 2),
        ("team/m-1-large", 3),
    ],
)
def test_names_stand_for_their_snapshots_and_patterns_for_what_they_match(
    model: str, price: int | None
) -> None:
    names = {"m-1": 1, "team/*": 2, "team/*-large": 3}
    table = PriceTable({name: Price(input=p, output=0) for name, p in names.items()})
    assert table.cost(model, usage(1_000_000, 0)) == price


def test_a_file_of_the_user_comes_before_the_packaged_table(tmp_path: Path) -> None:
    file = tmp_path / "prices.json"
    file.write_text('{"gpt-5-*": {"input": 7, "output": 8}, "mine": {"input": 1, "output": 1}}')
    table = PriceTable.load(file)
    assert table.cost("gpt-5-mini", usage(1_000_000, 0)) == 7
    assert table.cost("mine", usage(1_000_000, 0)) == 1
    assert table.cost("claude-haiku-4-5-20251001", usage(0, 1_000_000)) == 5
    assert table.cost("somebody-else", usage(1, 1)) is None


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[]", "should be an object"),
        ('{"m": {"input": -1, "output": 1}}', "m.input"),
        ('{"m": {"input": NaN, "output": 1}}', "m.input"),
        ('{"m": {"input": 1}}', "m.output"),
        ('{"m": {"input": 1, "output": 1, "inptu": 2}}', "m.inptu"),
    ],
)
def test_a_bad_file_is_refused_with_the_place(tmp_path: Path, text: str, problem: str) -> None:
    file = tmp_path / "prices.json"
    file.write_text(text)
    with pytest.raises(ValueError, match=problem) as refused:
        PriceTable.load(file)
    assert str(file) in str(refused.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no prices in .*nowhere\.json"):
        PriceTable.load(tmp_path / "nowhere.json")


@given(read=st.integers(0, 10**7), said=st.integers(0, 10**7), cached=st.integers(0, 10**7))
def test_more_tokens_never_cost_less(read: int, said: int, cached: int) -> None:
    price = Price(input=3, cached_input=0.3, output=15)
    cached = min(cached, read)
    cost = price.cost(usage(read, said, cache_read=cached))
    more = price.cost(usage(read + 1, said + 1, cache_read=cached))
    assert cost is not None and more is not None
    assert 0 <= cost < more


def test_a_model_without_a_price_is_refused_before_it_is_asked() -> None:
    table = PriceTable({"known*": Price(input=1, output=1)})
    table.require(ScriptedModel([], name="known-2"))
    with pytest.raises(UnknownCostError, match="the cost of 'mystery' is unknown: give its price"):
        table.require(ScriptedModel([], name="mystery"))


def test_a_model_that_tells_what_it_costs_needs_no_price() -> None:
    class Telling(ScriptedModel):
        def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
            return LangSmithParams(ls_provider="openrouter", ls_model_name="mystery")

    PriceTable().require(Telling([]))
