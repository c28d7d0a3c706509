"""The client against a stand-in server, and against answers recorded from a real vLLM."""

from __future__ import annotations

import asyncio
import json
import pickle
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from pydantic import BaseModel, ValidationError
from stub_server import DROP, HANG, Refusal, StubServer

from symposia.episodes import Outcome, Recorder, Task
from symposia.models.served import ServedChatModel, resilience
from symposia.models.served.resilience import DeadlineError, ServerDownError, ServerError

RECORDED = json.loads((Path(__file__).parent / "vllm_recorded.json").read_text())
"""Real exchanges with vLLM 0.32 and a small model."""
PAGE = "<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resilience, "FIRST_WAIT", 0.001)


@pytest.fixture
async def stub() -> AsyncIterator[StubServer]:
    async with StubServer() as server:
        yield server


def served(stub: StubServer, **fields: Any) -> ServedChatModel:
    return ServedChatModel(**{"base_url": stub.url, "model": "base", "timeout": 5, **fields})


async def ask(model: ServedChatModel, streamed: bool, seen: list[Any] | None = None) -> None:
    """Ask for a reply, whole or in pieces that go into `seen`."""
    if not streamed:
        await model.ainvoke("hi")
        return
    async for chunk in model.astream("hi"):
        if seen is not None:
            seen.append(chunk)


async def until(true: Any) -> None:
    async with asyncio.timeout(2):
        while not true():
            await asyncio.sleep(0.005)


# What a reply carries


async def test_a_reply_carries_the_exact_tokens_of_the_server(stub: StubServer) -> None:
    reply = await served(stub).ainvoke("three short words")
    seed = stub.requests[0]["seed"]
    ids = tuple((seed + 7 * i) % 1000 for i in range(4))
    assert reply.text == " ".join(f"w{i}" for i in ids)
    assert reply.response_metadata == {
        "model_name": "base",
        "finish_reason": "stop",
        "stop_reason": None,
        "tokens": {
            "prompt_ids": (5, 5, 5),
            "completion_ids": ids,
            "logprobs": tuple(-i / 1000 for i in ids),
        },
    }
    assert reply.usage_metadata == {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}


async def test_the_recorder_keeps_the_tokens_whole_and_streamed(stub: StubServer) -> None:
    recorder = Recorder()
    model = served(stub)
    await model.ainvoke("hi", {"callbacks": [recorder]})
    async for _ in model.astream("hello", {"callbacks": [recorder]}):
        pass
    turns = recorder.episode(Task("t", "hi"), Outcome(), run="r").turns
    assert [len(turn.tokens.completion_ids) for turn in turns if turn.tokens] == [4, 4]
    assert [turn.model for turn in turns] == ["base", "base"]


@pytest.mark.parametrize("part", ["token_ids", "logprobs"])
async def test_a_server_that_gives_only_part_of_the_tokens_gives_none(
    stub: StubServer, part: str
) -> None:
    def strip(answer: dict[str, Any]) -> dict[str, Any]:
        answer["choices"][0][part] = None
        return answer

    stub.edit = strip
    reply = await served(stub).ainvoke("hi")
    assert "tokens" not in reply.response_metadata
    assert reply.text


async def test_a_server_without_vllms_extras_is_not_asked_for_them(stub: StubServer) -> None:
    reply = await served(stub, token_ids=False).ainvoke("hi")
    assert not {"return_token_ids", "logprobs", "top_k"} & set(stub.requests[0])
    assert "tokens" not in reply.response_metadata


def cut_ids(answer: dict[str, Any]) -> None:
    answer["choices"][0]["token_ids"].pop()


def cut_logprobs(answer: dict[str, Any]) -> None:
    answer["choices"][0]["logprobs"]["content"].pop()


def wrong_usage(answer: dict[str, Any]) -> None:
    answer["usage"]["completion_tokens"] += 1


def wrong_prompt(answer: dict[str, Any]) -> None:
    answer["usage"]["prompt_tokens"] += 1


