"""What models cost: a table of prices that the user can extend.

The packaged table holds few models, each with the page and the day that its price was read.
Prices change; check them before you rely on them. A model that is not in the table has no price:
its cost is unknown, which is never the same as nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from pydantic import BaseModel, ConfigDict, NonNegativeFloat, TypeAdapter

from ..episodes import UnknownCostError
from ..episodes.ledger import PRICES

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

PACKAGED = Path(__file__).with_name("prices.json")
MILLION = 1_000_000
TELLING = ("openrouter",)
"""Providers that say with each reply what it cost."""
SNAPSHOT = re.compile(r"-20\d\d-?[01]\d-?[0-3]\d$")
"""The date at the end of a snapshot's name: `-2025-08-07`, `-20251001`."""


class Price(BaseModel):
    """US dollars for a million tokens of one model."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    input: NonNegativeFloat
    cached_input: NonNegativeFloat | None = None
    """Input that was read from the provider's cache; None when its price is unknown."""
    cache_write: NonNegativeFloat | None = None
    """Input that was written to the provider's cache, for the shortest time it offers."""
    output: NonNegativeFloat
    """Reasoning included."""
    source: str = ""
    """The page that says so."""
    read: date | None = None
    """The day that page was read."""

    def cost(self, usage: Mapping[str, Any]) -> float | None:
        """US dollars for LangChain's `UsageMetadata`; None when it counts tokens of a kind that
        has no price here (audio, say, or a service tier)."""
        priced = {
            "cache_read": self.cached_input,
            "cache_creation": self.cache_write,
            "ephemeral_5m_input_tokens": self.cache_write,
        }
        plain = int(usage["input_tokens"])
        dollars = float(usage["output_tokens"] * self.output)
        for kind, tokens in (usage.get("input_token_details") or {}).items():
            price = priced.get(kind)
            if tokens and price is None:
                return None
            plain -= tokens or 0
            dollars += (tokens or 0) * (price or 0.0)
        others = set(usage.get("output_token_details") or {}) - {"reasoning"}
        if any(usage["output_token_details"][kind] for kind in others):
            return None
        return (dollars + max(plain, 0) * self.input) / MILLION


@dataclass(frozen=True, slots=True)
class PriceTable:
    """Prices by model.

    A name stands for the model and its dated snapshots; a pattern with `*`, `?` or `[...]` for all
    that it matches. The exact name comes first, then the snapshot's model, then the longest
    pattern that matches.
    """

    prices: Mapping[str, Price] = field(default_factory=dict)
    base: PriceTable | None = None
    """Where to look for what is not in `prices`."""

    @classmethod
    def load(cls, path: str | Path | None = None) -> Self:
        """The packaged table, with the prices of a JSON file in front of it.

        The file maps names or patterns to prices, in US dollars for a million tokens:
        `{"my-model*": {"input": 0.5, "cached_input": 0.05, "output": 1.5}}`.

        Raises:
            ValueError: the file is missing or does not hold prices; the message says where.
        """
        base = None if path is None else PriceTable.load()
        path = PACKAGED if path is None else Path(path)
        try:
            prices = TypeAdapter(dict[str, Price]).validate_json(path.read_bytes())
        except (OSError, ValueError) as error:
            raise ValueError(f"no prices in {path}: {error}") from error
        return cls(prices, base)

    def find(self, model: str) -> Price | None:
        """The price of `model`, or None when it is unknown."""
        for name in (model, SNAPSHOT.sub("", model)):
            if name in self.prices:
                return self.prices[name]
        matching = [pattern for pattern in self.prices if fnmatchcase(model, pattern)]
        if matching:
            return self.prices[max(matching, key=len)]
        return self.base.find(model) if self.base else None

    def cost(self, model: str, usage: Mapping[str, Any]) -> float | None:
        """US dollars for a call of `model` that used `usage` (LangChain's `UsageMetadata`), or
        None when the price is unknown."""
        price = self.find(model)
        return price.cost(usage) if price else None

    def require(self, model: BaseChatModel) -> None:
        """Make sure, before `model` is asked, that its calls have a price. A model that says what
        it costs, or does not say what it is called, passes.

        Raises:
            UnknownCostError: there is none; the message says what to do.
        """
        about = model._get_ls_params()
        name = about.get("ls_model_name")
        if name and about.get("ls_provider") not in TELLING and self.find(name) is None:
            raise UnknownCostError(
                f"money is limited, but the cost of {name!r} is unknown: {PRICES}"
            )
