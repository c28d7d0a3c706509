"""LoRA adapters that share a batch, on small random models: nobody notices the others."""

from __future__ import annotations

import json
import random
import re
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import wait
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="needs the local extra")
transformers = pytest.importorskip("transformers", reason="needs the local extra")
peft = pytest.importorskip("peft", reason="needs the train extra")

from random_models import gptj, make_folder, mixture  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402

from symposia.models.engine import Engine, Request  # noqa: E402

MIXED: dict[str, dict[str, Any]] = {
    "narrow": {"r": 2, "target_modules": ["q_proj", "v_proj"]},
    "wide": {"r": 8, "target_modules": "all-linear", "use_rslora": True},
    "odd": {
        "r": 4,
        "target_modules": ["embed_tokens", "down_proj", "lm_head"],
        "rank_pattern": {"down_proj": 3},
    },
}
GROUPED: dict[str, dict[str, Any]] = {
    "dora": {"r": 4, "target_modules": ["q_proj", "o_proj"], "use_dora": True},
    "head": {"r": 4, "target_modules": ["k_proj"], "modules_to_save": ["lm_head"]},
    "tokens": {"r": 4, "target_modules": ["k_proj"], "trainable_token_indices": [1, 2, 3]},
}


def make_adapter(base: str, path: Path, seed: int, **config: Any) -> str:
    """Write an adapter of random weights that the base does not drown."""
    torch.manual_seed(seed)
    config = {"lora_alpha": 32} | config
    model = transformers.AutoModelForCausalLM.from_pretrained(base)
    model = peft.get_peft_model(model, peft.LoraConfig(**config))
    for name, weight in model.named_parameters():
        if weight.requires_grad and "lora_A" not in name:
            torch.nn.init.normal_(weight, std=0.3)
    model.save_pretrained(path)
    return str(path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return make_folder(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def paths(folder: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    root = tmp_path_factory.mktemp("adapters")
    return {
        name: make_adapter(folder, root / name, seed, **config)
        for seed, (name, config) in enumerate((MIXED | GROUPED).items())
    }


@pytest.fixture(scope="module")
def said(folder: str, paths: dict[str, str]) -> Callable[[Request], list[int]]:
    """What `generate` says greedily, alone, with the request's adapter active."""

    @cache
    def reference(adapter: str | None) -> Any:
        model = transformers.AutoModelForCausalLM.from_pretrained(folder)
        return peft.PeftModel.from_pretrained(model, paths[adapter]) if adapter else model

    @cache
    def generated(request: Request) -> list[int]:
        ids = torch.tensor([request.prompt])
        out = reference(request.adapter).generate(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=request.max_tokens,
            do_sample=False,
            pad_token_id=0,
        )
        tokens: list[int] = out[0, ids.shape[1] :].tolist()
        return tokens

    return generated


@pytest.fixture
def engine(folder: str, paths: dict[str, str]) -> Iterator[Engine]:
    engine = Engine(folder)
    for name in MIXED:
        engine.load_adapter(name, paths[name])
    yield engine
    engine.close()


def requests(*adapters: str | None, each: int, longest: int = 90, **options: Any) -> list[Request]:
    """As many requests for each adapter, in a random order."""
    rng = random.Random(0)
    made = [
        Request(
            tuple(rng.randrange(250) for _ in range(rng.randint(1, longest))),
            **{"max_tokens": rng.randint(1, 24), "adapter": adapter} | options,
        )
        for adapter in adapters
        for _ in range(each)
    ]
    rng.shuffle(made)
    return made


def all_at_once(engine: Engine, asked: list[Request]) -> list[tuple[int, ...]]:
    """The replies to requests of which none begins before all are there."""
    began, there = threading.Event(), threading.Event()

    def hold(token: int) -> None:
        began.set()
        there.wait(10)

    engine.submit(Request((1,), max_tokens=1), hold)
    assert began.wait(10)
    futures = [engine.submit(request) for request in asked]
    there.set()
    return [future.result().ids for future in futures]


def test_rows_of_different_adapters_say_together_what_each_says_alone(
    engine: Engine, said: Callable[[Request], list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("symposia.models.engine.lane.CHUNK", 64)  # prompts are read in pieces
    asked = requests(None, *MIXED, each=10, temperature=0)
    expected = [tuple(said(request)) for request in asked]
    assert len(set(expected)) > 30
    assert all(engine.adapters.mixes(name) for name in MIXED)
    assert all_at_once(engine, asked) == expected
    assert all_at_once(engine, asked) == expected, "known prefixes"


def test_adapters_that_mix_need_no_more_passes_than_the_base_alone(
    engine: Engine, folder: str
) -> None:
    engine.ends = frozenset()  # so that all replies are as long as they may be
    mixed = requests("narrow", "wide", "odd", None, each=8, temperature=0, max_tokens=20)
    all_at_once(engine, mixed)
    alone = Engine(folder)
    alone.ends = frozenset()
    all_at_once(alone, [Request(each.prompt, 20, temperature=0) for each in mixed])
    assert engine.work.passes == alone.work.passes
    assert engine.work.sampled_tokens == alone.work.sampled_tokens == 1 + 32 * 20


@pytest.mark.parametrize("kind", GROUPED)
def test_what_peft_cannot_mix_has_passes_of_its_own_and_is_right(
    kind: str, folder: str, paths: dict[str, str], said: Callable[[Request], list[int]]
) -> None:
    engine = Engine(folder)
    for name in ("narrow", "wide", kind):
        engine.load_adapter(name, paths[name])
    assert not engine.adapters.mixes(kind)
    asked = requests(None, kind, "narrow", "wide", each=4, temperature=0)
    expected = [tuple(said(request)) for request in asked]
    assert all_at_once(engine, asked) == expected
    engine.unload_adapter(kind)
    left = [request for request in asked if request.adapter != kind]
    assert all_at_once(engine, left) == [tuple(said(request)) for request in left]


def test_the_same_seed_gives_the_same_tokens_whatever_adapters_run_beside(engine: Engine) -> None:
    wanted = requests("narrow", "wide", None, each=3, seed=5)
    alone = [engine.generate([request])[0].ids for request in wanted]
    others = requests("odd", "wide", None, each=12, seed=6)
    assert all_at_once(engine, [*others, *wanted])[len(others) :] == alone


def test_what_one_adapter_read_is_not_known_to_another(engine: Engine) -> None:
    prompt = tuple(range(64))
    asked = [Request(prompt, 2, adapter=name) for name in (None, *MIXED)]
    for request in asked:
        engine.generate([request])
        assert engine.work.reused_tokens == 0
    all_at_once(engine, asked)
    assert engine.work.reused_tokens == len(asked) * 48


def test_a_new_version_waits_for_the_requests_under_way_of_its_own_name_only(
    folder: str, paths: dict[str, str], said: Callable[[Request], list[int]]
) -> None:
    engine = Engine(folder, max_batch=2)
    engine.load_adapter("agent", paths["narrow"])
    engine.load_adapter("other", paths["wide"])
    engine.ends = frozenset()
    heard: dict[str, int] = {"other": 0, "agent": 0}

    def ask(adapter: str, tokens: int) -> Any:
        def listen(token: int) -> None:
            heard[adapter] += 1
            time.sleep(0.002)

        return engine.submit(Request((3, 4, 5), tokens, 0, adapter=adapter), listen)

    long, running, waiting = ask("other", 250), ask("agent", 20), ask("agent", 20)
    while not all(heard.values()):
        time.sleep(0.001)
    engine.load_adapter("agent", paths["odd"])
    assert running.done() and not long.done()
    assert list(running.result().ids) == said(Request((3, 4, 5), 20, 0, adapter="narrow"))
    assert list(waiting.result().ids) == said(Request((3, 4, 5), 20, 0, adapter="odd"))
    long.cancel()
    engine.close()


def test_an_adapter_that_gives_no_numbers_harms_only_its_own_requests(
    engine: Engine, paths: dict[str, str], tmp_path: Path
) -> None:
    shutil.copytree(paths["narrow"], tmp_path / "broken")
    weights = tmp_path / "broken" / "adapter_model.safetensors"
    save_file({key: each * torch.nan for key, each in load_file(weights).items()}, weights)
    engine.load_adapter("broken", str(tmp_path / "broken"))
    assert engine.adapters.mixes("broken")
    good = requests(None, "narrow", "wide", each=8, temperature=0)
    expected = all_at_once(engine, good)
    for _ in range(3):
        asked = [each for one in good for each in (Request(one.prompt, 9, adapter="broken"), one)]
        futures = [engine.submit(request) for request in asked]
        for future in futures[::2]:
            with pytest.raises(FloatingPointError, match="'broken' gives logits that are no num"):
                future.result()
        assert [future.result().ids for future in futures[1::2]] == expected


def test_a_pass_that_fails_leaves_nothing_behind(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = requests(None, *MIXED, each=3, temperature=0)
    expected = all_at_once(engine, asked)

    def broken(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("a kernel failed")

    with monkeypatch.context() as patched:
        patched.setattr(engine.model.model.layers[1].mlp, "forward", broken)
        futures = [engine.submit(request) for request in asked]
        assert all(isinstance(future.exception(), RuntimeError) for future in futures)
    assert [engine.generate([request])[0].ids for request in asked] == expected
    assert all_at_once(engine, asked) == expected


def test_a_new_version_may_be_of_a_kind_that_mixes_no_more(
    engine: Engine, paths: dict[str, str], said: Callable[[Request], list[int]]
) -> None:
    began, ask = threading.Event(), Request((5, 6, 7), 12, 0)

    def hold(token: int) -> None:
        began.set()
        time.sleep(0.3)

    for kind in ("dora", "narrow", "dora"):
        engine.load_adapter("agent", paths[kind])
        assert engine.adapters.mixes("agent") == (kind == "narrow")
        expected = said(replace(ask, adapter=kind))
        assert list(engine.generate([replace(ask, adapter="agent")])[0].ids) == expected
    engine.submit(Request((1,), 2, adapter="agent"), hold)
    assert began.wait(10)
    waiting = engine.submit(replace(ask, adapter="agent"))
    engine.load_adapter("agent", paths["narrow"])
    assert list(waiting.result(10).ids) == said(replace(ask, adapter="narrow"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"bias": "all"}, "bias='all': it changes biases of the base itself"),
        ({"layer_replication": [[0, 2], [0, 1]]}, "layer_replication"),
        ({"alora_invocation_tokens": [1, 2]}, "alora_invocation_tokens"),
        ({"peft_type": "PROMPT_TUNING"}, "of the kind PROMPT_TUNING: the engine knows LORA"),
    ],
)
def test_an_adapter_that_would_not_stay_an_adapter_is_refused(
    change: dict[str, Any], message: str, engine: Engine, paths: dict[str, str], tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(paths["narrow"], tmp_path / "other"))
    config = json.loads((folder / "adapter_config.json").read_text())
    (folder / "adapter_config.json").write_text(json.dumps(config | change))
    with pytest.raises(ValueError, match=re.escape(message)):
        engine.load_adapter("other", str(folder))
    assert engine.adapters.names == list(MIXED)


def test_an_adapter_with_embeddings_of_its_own_cannot_replace_the_bases(
    folder: str, paths: dict[str, str], tmp_path: Path
) -> None:
    changed = Path(shutil.copytree(paths["odd"], tmp_path / "changed"))
    weights = load_file(changed / "adapter_model.safetensors")
    key = "base_model.model.model.embed_tokens.base_layer.weight"
    assert key in weights, sorted(weights)
    save_file(weights | {key: weights[key] + 1}, changed / "adapter_model.safetensors")
    engine = Engine(folder)
    expected = engine.generate([Request((1, 2), 9, 0)])
    with pytest.raises(ValueError, match=r"embed_tokens.* changes the base itself"):
        engine.load_adapter("changed", str(changed))
    assert engine.generate([Request((1, 2), 9, 0)]) == expected


def test_layers_that_see_no_rows_are_not_mixed(tmp_path: Path) -> None:
    base = make_folder(tmp_path / "mixture", model=mixture)
    config = {"r": 4, "target_modules": ["shared_expert_gate", "q_proj"]}
    engine = Engine(base)
    engine.load_adapter("a", make_adapter(base, tmp_path / "a", 1, **config))
    engine.load_adapter("b", make_adapter(base, tmp_path / "b", 2, r=4, target_modules=["q_proj"]))
    assert not engine.adapters.mixes("a") and engine.adapters.mixes("b")
    asked = requests("a", "b", None, each=4, temperature=0)
    alone = [engine.generate([request])[0].ids for request in asked]
    assert all_at_once(engine, asked) == alone


def test_a_model_that_shares_no_batch_takes_adapters_in_turns(tmp_path: Path) -> None:
    base = make_folder(tmp_path / "base", model=gptj)
    engine = Engine(base)
    for seed, name in enumerate(("a", "b")):
        engine.load_adapter(
            name, make_adapter(base, tmp_path / name, seed, r=4, target_modules=["q_proj"])
        )
    asked = requests("a", "b", None, each=3, temperature=0)
    alone = [engine.generate([request])[0].ids for request in asked]
    assert len(set(alone)) > 3
    assert all_at_once(engine, asked) == alone


def test_a_soak_of_adapters_that_come_and_go_drains(
    folder: str, paths: dict[str, str], said: Callable[[Request], list[int]]
) -> None:
    engine = Engine(folder, max_batch=16, prefix_bytes=100_000)
    names = ["narrow", "wide", "dora"]
    for name in names:
        engine.load_adapter(name, paths[name])
    rng = random.Random(7)
    asked, futures = [], []
    for i in range(600):
        adapter = rng.choice([None, *names])
        length = rng.choice((1, 4, 9))
        asked.append(Request((1, 2, rng.randrange(4)), length, 0, adapter=adapter))
        futures.append(engine.submit(asked[-1]))
        if i % 100 == 50:
            engine.load_adapter(names[i // 100 % 3], paths[names[i // 100 % 3]])
        if rng.random() < 0.3:
            rng.choice(futures).cancel()
    _, pending = wait(futures, timeout=60)
    assert not pending
    replied = [pair for pair in zip(asked, futures, strict=True) if not pair[1].cancelled()]
    assert len(replied) > 300
    for request, future in replied:
        assert list(future.result().ids) == said(request)