def no_logprob(answer: dict[str, Any]) -> None:
    answer["choices"][0]["logprobs"]["content"][1]["logprob"] = -9999.0


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(
    ("break_it", "says"),
    [
        (cut_ids, "3 completion ids, 4 log-probabilities, 4 tokens in its usage"),
        (cut_logprobs, "4 completion ids, 3 log-probabilities"),
        (wrong_usage, "5 tokens in its usage"),
        (wrong_prompt, "1 prompt ids, but its usage counts 2"),
        (no_logprob, "without its log-probability"),
    ],
)
async def test_counts_that_disagree_are_an_error(
    stub: StubServer, break_it: Any, says: str, streamed: bool
) -> None:
    def edit(answer: dict[str, Any]) -> dict[str, Any]:
        break_it(answer)
        return answer

    stub.edit = edit
    with pytest.raises(ServerError, match=says):
        await ask(served(stub), streamed)
    assert len(stub.requests) == 1


def think(name: str) -> Any:
    def edit(answer: dict[str, Any]) -> dict[str, Any]:
        answer["choices"][0]["message"][name] = "let me see"
        return answer

    return edit


@pytest.mark.parametrize("name", ["reasoning", "reasoning_content"])
async def test_reasoning_is_kept_apart_from_the_text(stub: StubServer, name: str) -> None:
    stub.edit = think(name)
    reply = await served(stub).ainvoke("hi")
    assert reply.additional_kwargs["reasoning_content"] == "let me see"
    assert "let me see" not in reply.text


# What is asked


async def test_settings_go_out_as_vllm_names_them_and_those_left_out_do_not(
    stub: StubServer,
) -> None:
    model = served(
        stub, max_tokens=2, temperature=0.5, top_p=0.9, top_k=7, extra_body={"min_p": 0.1}
    )
    reply = await model.ainvoke("hi", stop=["w1"], temperature=0)
    asked = stub.requests[0]
    assert {k: asked[k] for k in ("max_tokens", "temperature", "top_p", "top_k", "min_p")} == {
        "max_tokens": 2,
        "temperature": 0,
        "top_p": 0.9,
        "top_k": 7,
        "min_p": 0.1,
    }
    assert asked["stop"] == ["w1"]
    assert reply.response_metadata["finish_reason"] == "length"
    await served(stub).ainvoke("hi")
    assert set(stub.requests[1]) == {"model", "messages", "seed", "return_token_ids", "logprobs"}


async def test_an_episode_repeats_its_draws_though_another_came_before(stub: StubServer) -> None:
    async def episode(name: str, model: ServedChatModel) -> list[str]:
        config = {"metadata": {"seed": 7, "episode": name}}
        return [(await model.ainvoke("hello", config)).text for _ in range(3)]

    model = served(stub)
    first = await episode("a", model)
    assert len(set(first)) == 3
    assert await episode("b", model) == first
    assert await episode("a", served(stub)) == first
    assert await episode("c", served(stub, seed=8)) == first
    other = (await served(stub, seed=8).ainvoke("hello")).text
    assert other not in first
    assert all(0 <= asked["seed"] < 2**63 for asked in stub.requests)


async def test_draws_do_not_depend_on_the_random_ids_of_tool_calls(stub: StubServer) -> None:
    def conversation(call: str) -> list[Any]:
        calls = [{"name": "add", "args": {"a": 1}, "id": call}]
        return [
            HumanMessage("1 + 1?"),
            AIMessage("", tool_calls=calls),
            ToolMessage("2", tool_call_id=call),
        ]

    await served(stub).ainvoke(conversation("x1"))
    await served(stub).ainvoke(conversation("x2"))
    assert stub.requests[0]["messages"][1]["tool_calls"][0]["id"] == "x1"
    assert stub.requests[0]["seed"] == stub.requests[1]["seed"]


async def test_bad_calls_are_clear_errors_before_any_request(stub: StubServer) -> None:
    model = served(stub)
    with pytest.raises(ValueError, match="no messages"):
        await model.ainvoke([])
    with pytest.raises(ValueError, match="does not take logit_bias"):
        await model.ainvoke("x", logit_bias={})
    assert stub.requests == []
    for wrong in ({"temperature": -1}, {"timeout": 0}, {"colour": "red"}, {"base_url": "host:80"}):
        with pytest.raises(ValidationError, match=next(iter(wrong))):
            served(stub, **wrong)


