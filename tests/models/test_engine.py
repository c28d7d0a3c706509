"""The engine on small random models: exactness, whoever else is in the batch."""

from __future__ import annotations

import math
import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError, wait
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="needs the local extra")
transformers = pytest.importorskip("transformers", reason="needs the local extra")

from random_models import CONTEXT, gptj, llama, longrope, make_folder, mamba, mistral  # noqa: E402

from symposia.models.engine import (  # noqa: E402
    ContextLengthError,
    Engine,
    EngineMemoryError,
    Grammar,
)
from symposia.models.engine.lane import CHUNK, Lane  # noqa: E402
from symposia.models.engine.request import Completion, Request  # noqa: E402


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return make_folder(tmp_path_factory.mktemp("model"))


@pytest.fixture
def engine(folder: str) -> Iterator[Engine]:
    engine = Engine(folder)
    yield engine
    engine.close()


def prompts(number: int = 50, longest: int = 90) -> list[tuple[int, ...]]:
    rng = random.Random(0)
    return [
        tuple(rng.randrange(250) for _ in range(rng.randint(1, longest))) for _ in range(number)
    ]


def generated(model: Any, request: Request) -> list[int]:
    """What `generate` says, alone."""
    ids = torch.tensor([request.prompt])
    out = model.generate(
        ids,
        attention_mask=torch.ones_like(ids),
        max_new_tokens=request.max_tokens,
        do_sample=False,
        pad_token_id=0,
    )
    said: list[int] = out[0, ids.shape[1] :].tolist()
    return said


def test_greedy_tokens_are_those_of_generate(folder: str) -> None:
    reference, rng = Engine(folder).model, random.Random(0)
    requests = [Request(p, max_tokens=rng.randint(1, 24), temperature=0) for p in prompts()]
    expected = [generated(reference, request) for request in requests]
    for batch in (1, 2, 5, 32):
        engine = Engine(folder, max_batch=batch)
        assert [list(done.ids) for done in engine.generate(requests)] == expected
        assert [list(done.ids) for done in engine.generate(requests)] == expected, "known prefixes"
        assert engine.work.reused_tokens > 0


def test_the_same_seed_gives_the_same_tokens_whatever_else_runs(engine: Engine) -> None:
    wanted = [Request(p, max_tokens=20, seed=i) for i, p in enumerate(prompts(8))]
    alone = [engine.generate([request])[0].ids for request in wanted]
    rng = random.Random(1)
    others = [Request(p, max_tokens=rng.randint(1, 40), seed=99) for p in prompts(60)]
    mixed = [*wanted, *others]
    rng.shuffle(mixed)
    futures = {request: engine.submit(request) for request in mixed}
    assert [futures[request].result().ids for request in wanted] == alone


