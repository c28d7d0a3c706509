"""Rows for training tests, of what a small local model really sampled."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from langchain_core.messages import HumanMessage

from symposia.episodes import Tokens
from symposia.models.local import LocalChatModel
from symposia.training import Sample

PROMPTS = ["one and two", "one and three", "two", "a longer question than the others"]


def said(model: LocalChatModel, prompts: Sequence[str] = PROMPTS, times: int = 2) -> list[Tokens]:
    """What a model answers, as the record has it."""

    async def ask() -> list[Any]:
        asked = [
            model.ainvoke(
                [HumanMessage(prompt)], {"metadata": {"seed": again, "episode": f"{prompt}{again}"}}
            )
            for prompt in prompts
            for again in range(times)
        ]
        return await asyncio.gather(*asked)

    found = [reply.response_metadata["tokens"] for reply in asyncio.run(ask())]
    return [
        Tokens(tuple(t["prompt_ids"]), tuple(t["completion_ids"]), tuple(t["logprobs"]))
        for t in found
    ]


def sample(tokens: Tokens, advantage: float, **more: Any) -> Sample:
    """A row for policy gradients."""
    read, wrote = len(tokens.prompt_ids), len(tokens.completion_ids)
    blank = (0.0,) * read
    return Sample(
        ids=tokens.prompt_ids + tokens.completion_ids,
        loss_mask=(False,) * read + (True,) * wrote,
        advantages=blank + (advantage,) * wrote,
        old_logprobs=blank + tokens.logprobs,
        off_policy=(False,) * (read + wrote),
        policy="policy",
        **more,
    )


def samples(model: LocalChatModel, **options: Any) -> list[Sample]:
    """Rows whose advantages differ and add up to nothing much."""
    return [
        sample(tokens, (-1.0, 1.0, 0.5, -0.5)[place % 4])
        for place, tokens in enumerate(said(model, **options))
    ]


def weights(folder: Path) -> dict[str, Any]:
    """What a version holds."""
    from safetensors.torch import load_file

    (file,) = folder.glob("*.safetensors")
    return load_file(file)


def content(folder: Path) -> dict[str, bytes]:
    """Every file of a folder."""
    files = (file for file in sorted(folder.rglob("*")) if file.is_file())
    return {str(file.relative_to(folder)): file.read_bytes() for file in files}