def test_a_url_without_a_path_gets_the_usual_one() -> None:
    def url(text: str) -> str:
        return ServedChatModel(base_url=text, model="m").base_url

    assert url("http://host:8000") == url("http://host:8000/v1/") == "http://host:8000/v1"
    assert url("https://host/openai/v1") == "https://host/openai/v1"


async def test_the_key_is_sent_and_never_shown(stub: StubServer) -> None:
    recorder = Recorder()
    model = served(stub, api_key="hunter2hunter2", retries=0)
    await model.ainvoke("hi", {"callbacks": [recorder]})
    assert stub.headers[0]["authorization"] == "bearer hunter2hunter2"
    stub.faults.append(Refusal(401, '{"error": {"message": "Unauthorized"}}'))
    with pytest.raises(ServerError, match="Unauthorized; give the server's key") as error:
        await model.ainvoke("hi", {"callbacks": [recorder]})
    episode = recorder.episode(Task("t", "hi"), Outcome(), run="r")
    for text in (repr(model), str(model.model_dump()), str(error.value), str(episode)):
        assert "hunter2" not in text


# Tools, structured output, streams


ADD = {
    "type": "function",
    "function": {"name": "add", "parameters": {"type": "object", "properties": {}}},
}


def call(arguments: str, name: str | None = "add") -> Any:
    def edit(answer: dict[str, Any]) -> dict[str, Any]:
        function = {"name": name, "arguments": arguments}
        answer["choices"][0]["finish_reason"] = "tool_calls"
        answer["choices"][0]["message"] |= {
            "content": None,
            "tool_calls": [{"id": "call-1", "type": "function", "function": function}],
        }
        return answer

    return edit


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        (None, None),
        ("auto", "auto"),
        ("any", "required"),
        ("add", {"type": "function", "function": {"name": "add"}}),
    ],
)
async def test_bound_tools_are_sent_and_calls_are_read(
    stub: StubServer, choice: str | None, sent: Any
) -> None:
    stub.edit = call('{"a": 1}')
    model = served(stub).bind_tools([ADD], tool_choice=choice)
    reply = await model.ainvoke("1 + 1?")
    assert stub.requests[0]["tools"][0]["function"]["name"] == "add"
    assert stub.requests[0].get("tool_choice") == sent
    assert [(c["name"], c["args"], c["id"]) for c in reply.tool_calls] == [
        ("add", {"a": 1}, "call-1")
    ]
    assert reply.text == ""
    assert reply.response_metadata["finish_reason"] == "tool_calls"


@pytest.mark.parametrize("arguments", ['{"a": 1', "[1]", "false", "a = 1"])
async def test_calls_whose_arguments_are_no_object_are_invalid(
    stub: StubServer, arguments: str
) -> None:
    stub.edit = call(arguments)
    reply = await served(stub).bind_tools([ADD]).ainvoke("1 + 1?")
    assert reply.tool_calls == []
    assert [c["args"] for c in reply.invalid_tool_calls] == [arguments]


class Verdict(BaseModel):
    good: bool


def say(text: str) -> Any:
    def edit(answer: dict[str, Any]) -> dict[str, Any]:
        answer["choices"][0]["message"]["content"] = text
        return answer

    return edit


async def test_structured_output_is_constrained_and_validated(stub: StubServer) -> None:
    stub.edit = say('{"good": true}')
    assert await served(stub).with_structured_output(Verdict).ainvoke("x") == Verdict(good=True)
    sent = stub.requests[0]["response_format"]
    assert sent["type"] == "json_schema"
    assert sent["json_schema"] == {"name": "Verdict", "schema": Verdict.model_json_schema()}
    plain = served(stub).with_structured_output(Verdict.model_json_schema())
    assert await plain.ainvoke("x") == {"good": True}
    stub.edit = say('{"good": tr')
    with pytest.raises(ValidationError):
        await served(stub).with_structured_output(Verdict).ainvoke("x")
    both = await served(stub).with_structured_output(Verdict, include_raw=True).ainvoke("x")
    assert both["parsed"] is None
    assert both["raw"].text == '{"good": tr'
    assert isinstance(both["parsing_error"], ValidationError)


