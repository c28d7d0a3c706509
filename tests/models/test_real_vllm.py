"""The client and `symposia serve` against a real vLLM; see `real_vllm`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from langchain_core.messages import HumanMessage
from pydantic import BaseModel
from real_vllm import launched, needed

from symposia import load_model
from symposia.models.load import TINY
from symposia.models.served.launch import Launch
from symposia.models.served.resilience import ServerError

pytestmark = needed
QUESTIONS = [
    f"{name} has {count} apples and buys {more} more. How many apples are there now?"
    for name, count, more in (("Sam", 12, 7), ("Ada", 3, 4), ("Ben", 9, 9), ("Mia", 11, 2))
]


@pytest.fixture(scope="module")
def launch() -> Iterator[Launch]:
    with launched() as launch:
        yield launch


@pytest.fixture
def served(launch: Launch):
    return load_model(f"vllm:{launch.url}#{launch.model}", max_tokens=40, temperature=0)


def tokens(message):
    return message.response_metadata["tokens"]


def test_greedy_replies_are_those_of_the_local_engine_token_by_token(served):
    local = load_model("tiny", max_tokens=40, temperature=0)

    async def ask(model):
        return await asyncio.gather(*(model.ainvoke(question) for question in QUESTIONS))

    for theirs, ours in zip(asyncio.run(ask(served)), asyncio.run(ask(local)), strict=True):
        assert theirs.text == ours.text
        for ids in ("prompt_ids", "completion_ids"):
            assert list(tokens(theirs)[ids]) == list(tokens(ours)[ids])
        near = pytest.approx(list(tokens(ours)["logprobs"]), abs=1e-3)
        assert list(tokens(theirs)["logprobs"]) == near
        assert theirs.usage_metadata["total_tokens"] == ours.usage_metadata["total_tokens"]


def test_a_seed_repeats_a_sampled_reply_whole_and_streamed(served):
    hot = served.model_copy(update={"temperature": 1.0})

    def episode(name: str, seed: int):
        return {"metadata": {"episode": name, "seed": seed}}

    asked = [("a", 5), ("b", 5), ("c", 6)]
    first, again, other = (hot.invoke(QUESTIONS[0], episode(*each)) for each in asked)
    assert tokens(first) == tokens(again) != tokens(other)

    async def streamed():
        return [part async for part in hot.astream(QUESTIONS[0], episode("d", 5))]

    parts = asyncio.run(streamed())
    whole = parts[0]
    for part in parts[1:]:
        whole += part
    assert len(parts) > 3
    assert whole.text == first.text
    assert list(tokens(whole)["completion_ids"]) == list(tokens(first)["completion_ids"])


def test_a_stop_string_and_a_limit_end_a_reply(served):
    said = served.invoke(QUESTIONS[0]).text
    stopped = served.invoke(QUESTIONS[0], stop=[said[20:24]])
    assert stopped.text == said[: said.index(said[20:24])]
    assert stopped.response_metadata["finish_reason"] == "stop"
    short = served.invoke(QUESTIONS[0], max_tokens=3)
    assert len(tokens(short)["completion_ids"]) == 3
    assert short.response_metadata["finish_reason"] == "length"


def test_a_constrained_reply_has_its_type(served):
    class Judged(BaseModel):
        verdict: Literal["right", "wrong"]

    found = served.with_structured_output(Judged).invoke(QUESTIONS[0], max_tokens=200)
    assert isinstance(found, Judged)


def test_adapters_are_loaded_by_versioned_names_and_answer_as_in_the_local_engine(
    served, tmp_path: Path
):
    peft = pytest.importorskip("peft", reason='needs pip install "symposia[train]"')
    import torch
    from transformers import AutoModelForCausalLM

    torch.manual_seed(0)
    base = AutoModelForCausalLM.from_pretrained(TINY)
    config = peft.LoraConfig(
        r=8, target_modules=["q_proj", "v_proj"], init_lora_weights=False, task_type="CAUSAL_LM"
    )
    peft.get_peft_model(base, config).save_pretrained(tmp_path / "v1")
    theirs = served.load_adapter("critic-v1", tmp_path / "v1").invoke(QUESTIONS[0])
    local = load_model("tiny", max_tokens=40, temperature=0)
    local.engine.load_adapter("critic", str(tmp_path / "v1"))
    ours = local.with_adapter("critic").invoke(QUESTIONS[0])
    assert list(tokens(theirs)["completion_ids"]) == list(tokens(ours)["completion_ids"])
    assert theirs.text != served.invoke(QUESTIONS[0]).text
    served.unload_adapter("critic-v1")
    with pytest.raises(ServerError, match="critic-v1"):
        served.with_adapter("critic-v1").invoke(QUESTIONS[0])


def test_a_prompt_past_the_context_is_refused_and_many_calls_at_once_are_answered(served):
    with pytest.raises(ServerError, match="context"):
        served.invoke([HumanMessage("apple " * 4000)])

    async def ask():
        return await asyncio.gather(*(served.ainvoke(QUESTIONS[i % 4]) for i in range(48)))

    said = asyncio.run(ask())
    assert len({message.text for message in said}) == 4
