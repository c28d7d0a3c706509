"""The bridge to TRL: supervised rows and preference pairs as its trainers take them, as token ids.

Nothing is tokenised again. `to_sft` is for `SFTTrainer` as it is. TRL's `DPOTrainer` tokenises text
always (1.16), so `PairTrainer` is that trainer without this step, for what `to_dpo` gives.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from datasets import Dataset
from trl.trainer.dpo_trainer import DPOTrainer

from .sample import PreferencePair, Row

IGNORED = -100
"""The label of a token that is no target."""


def to_sft(rows: Sequence[Row]) -> Dataset:
    """Rows as `input_ids` and `labels`. Set `max_length` of `SFTConfig`: it cuts at 1024 tokens.

    Raises:
        ValueError: there are no rows, or one has a weight, which TRL would not heed.
    """
    if not rows:
        raise ValueError("there are no rows")
    for place, row in enumerate(rows):
        if row.extras.get("weight", 1.0) != 1.0:
            weight = row.extras["weight"]
            raise ValueError(f"row {place} has weight {weight}, and TRL counts all rows alike")
    return Dataset.from_list(
        [
            {
                "input_ids": list(row.ids),
                "labels": [
                    id if wanted else IGNORED
                    for id, wanted in zip(row.ids, row.loss_mask, strict=True)
                ],
            }
            for row in rows
        ]
    )


def to_dpo(pairs: Sequence[PreferencePair]) -> Dataset:
    """Pairs as `prompt_ids`, `chosen_ids` and `rejected_ids`, for `PairTrainer`.

    Margins and stored references stay behind: TRL has no margins and computes its own reference.

    Raises:
        ValueError: there are no pairs.
    """
    if not pairs:
        raise ValueError("there are no pairs")
    return Dataset.from_list(
        [
            {
                "prompt_ids": list(pair.prompt_ids),
                "chosen_ids": list(pair.chosen_ids),
                "rejected_ids": list(pair.rejected_ids),
            }
            for pair in pairs
        ]
    )


class PairTrainer(DPOTrainer):  # type: ignore[misc]
    """TRL's `DPOTrainer` on pairs that are tokens already; takes the same arguments."""

    def _prepare_dataset(self, dataset: Any, *arguments: Any, **options: Any) -> Any:
        if "prompt_ids" not in dataset.column_names:
            raise ValueError(f"the data has {', '.join(dataset.column_names)}: see to_dpo")
        return dataset