async def test_a_stream_adds_up_to_the_whole_reply(stub: StubServer) -> None:
    model = served(stub)
    whole = await model.ainvoke("hello there")
    chunks = [chunk async for chunk in served(stub).astream("hello there")]
    assert stub.requests[1]["stream_options"] == {"include_usage": True}
    assert len([chunk for chunk in chunks if chunk.text]) == 4
    total = chunks[0]
    for chunk in chunks[1:]:
        total += chunk
    assert total.text == whole.text
    assert total.response_metadata == whole.response_metadata
    assert total.usage_metadata == whole.usage_metadata


async def test_reasoning_is_streamed(stub: StubServer) -> None:
    stub.edit = think("reasoning")
    total: Any = None
    async for chunk in served(stub).astream("hi"):
        total = chunk if total is None else total + chunk
    assert total.additional_kwargs["reasoning_content"] == "let me see"


async def test_with_tools_a_reply_comes_whole_so_that_no_call_is_completed(
    stub: StubServer,
) -> None:
    stub.edit = call('{"a": 1')
    chunks = [chunk async for chunk in served(stub).bind_tools([ADD]).astream("1 + 1?")]
    assert "stream" not in stub.requests[0]
    assert [chunk.tool_calls for chunk in chunks] == [[]]
    assert chunks[0].invalid_tool_calls[0]["args"] == '{"a": 1'


# Faults


async def test_a_stream_that_breaks_off_is_an_error_and_not_tried_again(stub: StubServer) -> None:
    stub.faults.append(DROP)
    seen: list[Any] = []
    with pytest.raises(ServerError, match="broke off"):
        await ask(served(stub), True, seen)
    assert len(seen) == 1
    assert len(stub.requests) == 1


async def test_a_failure_reported_in_a_stream_is_an_error(stub: StubServer) -> None:
    event = 'data: {"error": {"message": "engine died", "code": 500}}\n\ndata: [DONE]\n\n'
    stub.faults.append(Refusal(200, event, {"Content-Type": "text/event-stream"}))
    with pytest.raises(ServerError, match="failed while it answered: engine died"):
        await ask(served(stub), streamed=True)


async def test_a_stream_that_ends_early_without_a_word_is_an_error(stub: StubServer) -> None:
    event = 'data: {"choices": [{"index": 0, "delta": {"content": "w"}}]}\n\n'
    stub.faults.append(Refusal(200, event, {"Content-Type": "text/event-stream"}))
    with pytest.raises(ServerError, match="before its reply was whole"):
        await ask(served(stub), streamed=True)


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_server_that_hangs_ends_at_the_deadline(stub: StubServer, streamed: bool) -> None:
    stub.faults.append(HANG)
    model = served(stub, timeout=1.0)
    began = time.perf_counter()
    with pytest.raises(DeadlineError, match="no whole answer in 1 s"):
        await ask(model, streamed)
    assert time.perf_counter() - began < 10
    await until(lambda: stub.left == 1 and stub.connections == 0)


async def test_a_slow_stream_ends_at_the_deadline_too(stub: StubServer) -> None:
    stub.pause = 0.4
    seen: list[Any] = []
    with pytest.raises(DeadlineError):
        await ask(served(stub, timeout=1.0), True, seen)
    assert seen


async def test_lost_connections_are_tried_again(stub: StubServer) -> None:
    stub.faults += [DROP, DROP]
    assert (await served(stub).ainvoke("hi")).text
    assert len(stub.requests) == 3
    assert len({asked["seed"] for asked in stub.requests}) == 1


@pytest.mark.parametrize("streamed", [False, True])
async def test_5xx_is_tried_again(stub: StubServer, streamed: bool) -> None:
    stub.faults += [Refusal(500), Refusal(502, PAGE), Refusal(503)]
    model = served(stub)
    if streamed:
        assert [chunk async for chunk in model.astream("hi")]
    else:
        assert (await model.ainvoke("hi")).text
    assert len(stub.requests) == 4


async def test_a_429_storm_is_waited_out_as_the_server_asks(stub: StubServer) -> None:
    stub.faults += [Refusal(429, "slow down", {"Retry-After": "1"}) for _ in range(20)]
    model = served(stub, retries=20, timeout=60)
    began = time.perf_counter()
    replies = await asyncio.gather(*(model.ainvoke(f"hi {i}") for i in range(20)))
    assert 1 <= time.perf_counter() - began < 2
    assert all(reply.text for reply in replies)
    assert len(stub.requests) == 40