def test_what_was_never_written_is_never_read(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory comes as it is; whatever was in it must not reach a reply."""
    requests = [
        Request(prompt, max_tokens=1 + 7 * i % 20, temperature=1.0, seed=i)
        for i, prompt in enumerate(prompts())
    ]
    alone = [engine.generate([request])[0] for request in requests]

    def full_of_nan(like: torch.Tensor, capacity: int, columns: int) -> torch.Tensor:
        return like.new_full((capacity, like.shape[1], columns, like.shape[3]), math.nan)

    monkeypatch.setattr("symposia.models.engine.cache._new", full_of_nan)
    for lane in engine._each_lane:
        lane.prefixes.clear()
    assert [each.ids for each in engine.generate(requests)] == [each.ids for each in alone]


def test_a_prompt_longer_than_a_chunk_is_read_in_pieces(tmp_path: Path) -> None:
    engine = Engine(make_folder(tmp_path, context=4 * CHUNK))
    long, short = Request((7, 8, 9) * CHUNK, max_tokens=3, temperature=0), Request((1, 2), 8)
    running = engine.submit(Request((5,), max_tokens=200, seed=1))
    futures = [engine.submit(long), engine.submit(short)]
    assert running.result().ids
    assert list(futures[0].result().ids) == generated(engine.model, long)
    assert futures[1].result().ids == engine.generate([short])[0].ids


def test_branches_of_a_search_read_their_common_beginning_once(engine: Engine) -> None:
    trunk = tuple(random.Random(3).randrange(250) for _ in range(128))
    branches = [Request((*trunk, i, i + 1), max_tokens=4, seed=i) for i in range(16)]
    futures = [engine.submit(branch) for branch in branches]
    wait(futures)
    read = engine.work.prompt_tokens - engine.work.reused_tokens
    assert engine.work.prompt_tokens == 16 * 130
    assert read == 130 + 15 * 2
    fresh = Engine(engine.tokenizer.name_or_path, prefix_bytes=0)
    assert [f.result().ids for f in futures] == [d.ids for d in fresh.generate(branches)]
    assert fresh.work.reused_tokens == 0


def test_a_conversation_goes_on_from_what_was_read_and_said(engine: Engine) -> None:
    first = engine.generate([Request(prompts()[0] * 3, max_tokens=30, seed=4)])[0]
    before = engine.work.reused_tokens
    longer = (*prompts()[0] * 3, *first.ids, 17, 18)
    engine.generate([Request(longer, max_tokens=2)])
    reused = engine.work.reused_tokens - before
    assert len(longer) - 16 - 3 <= reused < len(longer)


def test_measures_are_those_of_the_models_own_distribution(engine: Engine) -> None:
    request = Request(prompts()[3], max_tokens=6, temperature=0.5, seed=2, measure=True, top=3)
    done = engine.generate([request])[0]
    with torch.inference_mode():
        ids = torch.tensor([[*request.prompt, *done.ids]])
        own = engine.model(ids).logits[0, len(request.prompt) - 1 : -1].log_softmax(-1)
    entropy = -(own.exp() * own).sum(-1)
    certainty = torch.full_like(own, 1 / own.shape[-1]) * (-own.shape[-1] * own.exp()).abs().log()
    assert done.measures is not None
    torch.testing.assert_close(torch.tensor(done.measures.entropy), entropy, atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(
        torch.tensor(done.measures.self_certainty), -certainty.sum(-1), atol=1e-3, rtol=1e-3
    )
    for best, row in zip(done.top, own, strict=True):
        assert [i for i, _ in best] == row.topk(3).indices.tolist()


def test_scores_are_the_log_probabilities_of_given_tokens(engine: Engine) -> None:
    prompt = prompts()[4]
    done = engine.generate([Request(prompt, max_tokens=5, seed=3)])[0]
    (score, other) = engine.score(prompt, [done.ids, (1, 2)])
    torch.testing.assert_close(torch.tensor(score), torch.tensor(done.logprobs), atol=1e-3, rtol=0)
    assert len(other) == 2 and all(each < 0 for each in other)
    with pytest.raises(ValueError, match="at least one token"):
        engine.score(prompt, [()])


@pytest.mark.parametrize("kind", [llama, mistral, longrope])
def test_scores_read_the_prompt_once_where_sequences_may_stand_side_by_side(
    kind: Any, tmp_path: Path
) -> None:
    engine = Engine(make_folder(tmp_path, model=kind))
    prompt, rng = tuple(random.Random(2).randrange(250) for _ in range(100)), random.Random(3)
    continuations = [
        tuple(rng.randrange(250) for _ in range(rng.randint(1, 60))) for _ in range(40)
    ]
    scores = engine.score(prompt, continuations)
    for given, score in zip(continuations, scores, strict=True):
        with torch.inference_mode():
            logits = engine.model(torch.tensor([[*prompt, *given]])).logits[0, 99:-1]
        own = logits.log_softmax(-1).gather(-1, torch.tensor(given)[:, None])[:, 0]
        torch.testing.assert_close(torch.tensor(score), own, atol=1e-4, rtol=1e-4)
    read = engine.work.prompt_tokens - engine.work.reused_tokens
    lengths = [len(each) for each in continuations]
    if kind is not llama:
        assert read == sum(100 + length for length in lengths)
        return
    assert read == 100 + sum(length - 1 for length in lengths)
    assert engine.work.passes < len(continuations) / 2
    again = engine.score(prompt, [(7,), (8,)])
    assert again == [*engine.score(prompt, [(7,)]), *engine.score(prompt, [(8,)])]
    assert engine.work.prompt_tokens - engine.work.reused_tokens == read + 3 * 4
    assert engine.score(prompt, []) == []
    with pytest.raises(ContextLengthError, match="300 tokens"):
        engine.score(prompt, [(1,), (1,) * 200])


def test_hidden_states_are_those_of_a_forward_pass(engine: Engine) -> None:
    ids = prompts()[5]
    with torch.inference_mode():
        expected = engine.model(torch.tensor([ids]), output_hidden_states=True).hidden_states
    torch.testing.assert_close(engine.hidden(ids), expected[-1][0])
    torch.testing.assert_close(engine.hidden(ids, layer=0), expected[0][0])


def test_a_cancelled_request_leaves_the_batch_and_disturbs_nobody(engine: Engine) -> None:
    wanted = Request(prompts()[1], max_tokens=40, seed=1)
    alone = engine.generate([wanted])[0].ids
    began = threading.Event()
    victim = engine.submit(Request(prompts()[2], max_tokens=150), lambda token: began.set())
    other = engine.submit(wanted)
    assert began.wait(10)
    assert victim.cancel()
    assert other.result().ids == alone
    with pytest.raises(CancelledError):
        victim.result()
    engine.close()
    assert engine.work.sampled_tokens < 40 + 40 + 150


def test_callers_wait_while_the_queue_is_full(folder: str) -> None:
    engine = Engine(folder, max_batch=1, max_waiting=3)
    submitted: list[Any] = []

    def flood() -> None:
        submitted.extend(engine.submit(Request((i,), max_tokens=2)) for i in range(30))

    most = 0
    thread = threading.Thread(target=flood)
    thread.start()
    while thread.is_alive():
        most = max(most, sum(not f.done() for f in list(submitted)))
        time.sleep(0.0005)
    assert len([f.result() for f in submitted]) == 30
    assert most <= 3 + 2


def test_too_little_memory_shrinks_the_batch_and_tries_again(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests = [Request(p, max_tokens=9, seed=i) for i, p in enumerate(prompts(20))]
    expected = engine.generate(requests)
    step = Lane.step

    def limited(lane: Lane) -> None:
        step(lane)
        if len(lane.running) > 10:
            raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(Lane, "step", limited)
    heard: list[int] = []
    futures = [engine.submit(request, heard.append) for request in requests]
    assert [f.result().ids for f in futures] == [done.ids for done in expected]
    assert len(heard) == sum(len(done.ids) for done in expected), "no token is heard twice"

    def hopeless(lane: Lane) -> None:
        step(lane)
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(Lane, "step", hopeless)
    with pytest.raises(EngineMemoryError, match="too little memory for a prompt of 1 tokens"):
        engine.generate([Request((1,), max_tokens=9)])
    monkeypatch.setattr(Lane, "step", step)
    assert [d.ids for d in engine.generate(requests[:3])] == [d.ids for d in expected[:3]]


@pytest.mark.parametrize("error", [torch.OutOfMemoryError, RuntimeError])
def test_nobody_waits_forever_when_the_first_token_cannot_be_drawn(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    requests = [Request(p, max_tokens=4, seed=i) for i, p in enumerate(prompts(6))]
    expected = [done.ids for done in engine.generate(requests)]
    sample, failures = Lane._sample, [error("no")]

    def failing(lane: Lane, *args: Any) -> None:
        if failures:
            raise failures.pop()
        sample(lane, *args)

    monkeypatch.setattr(Lane, "_sample", failing)
    futures = [engine.submit(request) for request in requests]
    done, pending = wait(futures, timeout=20)
    assert not pending
    if error is torch.OutOfMemoryError:
        assert [f.result().ids for f in futures] == expected
    else:
        assert {type(f.exception()) for f in done} <= {RuntimeError, type(None)}
    assert [d.ids for d in engine.generate(requests)] == expected


def test_the_batch_grows_again_after_a_while(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("symposia.models.engine.lane.CALM", 5)
    lane = engine._lanes[None]
    lane.shrink(1)
    engine.generate([Request((1, 2), max_tokens=40)])
    assert lane.most == lane.limit


def test_callbacks_in_the_engines_thread_cannot_lock_it(engine: Engine) -> None:
    said: list[Any] = []

    def ask(done: Any) -> None:
        said.append(engine.score((1,), [(2,)]))
        with pytest.raises(RuntimeError, match="cannot wait for itself"):
            engine.close()
        said.append(engine.submit(Request((3,), max_tokens=2)))

    engine.max_waiting = 1
    began = threading.Event()
    first = engine.submit(Request((1, 2), max_tokens=3), lambda token: began.wait(5))
    first.add_done_callback(ask)
    began.set()
    assert first.result(10).ids
    until = time.monotonic() + 10
    while len(said) < 2 and time.monotonic() < until:
        time.sleep(0.01)
    assert said[1].result(10).ids


def test_what_a_grammar_puts_in_has_a_finite_log_probability(engine: Engine) -> None:
    grammar = Grammar.regex(r"\([^)]*\)x")
    requests = [
        Request((i, 1), max_tokens=12, top_k=1, seed=i, grammar=grammar) for i in range(120)
    ]
    for done in engine.generate(requests):
        assert all(math.isfinite(logprob) for logprob in done.logprobs)
        assert done.text.startswith("(") and done.text.endswith(")x")


def test_an_error_in_a_step_is_its_callers_and_the_engine_goes_on(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = Request((1, 2, 3), max_tokens=4, seed=1)
    expected = engine.generate([request])

    def broken(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("a kernel failed")

    with monkeypatch.context() as patched:
        patched.setattr(engine.model, "forward", broken)
        with pytest.raises(RuntimeError, match="a kernel failed"):
            engine.generate([request])
    assert engine.generate([request]) == expected


@pytest.mark.parametrize("kind", [mistral, gptj, longrope])
def test_models_that_share_no_batch_run_one_at_a_time_and_right(kind: Any, tmp_path: Path) -> None:
    engine = Engine(make_folder(tmp_path, model=kind))
    asked = [*prompts(8), (7, 8, 9) * 50]
    requests = [Request(p, max_tokens=12, temperature=0) for p in asked]
    expected = [generated(engine.model, request) for request in requests]
    assert [list(done.ids) for done in engine.generate(requests)] == expected


def test_a_model_without_keys_and_values_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"MambaForCausalLM.*serve it with vLLM"):
        Engine(make_folder(tmp_path, model=mamba))


def test_bad_requests_are_refused_before_any_compute(engine: Engine) -> None:
    with pytest.raises(ContextLengthError, match=rf"{CONTEXT} tokens .* holds {CONTEXT}"):
        engine.submit(Request((1,) * CONTEXT))
    with pytest.raises(ValueError, match="no tokens"):
        engine.submit(Request(()))
    with pytest.raises(ValueError, match="no adapter 'poet'; loaded are: none"):
        engine.submit(Request((1,), adapter="poet"))
    with pytest.raises(ValueError, match="top=5000: the vocabulary has 257"):
        engine.submit(Request((1,), top=5000))
    for wrong in ({"max_tokens": 0}, {"temperature": -1.0}, {"top_p": 0.0}, {"top_k": -1}):
        with pytest.raises(ValueError, match=f"{next(iter(wrong))}=.* is out of range"):
            Request((1,), **wrong)
    with pytest.raises(ValueError, match="token ids from 1 to 99999; the vocabulary has 0 to 256"):
        engine.submit(Request((1, 99999)))
    assert engine.work.passes == 0


def test_a_listener_that_fails_harms_only_its_own_request(engine: Engine) -> None:
    def deaf(token: int) -> None:
        raise RuntimeError("no ears")

    other = Request(prompts()[0], max_tokens=9, seed=1)
    alone = engine.generate([other])[0]
    broken, fine = engine.submit(Request((1, 2), max_tokens=9), deaf), engine.submit(other)
    assert fine.result().ids == alone.ids
    with pytest.raises(RuntimeError, match="no ears"):
        broken.result()


def test_a_soak_of_random_requests_and_cancellations_drains(folder: str) -> None:
    engine = Engine(folder, max_batch=48, prefix_bytes=200_000)
    rng = random.Random(5)
    trunks = prompts(12, longest=60)
    futures = []
    for i in range(2000):
        prompt = (*rng.choice(trunks), *(rng.randrange(250) for _ in range(rng.randint(0, 9))))
        futures.append(engine.submit(Request(prompt, max_tokens=rng.randint(1, 12), seed=i)))
        if rng.random() < 0.3:
            rng.choice(futures).cancel()
    done, pending = wait(futures, timeout=120)
    assert not pending
    finished = [f.result() for f in done if not f.cancelled()]
    assert all(isinstance(each, Completion) and each.ids for each in finished)
    assert len(finished) > 1000
    engine.close()
    assert engine._worker is None
