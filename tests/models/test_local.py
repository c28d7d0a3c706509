"""The local model on a small random Llama: what matters here is exactness, not wit."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="needs the local extra")
transformers = pytest.importorskip("transformers", reason="needs the local extra")

from langchain_core.messages import HumanMessage, SystemMessage  # noqa: E402

from symposia.models.engine import ContextLengthError, Engine, Request  # noqa: E402
from symposia.models.local import LocalChatModel  # noqa: E402
from symposia.models.sampling import draw, sampling_logprobs  # noqa: E402

TEMPLATE = (
    "{% for m in messages %}[{{ m.role }}]{{ m.content }}<end>{% endfor %}"
    "{% if add_generation_prompt %}[assistant]{% endif %}"
)
CONTEXT = 256


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A Hugging Face folder with a random model over bytes."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    path = tmp_path_factory.mktemp("model")
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    bytes_only = Tokenizer(models.BPE({c: i for i, c in enumerate(alphabet)}, []))
    bytes_only.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bytes_only.decoder = decoders.ByteLevel()
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=bytes_only, eos_token="<end>", chat_template=TEMPLATE
    )
    tokenizer.save_pretrained(path)
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=CONTEXT,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=None,
        pad_token_id=None,
        initializer_range=0.3,
    )
    transformers.LlamaForCausalLM(config).save_pretrained(path)
    return str(path)


@pytest.fixture(scope="session")
def engine(folder: str) -> Engine:
    return Engine(folder)


def prompts() -> list[tuple[int, ...]]:
    return [tuple((7 * i + j) % 250 for j in range(3 + 11 * i)) for i in range(6)]


def test_greedy_batches_equal_generate_token_for_token(engine: Engine) -> None:
    requests = [Request(p, max_tokens=12 + i, temperature=0) for i, p in enumerate(prompts())]
    for request, done in zip(requests, engine.generate(requests), strict=True):
        prompt = torch.tensor([request.prompt])
        reference = engine.model.generate(
            prompt,
            attention_mask=torch.ones_like(prompt),
            max_new_tokens=request.max_tokens,
            do_sample=False,
            pad_token_id=0,
        )
        assert list(done.ids) == reference[0, prompt.shape[1] :].tolist()


def test_logprobs_are_those_of_a_full_forward_pass(engine: Engine) -> None:
    requests = [
        Request(p, max_tokens=8, temperature=t, seed=5)
        for p, t in zip(prompts(), (0, 0.7, 1, 1.3, 0, 1), strict=True)
    ]
    for request, done in zip(requests, engine.generate(requests), strict=True):
        ids = torch.tensor([[*request.prompt, *done.ids]])
        with torch.inference_mode():
            logits = engine.model(ids).logits[0, len(request.prompt) - 1 : -1]
        expected = (logits / (request.temperature or 1)).log_softmax(-1)
        chosen = expected[torch.arange(len(done.ids)), list(done.ids)]
        torch.testing.assert_close(torch.tensor(done.logprobs), chosen, atol=2e-4, rtol=1e-3)


def test_a_seeded_sample_does_not_depend_on_the_batch(engine: Engine) -> None:
    wanted = Request(prompts()[2], max_tokens=20, seed=11)
    others = [Request(p, max_tokens=30, seed=i) for i, p in enumerate(prompts())]
    alone = engine.generate([wanted])[0]
    assert engine.generate([*others, wanted])[-1].ids == alone.ids
    assert engine.generate([Request(prompts()[2], max_tokens=20, seed=12)])[0].ids != alone.ids


def test_stop_strings_end_the_text_before_them(engine: Engine) -> None:
    free = engine.generate([Request(prompts()[1], max_tokens=30, temperature=0)])[0]
    printable = [c for c in free.text[2:] if c.isascii() and c.isprintable()]
    stop = printable[0] if printable else free.text[2]
    request = Request(prompts()[1], max_tokens=30, temperature=0, stop=(stop,))
    done = engine.generate([request])[0]
    assert done.finish == "stop"
    assert done.text == free.text[: free.text.index(stop)]
    assert done.ids == free.ids[: len(done.ids)]


def test_a_prompt_longer_than_the_context_is_refused_with_the_numbers(engine: Engine) -> None:
    with pytest.raises(ContextLengthError, match=r"300 tokens .* holds 256"):
        engine.submit(Request((1,) * 300))
    room = engine.generate([Request((1,) * (CONTEXT - 3), max_tokens=50, temperature=0)])[0]
    assert len(room.ids) <= 3


def test_top_k_top_p_and_temperature_shape_the_distribution() -> None:
    logits = torch.tensor([[2.0, 1.0, 0.0, -1.0]]).repeat(4, 1)
    shaped = sampling_logprobs(
        logits,
        temperature=torch.tensor([1.0, 1.0, 2.0, 0.0]),
        top_k=torch.tensor([2, 0, 0, 1]),
        top_p=torch.tensor([1.0, 0.7, 1.0, 0.1]),
    ).exp()
    softmax = logits[0].softmax(-1)
    torch.testing.assert_close(shaped[0], torch.tensor([0.7311, 0.2689, 0, 0]), atol=1e-4, rtol=0)
    torch.testing.assert_close(shaped[1], torch.tensor([0.7311, 0.2689, 0, 0]), atol=1e-4, rtol=0)
    torch.testing.assert_close(shaped[2], (logits[0] / 2).softmax(-1))
    torch.testing.assert_close(shaped[3], softmax)
    greedy = torch.zeros(4, dtype=torch.bool)
    extremes = torch.tensor([0.0, 1 - 1e-12, 0.5, 0.9999999])
    drawn = draw(shaped.log(), extremes, greedy)
    assert drawn[0] == 0
    assert drawn[1] == 1


def test_draws_follow_the_distribution() -> None:
    logprobs = torch.tensor([[0.5, 0.25, 0.25]]).log().repeat(4000, 1)
    uniform = torch.rand(4000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    counts = draw(logprobs, uniform, torch.zeros(4000, dtype=torch.bool)).bincount()
    assert abs(counts[0].item() - 2000) < 150


async def test_the_chat_model_returns_the_exact_tokens(folder: str) -> None:
    model = LocalChatModel(path=folder, max_tokens=10)
    reply = await model.ainvoke([SystemMessage("be brief"), HumanMessage("hi")])
    tokens = reply.response_metadata["tokens"]
    prompt = bytes(
        model.engine.tokenizer.decode(tokens["prompt_ids"], skip_special_tokens=False), "utf-8"
    )
    assert prompt == b"[system]be brief<end>[user]hi<end>[assistant]"
    assert len(tokens["completion_ids"]) == len(tokens["logprobs"])
    assert reply.usage_metadata is not None
    assert reply.usage_metadata["output_tokens"] == len(tokens["completion_ids"])


async def test_concurrent_calls_share_forward_passes(
    folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = LocalChatModel(path=folder, max_tokens=6, temperature=0)
    sizes: list[int] = []
    generate = model.engine.generate

    def counted(requests: list[Request]) -> Any:
        sizes.append(len(requests))
        return generate(requests)

    monkeypatch.setattr(model.engine, "generate", counted)
    await asyncio.gather(*(model.ainvoke(f"question {i}") for i in range(24)))
    assert sum(sizes) == 24
    assert len(sizes) < 12


async def test_repeats_of_a_prompt_differ_but_a_fresh_run_repeats_them(folder: str) -> None:
    async def samples() -> list[str]:
        model = LocalChatModel(path=folder, max_tokens=12, seed=3, temperature=1)
        return [(await model.ainvoke("same")).text for _ in range(3)]

    first = await samples()
    assert len(set(first)) > 1
    assert await samples() == first


async def test_an_episode_repeats_its_draws_though_another_came_before(folder: str) -> None:
    model = LocalChatModel(path=folder, max_tokens=12, temperature=1)

    async def episode(name: str) -> list[str]:
        metadata = {"seed": 7, "episode": name}
        return [(await model.ainvoke("hello", {"metadata": metadata})).text for _ in range(3)]

    first = await episode("a")
    assert len(set(first)) == 3
    assert await episode("b") == first


async def test_sampling_settings_left_out_are_those_of_the_folder(
    folder: str, tmp_path: Path
) -> None:
    import shutil

    own = shutil.copytree(folder, tmp_path / "own")
    transformers.GenerationConfig(
        do_sample=True, temperature=0.5, top_p=0.9, eos_token_id=256
    ).save_pretrained(own)
    model = LocalChatModel(path=str(own), top_p=0.8)
    assert model._sampling == {"temperature": 0.5, "top_p": 0.8, "top_k": 0}
    assert LocalChatModel(path=folder)._sampling["temperature"] == 0


async def test_bad_calls_are_clear_errors(folder: str) -> None:
    model = LocalChatModel(path=folder)
    with pytest.raises(ValueError, match="no messages"):
        await model.ainvoke([])
    with pytest.raises(ValueError, match="does not take logit_bias"):
        await model.ainvoke("x", logit_bias={})
    with pytest.raises(ContextLengthError):
        await model.ainvoke("x" * 1000)
    with pytest.raises(ValueError, match="temperature"):
        LocalChatModel(path=folder, temperature=-1)
    with pytest.raises(ValueError, match="colour"):
        LocalChatModel(path=folder, colour="red")


def test_closing_finishes_what_is_queued(folder: str) -> None:
    engine = Engine(folder)
    futures = [engine.submit(Request(p, max_tokens=4)) for p in prompts()]
    engine.close()
    assert all(f.done() for f in futures)
    assert engine.submit(Request((1, 2), max_tokens=2)).result(timeout=10).ids


def test_the_sync_door_works(folder: str) -> None:
    assert LocalChatModel(path=folder, max_tokens=3).invoke("hi").response_metadata["tokens"]