async def test_retry_after_beyond_the_deadline_fails_at_once(stub: StubServer) -> None:
    stub.faults.append(Refusal(429, "slow down", {"Retry-After": "60"}))
    began = time.perf_counter()
    with pytest.raises(ServerError, match="answered 429: slow down"):
        await served(stub).ainvoke("hi")
    assert time.perf_counter() - began < 0.5


async def test_a_date_in_retry_after_is_understood(stub: StubServer) -> None:
    date = "Fri, 31 Dec 2100 23:59:59 GMT"
    stub.faults.append(Refusal(503, "later", {"Retry-After": date}))
    with pytest.raises(ServerError) as error:
        await served(stub).ainvoke("hi")
    assert error.value.retry_after > 1e9


@pytest.mark.parametrize(
    ("refusal", "says"),
    [
        (Refusal(400, '{"error": {"message": "too long"}}'), "answered 400: too long"),
        (Refusal(404, '{"detail": "Not Found"}'), "Not Found; check the base URL"),
        (Refusal(404, PAGE), "502 Bad Gateway nginx"),
        (Refusal(422, '[{"msg": "wrong"}]'), "wrong"),
        (Refusal(302, "", {"Location": "/login"}), "answered 302"),
        (Refusal(200, '{"choices": ['), "no chat completion"),
        (Refusal(200, PAGE), "it begins b'<html>"),
        (Refusal(200, '{"choices": []}'), "without any choice"),
        (
            Refusal(200, '{"choices": [{"logprobs": {"content": [{"logprob": NaN}]}}]}'),
            "finite number",
        ),
        (Refusal(200, '{"choices": [{}, {}]}'), "at most 1 item"),
        (Refusal(200, '{"error": {"message": "no credit"}}'), "no credit"),
    ],
)
async def test_what_waiting_does_not_mend_is_not_tried_again(
    stub: StubServer, refusal: Refusal, says: str
) -> None:
    stub.faults.append(refusal)
    with pytest.raises(ServerError, match=says) as error:
        await served(stub).ainvoke("hi")
    assert len(stub.requests) == 1
    assert "<" not in str(error.value) or refusal.status == 200
    assert str(pickle.loads(pickle.dumps(error.value))) == str(error.value)


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_reply_that_the_server_gave_up_is_an_error(
    stub: StubServer, streamed: bool
) -> None:
    def abort(answer: dict[str, Any]) -> dict[str, Any]:
        answer["choices"][0]["finish_reason"] = "abort"
        return answer

    stub.edit = abort
    with pytest.raises(ServerError, match="base was stopped while it answered"):
        await ask(served(stub), streamed)


async def test_a_page_in_place_of_a_stream_is_an_error(stub: StubServer) -> None:
    stub.faults.append(Refusal(200, PAGE, {"Content-Type": "text/html"}))
    with pytest.raises(ServerError, match="text/html"):
        await ask(served(stub), streamed=True)


async def test_an_unknown_model_is_named(stub: StubServer) -> None:
    with pytest.raises(ServerError, match=r"404: The model `bass` does not exist\.$"):
        await served(stub, model="bass").ainvoke("hi")


async def test_a_server_that_is_not_there_is_named_with_the_mend() -> None:
    async with StubServer() as gone:
        pass
    with pytest.raises(ServerError, match=r"cannot reach http://127.*symposia serve"):
        await served(gone, retries=1).ainvoke("hi")


async def test_a_server_that_is_down_is_left_alone(
    stub: StubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resilience, "COOL_DOWN", 0.1)
    stub.faults += [Refusal(500)] * resilience.FAILURES
    model = served(stub, retries=0)
    for _ in range(resilience.FAILURES):
        with pytest.raises(ServerError, match="answered 500"):
            await model.ainvoke("hi")
    with pytest.raises(ServerDownError):
        await model.with_adapter("other").ainvoke("hi")
    assert len(stub.requests) == resilience.FAILURES
    await asyncio.sleep(0.12)
    assert (await model.ainvoke("hi")).text


