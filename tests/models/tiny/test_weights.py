"""The shipped folder, and that the model in it can play."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from symposia.models.load import TINY
from symposia.models.tiny.make.evaluate import (
    ModelPlayer,
    RandomPlayer,
    Sampler,
    held_out,
    play_games,
)

MEGABYTE = 2**20


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return AutoTokenizer.from_pretrained(TINY)


@pytest.fixture(scope="module")
def model() -> Any:
    return AutoModelForCausalLM.from_pretrained(TINY)


def test_the_folder_is_small_and_complete() -> None:
    names = {path.name for path in TINY.iterdir()}
    assert {"config.json", "model.safetensors", "tokenizer.json", "README.md"} <= names
    assert {"tokenizer_config.json", "generation_config.json"} <= names
    assert sum(path.stat().st_size for path in TINY.iterdir()) <= 12 * MEGABYTE


def test_it_is_a_plain_llama_that_knows_where_to_stop(model: Any, tokenizer: Any) -> None:
    assert type(model).__name__ == "LlamaForCausalLM"
    assert model.config.tie_word_embeddings
    assert model.config.max_position_embeddings >= 4096
    assert model.generation_config.eos_token_id == tokenizer.eos_token_id
    assert model.config.vocab_size == len(tokenizer)


def test_side_by_side_replies_are_those_of_generate(model: Any, tokenizer: Any) -> None:
    prompts = [f"<|user|>There are {n} coins.<|end|><|assistant|>" for n in ("7", "7 8 9")]
    sampler = Sampler(model, tokenizer, temperature=0.0)
    sampler.start(len(prompts))
    for prompt, reply in zip(prompts, sampler.reply(prompts, most=20), strict=True):
        ids = tokenizer(prompt, return_tensors="pt", add_special_tokens=False)
        with torch.inference_mode():
            out = model.generate(**ids, do_sample=False, max_new_tokens=20)
        assert reply == tokenizer.decode(
            out[0, ids["input_ids"].shape[1] :], skip_special_tokens=True
        )


def test_greedy_tiny_wins_more_held_out_games_than_random_actions(
    model: Any, tokenizer: Any
) -> None:
    games = held_out(2, "small")
    tiny = play_games(ModelPlayer(Sampler(model, tokenizer, temperature=0.0)), games)
    chance = play_games(RandomPlayer(seed=0), games)
    assert tiny.won.total() >= chance.won.total() + 3