async def test_a_cancelled_call_closes_its_connection_and_frees_its_place(
    stub: StubServer,
) -> None:
    model = served(stub, connections=1)
    for streamed in (False, True):
        stub.faults.append(HANG)
        work = model.ainvoke("hi") if not streamed else anext(aiter(model.astream("hi")))
        task = asyncio.ensure_future(work)
        await until(lambda: stub.connections == 1)
        await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await until(lambda: stub.connections == 0)
    assert stub.left == 2
    assert (await model.ainvoke("hi")).text


async def test_a_stream_that_nobody_reads_on_frees_its_place(stub: StubServer) -> None:
    model = served(stub, connections=1)
    stub.pause = 0.01
    stream = model.astream("hi")
    await anext(stream)
    await stream.aclose()
    assert (await model.ainvoke("hi")).text


# Many calls, event loops, threads


async def test_500_calls_are_under_way_at_once_and_keep_their_connections(
    stub: StubServer,
) -> None:
    stub.barrier = asyncio.Barrier(500)
    model = served(stub, timeout=60, connections=500)
    replies = await asyncio.gather(*(model.ainvoke(f"{i}") for i in range(500)))
    assert len({reply.text for reply in replies}) > 100
    stub.barrier = None
    await asyncio.gather(*(model.ainvoke(f"{i}") for i in range(100)))
    assert stub.accepted == 500
    await model.aclose()
    await until(lambda: stub.connections == 0)


async def test_calls_past_the_connections_wait_for_a_place(stub: StubServer) -> None:
    model = served(stub, connections=3)
    await asyncio.gather(*(model.ainvoke(f"{i}") for i in range(20)))
    assert len(stub.requests) == 20
    assert stub.accepted == 3


async def test_the_sync_door_works_also_beside_a_running_loop(stub: StubServer) -> None:
    model = served(stub)
    first = await asyncio.to_thread(model.invoke, "hi")
    second = await asyncio.to_thread(lambda: list(model.stream("hi")))
    assert len(first.response_metadata["tokens"]["completion_ids"]) == 4
    assert second[0].text
    assert stub.accepted == 1


def test_a_model_outlives_the_event_loop_that_used_it() -> None:
    model = ServedChatModel(base_url="http://127.0.0.1:9", model="base")

    async def ask() -> str:
        async with StubServer() as stub:
            model._server.url = stub.url
            return (await model.ainvoke("hi")).text

    assert asyncio.run(ask())
    assert asyncio.run(ask())
    assert len(model._server._lanes) == 1


# Adapters


async def test_an_adapter_is_loaded_used_and_unloaded(stub: StubServer) -> None:
    model = served(stub)
    critic = await model.aload_adapter("critic-v1", "/adapters/critic-v1")
    assert stub.requests[0] == {"lora_name": "critic-v1", "lora_path": "/adapters/critic-v1"}
    assert (await critic.ainvoke("hi")).response_metadata["model_name"] == "critic-v1"
    reply = await model.ainvoke("hi", model="critic-v1")
    assert reply.response_metadata["model_name"] == "critic-v1"
    assert (await model.ainvoke("hi")).response_metadata["model_name"] == "base"
    assert stub.accepted == 1
    await model.aunload_adapter("critic-v1")
    with pytest.raises(ServerError, match="does not exist"):
        await critic.ainvoke("hi")


async def test_adapters_have_a_sync_door(stub: StubServer) -> None:
    model = served(stub)
    critic = await asyncio.to_thread(model.load_adapter, "critic-v1", "/adapters/critic-v1")
    assert critic.model == "critic-v1"
    await asyncio.to_thread(model.unload_adapter, "critic-v1")
    assert stub.models == ["base"]


async def test_a_refused_adapter_says_why_and_is_not_tried_again(stub: StubServer) -> None:
    model = served(stub)
    await model.aload_adapter("a", "/a")
    with pytest.raises(ServerError, match=r"'a' was not loaded.*already been loaded"):
        await model.aload_adapter("a", "/a")
    with pytest.raises(ServerError, match=r"'b' was not loaded.*No adapter found for /missing"):
        await model.aload_adapter("b", "/missing")
    with pytest.raises(ServerError, match=r"'b' was not unloaded.*cannot be found"):
        await model.aunload_adapter("b")
    asked = len(stub.requests)
    with pytest.raises(ValueError, match="'b/c' is relative"):
        await model.aload_adapter("b", "b/c")
    stub.lora = False
    with pytest.raises(ServerError, match=r"Not Found.*symposia serve --lora"):
        await model.aload_adapter("c", "/c")
    assert len(stub.requests) == asked == 4


# A real vLLM


async def replay(stub: StubServer, name: str, **options: Any) -> AIMessage:
    """The reply that comes of a recorded answer."""
    real = RECORDED[name]
    if "sse" in real:
        events = "".join(f"{line}\n" for line in real["sse"])
        stub.faults.append(
            Refusal(200, events, {"Content-Type": "text/event-stream; charset=utf-8"})
        )
        total: Any = None
        async for chunk in served(stub, **options).astream("hi"):
            total = chunk if total is None else total + chunk
        return total
    stub.faults.append(Refusal(real["status"], json.dumps(real["body"])))
    return await served(stub, retries=0, **options).ainvoke("hi")


@pytest.mark.parametrize("name", ["whole", "streamed"])
async def test_real_tokens_are_kept_exactly(stub: StubServer, name: str) -> None:
    reply = await replay(stub, name)
    tokens = reply.response_metadata["tokens"]
    assert tokens["prompt_ids"][:4] == (2, 288, 963, 349)
    assert len(tokens["prompt_ids"]) == 29
    assert tokens["completion_ids"][:3] == (632, 21, 203)
    assert tokens["logprobs"][:2] == (-0.0019318267004564404, pytest.approx(-6.0556485e-05))
    assert reply.text.startswith("<reasoning>1\n<reasoning>")
    assert reply.response_metadata["finish_reason"] == "length"
    if name == "whole":
        assert reply.usage_metadata["output_tokens"] == len(tokens["completion_ids"]) == 6


async def test_a_real_stream_agrees_with_its_usage(stub: StubServer) -> None:
    reply = await replay(stub, "streamed_usage")
    assert reply.usage_metadata == {"input_tokens": 29, "output_tokens": 17, "total_tokens": 46}
    assert reply.text.endswith("</answer>")
    assert reply.response_metadata["finish_reason"] == "stop"


async def test_a_real_call_whose_arguments_are_no_object_is_invalid(stub: StubServer) -> None:
    reply = await replay(stub, "tools")
    assert [(c["name"], c["args"]) for c in reply.invalid_tool_calls] == [("add", "false")]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("unknown_model", r"404: The model `nope` does not exist\. Valid aliases: tiny"),
        ("prompt_too_long", "400: .*maximum context length"),
        ("rank_too_high", "500: .*LoRA rank 16 is greater than max_lora_rank 8"),
        ("adapter_missing", "404: Loading lora absent failed"),
    ],
)
async def test_real_refusals_keep_the_servers_words(stub: StubServer, name: str, says: str) -> None:
    with pytest.raises(ServerError, match=says):
        await replay(stub, name)


@pytest.mark.parametrize("name", ["whole", "unknown_model", "adapter_missing"])
def test_the_stand_in_has_no_field_that_vllm_has_not(name: str) -> None:
    def names(value: Any) -> set[str]:
        if isinstance(value, list):
            return set().union(*map(names, value)) if value else set()
        if isinstance(value, dict):
            return set(value) | names(list(value.values()))
        return set()

    asked = {"model": "m", "messages": [{"content": "x"}], "logprobs": 1, "return_token_ids": 1}
    ours = {"error": {"message": "", "type": "", "param": None, "code": 404}}
    if name == "whole":
        ours = StubServer().answer(asked)
    assert names(ours) <= names(RECORDED[name]["body"])


def test_importing_symposia_brings_no_http_client() -> None:
    check = "import sys, symposia, symposia.models; print('httpx2' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


async def test_a_reply_tells_which_stop_string_ended_it_where_the_server_does() -> None:
    def stopped(answer: Any) -> Any:
        answer["choices"][0]["stop_reason"] = "</end>"
        return answer

    def silent(answer: Any) -> Any:
        del answer["choices"][0]["stop_reason"]
        return answer

    for edit, told in ((stopped, "</end>"), (silent, "not told")):
        async with StubServer(edit=edit) as stub:
            reply = await served(stub).ainvoke("hi", stop=["</end>"])
        assert reply.response_metadata.get("stop_reason", "not told") == told
