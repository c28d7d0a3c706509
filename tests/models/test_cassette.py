from __future__ import annotations

import asyncio
import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, SystemMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.tools import tool
from pydantic import BaseModel, Field, SecretStr
from worlds import Counter

from symposia.agents import Actor, Critic, ToolAgent
from symposia.benchmarks import Name, evaluate, play
from symposia.episodes import EpisodeStore, Outcome, Recorder, Task, Turn
from symposia.graphs import act, refine
from symposia.models import ScriptedModel
from symposia.models.cassette import Cassette, CassetteMissError

KEY = "sk-proj-abcdefgh12345678abcdefgh"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "calls.jsonl"


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(text) for text in path.read_text().splitlines() if text]


class Rich(BaseChatModel):
    """Says everything that a reply can hold; counts its calls."""

    calls: list[Any] = Field(default_factory=list)
    temperature: float = 0.5
    api_key: SecretStr = SecretStr(KEY)

    @property
    def _llm_type(self) -> str:
        return "rich"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        headers = {"x-api-key": "plain-secret"}
        return {"model_name": "rich-1", "default_headers": headers, "api_key": self.api_key}

    def _generate(self, messages: Any, *args: Any, **kwargs: Any) -> ChatResult:
        self.calls.append(messages)
        n = len(self.calls)
        message = AIMessage(
            [
                {"type": "reasoning", "reasoning": f"thought {n}"},
                {"type": "text", "text": f'{{"key": "brass", "n": {n}}} sorted(x, key=len)'},
            ],
            tool_calls=[{"name": "look", "args": {"key": "brass", "token": "x"}, "id": f"c{n}"}],
            id=f"chatcmpl-{n}",
            usage_metadata={
                "input_tokens": 7,
                "output_tokens": 3,
                "total_tokens": 10,
                "input_token_details": {"cache_read": 2},
                "output_token_details": {"reasoning": 1},
            },
            additional_kwargs={"reasoning_content": f"thought {n}", "api_key": "plain-secret"},
            response_metadata={
                "model_name": "rich-1-20260101",
                "finish_reason": "stop",
                "cost": 0.125,
                "headers": {"set-cookie": "plain-secret"},
                "logprobs": {"content": [{"token": "a", "logprob": -0.1}]},
                "tokens": {
                    "prompt_ids": (1, 2, 3),
                    "completion_ids": (4, 5),
                    "logprobs": (-0.1, -float("inf")),
                },
            },
        )
        return ChatResult(generations=[ChatGeneration(message=message)])

    def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
        return self.bind(tools=[t.name for t in tools], **kwargs)


async def recorded(model: Any, *prompts: Any, **metadata: Any) -> list[Turn]:
    """The turns of these calls, without what time and chance put into them."""
    recorder = Recorder()
    for prompt in prompts:
        await model.ainvoke(prompt, {"callbacks": [recorder], "metadata": metadata})
    turns = recorder.episode(Task("t", "p"), Outcome(), run="r").turns
    return [replace(turn, id="", parent=None, started=0, seconds=0) for turn in turns]


async def test_a_replayed_turn_is_the_recorded_turn(path: Path) -> None:
    model = Rich()
    live = await recorded(Cassette(path, "record").wrap(model), "a", "a", "b")
    again = await recorded(Cassette(path).wrap(Rich(calls=[None] * 50)), "a", "a", "b")
    alone = await recorded(Cassette(path).wrap(), "a", "a", "b")
    assert live == again == alone
    assert len(model.calls) == 3
    turn = live[0]
    assert turn.tokens is not None
    assert turn.tokens.completion_ids == (4, 5)
    assert turn.tokens.logprobs == (-0.1, -float("inf"))
    assert (turn.cost, turn.prompt_tokens, turn.model) == (0.125, 7, "rich-1-20260101")


async def test_a_reply_is_kept_whole(path: Path) -> None:
    said = (await Cassette(path, "record").wrap(Rich()).ainvoke("a")).model_dump()
    (raw,) = Rich()._generate(["a"]).generations
    bare = raw.message.model_dump()
    for field in ("content", "tool_calls", "usage_metadata", "id"):
        assert said[field] == bare[field], field
    assert said["additional_kwargs"] == {"reasoning_content": "thought 1"}
    assert said["response_metadata"]["logprobs"] == bare["response_metadata"]["logprobs"]
    assert "headers" not in said["response_metadata"]
    assert (await Cassette(path).wrap().ainvoke("a")).model_dump() == said


async def test_samples_of_one_prompt_replay_in_order_whatever_runs_beside_them(path: Path) -> None:
    rng = random.Random(0)

    async def speak(messages: Any) -> str:
        await asyncio.sleep(rng.random() / 100)
        return f"{messages[0].text} {rng.random()}"

    async def episodes(model: Any, order: list[int]) -> dict[int, list[str]]:
        async def one(seed: int) -> tuple[int, list[str]]:
            config = {"metadata": {"seed": seed, "episode": f"{seed}/{rng.random()}"}}
            return seed, [(await model.ainvoke("roll", config)).text for _ in range(3)]

        return dict(await asyncio.gather(*map(one, order)))

    live = await episodes(Cassette(path, "record").wrap(ScriptedModel(speak)), list(range(20)))
    again = await episodes(Cassette(path).wrap(), list(reversed(range(20))))
    assert live == again
    assert len({text for texts in live.values() for text in texts}) == 60


async def test_a_run_of_a_team_is_repeated_offline(path: Path, tmp_path: Path) -> None:
    rng = random.Random(1)

    async def speak(messages: Any) -> str:
        await asyncio.sleep(rng.random() / 200)
        return f"<action>{rng.choice(['up', 'down'])}</action>"

    async def run(model: Any, name: str) -> list[list[Any]]:
        with EpisodeStore(tmp_path / name) as store:
            team = act(ToolAgent(model), max_steps=6, name="act")
            await evaluate(team, Counter(episodes=12), store=store, run="r", progress=False)
            return [[turn.reply for turn in episode.turns] for episode in store.episodes("r")]

    live = await run(Cassette(path, "record").wrap(ScriptedModel(speak)), "live")
    assert live == await run(Cassette(path).wrap(), "replay")


async def test_what_tells_calls_apart(path: Path) -> None:
    model = Cassette(path, "record").wrap(Rich())
    await model.ainvoke("a")
    await model.ainvoke("a", stop=["x"])
    await model.ainvoke("a", temperature=0)
    await model.ainvoke([SystemMessage("a")])
    await model.ainvoke([HumanMessage("a"), AIMessage("a"), HumanMessage("a")])
    await model.ainvoke("a", {"metadata": {"seed": 1}})
    await Cassette(path, "lenient").wrap(Rich(temperature=0.1)).ainvoke("a")
    await Cassette(path, "lenient").wrap(Rich(), name="other").ainvoke("a")
    written = lines(path)
    assert len({(line["request"], line["seed"]) for line in written}) == len(written) == 8
    assert {line["nth"] for line in written} == {0}


async def test_what_does_not_tell_calls_apart(path: Path) -> None:
    model = Cassette(path, "record").wrap(Rich())
    await model.ainvoke([AIMessage("a", id="1", response_metadata={"x": 1}), HumanMessage("b")])
    replay = Cassette(path).wrap()
    await replay.ainvoke([AIMessage("a", id="2"), HumanMessage("b", id="3")])
    elsewhere = {"metadata": {"episode": "another run", "agent": "critic"}}
    await replay.ainvoke([AIMessage("a"), HumanMessage("b")], elsewhere)


async def test_a_miss_names_the_nearest_prompt_and_the_mend(path: Path) -> None:
    model = Cassette(path, "record").wrap(Rich(), name="m")
    await model.ainvoke("You are in a kitchen. What now?")
    await model.ainvoke("Something else altogether: 1234567890.")
    replay = Cassette(path).wrap()
    with pytest.raises(
        CassetteMissError, match=r"nearest .* 'human: You are in a kitchen\."
    ) as miss:
        await replay.ainvoke("You are in a bathroom. What now?")
    assert "mode='lenient'" in str(miss.value)
    await replay.ainvoke("You are in a kitchen. What now?")
    with pytest.raises(CassetteMissError, match="nth=0 there, 1 now"):
        await replay.ainvoke("You are in a kitchen. What now?")
    with pytest.raises(CassetteMissError, match="seed=None there, 3 now"):
        await replay.ainvoke("You are in a kitchen. What now?", {"metadata": {"seed": 3}})
    with pytest.raises(CassetteMissError, match=r"options=.*temperature"):
        await replay.ainvoke("You are in a kitchen. What now?", temperature=1)


async def test_a_lenient_cassette_asks_only_for_what_it_lacks(path: Path) -> None:
    await Cassette(path, "record").wrap(Rich()).ainvoke("a")
    model = Rich()
    cassette = Cassette(path, "lenient")
    await recorded(cassette.wrap(model), "a", "b")
    assert len(model.calls) == 1
    assert len(cassette) == len(lines(path)) == 2


async def test_recording_anew_replaces_what_was_there(path: Path) -> None:
    await Cassette(path, "record").wrap(ScriptedModel(["old"])).ainvoke("a")
    await Cassette(path, "record").wrap(ScriptedModel(["new"])).ainvoke("a")
    replay = Cassette(path)
    assert ((await replay.wrap().ainvoke("a")).text, len(replay)) == ("new", 1)


async def test_a_call_recorded_twice_is_stored_once(path: Path) -> None:
    for _ in range(2):
        model = Cassette(path, "record").wrap(ScriptedModel(["x"] * 9))
        for episode in ("one", "two"):
            await model.ainvoke("a", {"metadata": {"seed": 0, "episode": episode}})
    assert len(lines(path)) == 1


async def test_equal_calls_at_the_same_time_get_what_was_stored(path: Path) -> None:
    numbers = iter(range(99))

    async def speak(messages: Any) -> str:
        await asyncio.sleep(0.001)
        return str(next(numbers))

    model = Cassette(path, "record").wrap(ScriptedModel(speak))
    configs = [{"metadata": {"seed": 0, "episode": str(i)}} for i in range(9)]
    replies = await asyncio.gather(*(model.ainvoke("a", config) for config in configs))
    assert len({reply.text for reply in replies}) == len(lines(path)) == 1


async def test_errors_are_not_recorded_and_their_place_goes_to_the_next_try(path: Path) -> None:
    script = [RuntimeError("429"), "first", RuntimeError("429"), "second"]
    model = (
        Cassette(path, "record")
        .wrap(ScriptedModel(script))
        .with_retry(wait_exponential_jitter=False)
    )
    assert [(await model.ainvoke("a")).text for _ in range(2)] == ["first", "second"]
    replay = Cassette(path).wrap()
    assert [(await replay.ainvoke("a")).text for _ in range(2)] == ["first", "second"]


@tool
def look(key: str) -> str:
    """Look."""
    return key


class Answer(BaseModel):
    value: int


async def test_tools_and_structured_output_work_through_the_wrapper(path: Path) -> None:
    call = {"name": "look", "args": {"key": "brass"}, "id": "1", "type": "tool_call"}
    script = ScriptedModel(["no", AIMessage("", tool_calls=[call]), '{"value": 3}', '{"value": 4}'])

    async def use(model: Any) -> list[Any]:
        raw = await model.with_structured_output(Answer, include_raw=True).ainvoke("a")
        return [
            (await model.bind_tools([look], tool_choice="any").ainvoke("a")).tool_calls,
            await model.with_structured_output(Answer).ainvoke("b"),
            (raw["raw"].text, raw["parsed"], type(raw["parsing_error"])),
            await model.with_structured_output(Answer.model_json_schema()).ainvoke("c"),
        ]

    live = await use(Cassette(path, "record").wrap(script))
    assert live[0][0]["args"] == {"key": "brass"}
    assert live[1] == Answer(value=3)
    assert live[2][:2] == ("no", None)
    assert live[3] == {"value": 4}
    assert live == await use(Cassette(path).wrap())
    with pytest.raises(CassetteMissError, match=r"schema=\{.*there, None now"):
        await Cassette(path).wrap().ainvoke("a", {"metadata": {}})


async def test_a_hosted_models_tools_reach_it(path: Path) -> None:
    asked: list[Any] = []

    class Hosted(Rich):
        def _generate(self, messages: Any, *args: Any, **kwargs: Any) -> ChatResult:
            asked.append((kwargs, args))
            return super()._generate(messages)

    model = Cassette(path, "record").wrap(Hosted())
    await model.bind_tools([look]).ainvoke("a", stop=["x"])
    assert asked[0][0]["tools"] == ["look"]
    assert ["x"] in (*asked[0][1], asked[0][0].get("stop"))


class Streaming(ScriptedModel):
    async def _astream(self, messages: Any, *args: Any, **kw: Any) -> AsyncIterator[Any]:
        for piece in self._reply(messages).split(" "):
            yield ChatGenerationChunk(message=AIMessageChunk(piece))


async def test_streams_are_recorded_and_replayed(path: Path) -> None:
    config = {"metadata": {"seed": 5, "episode": "e"}}
    model = Cassette(path, "record").wrap(Streaming(["a b c", "d e"]))
    live = [[chunk.text async for chunk in model.astream("x", config)] for _ in range(2)]
    assert live[0][:3] == ["a", "b", "c"]
    assert [line["seed"] for line in lines(path)] == [5, 5]
    replay = Cassette(path).wrap()
    again = [[chunk.text async for chunk in replay.astream("x", config)] for _ in range(2)]
    assert ["".join(texts) for texts in again] == ["abc", "de"]
    assert (await Cassette(path).wrap().ainvoke("x", config)).text == "abc"


async def test_a_replayed_stream_has_the_whole_message(path: Path) -> None:
    live = await Cassette(path, "record").wrap(Rich()).ainvoke("a")
    whole: Any = None
    async for chunk in Cassette(path).wrap().astream("a"):
        whole = chunk if whole is None else whole + chunk
    for field in ("content", "usage_metadata", "response_metadata", "id"):
        assert getattr(whole, field) == getattr(live, field), field
    assert [c["args"] for c in whole.tool_calls] == [c["args"] for c in live.tool_calls]


async def test_a_stream_that_is_left_is_not_recorded(path: Path) -> None:
    model = Cassette(path, "record").wrap(Streaming(["a b c", "d e"]))
    stream = model.astream("x")
    async for _ in stream:
        break
    await stream.aclose()
    assert not path.exists()


def test_calls_that_are_not_async_work_as_well(path: Path) -> None:
    assert Cassette(path, "record").wrap(ScriptedModel(["hi"])).invoke("a").text == "hi"
    assert Cassette(path).wrap().invoke("a").text == "hi"


async def test_the_wrapped_models_own_callbacks_are_not_told_twice(path: Path) -> None:
    class Ear(BaseCallbackHandler):
        heard = 0

        def on_llm_end(self, *args: Any, **kwargs: Any) -> None:
            self.heard += 1

    ear = Ear()
    await Cassette(path, "record").wrap(Rich()).ainvoke("a", {"callbacks": [ear]})
    assert ear.heard == 1


async def test_no_secret_reaches_the_file(path: Path) -> None:
    class Leaky(Rich):
        def _generate(self, messages: Any, *args: Any, **kwargs: Any) -> ChatResult:
            call = {"name": "f", "args": {"url": f"https://u:{KEY}@host", "a": [KEY]}, "id": "1"}
            message = AIMessage(
                f"use {KEY} or Bearer abcdefgh123456",
                tool_calls=[call],
                additional_kwargs={"note": KEY, "headers": {"x": "plain-secret"}},
                response_metadata={
                    "headers": {"set-cookie": "plain-secret"},
                    "api_key": "plain-secret",
                    "id": KEY,
                    "logprobs": {"content": [{"token": KEY}]},
                },
            )
            return ChatResult(generations=[ChatGeneration(message=message)])

    model = Cassette(path, "record").wrap(Leaky())
    prompt = [SystemMessage(f"key {KEY}"), HumanMessage("password=plain-secret or --x")]
    metadata = {"seed": 1, "api_key": KEY, "episode": KEY}
    live = await model.ainvoke(
        prompt,
        {"metadata": metadata},
        stop=[KEY],
        extra_headers={"Authorization": "plain-secret"},
        api_key=KEY,
    )
    written = path.read_text()
    for secret in (KEY, "plain-secret", "abcdefgh123456"):
        assert secret not in written
    other = "sk-proj-zzzzzzzz87654321zzzzzzzz"
    options: Any = {"extra_headers": {"Authorization": "mine"}, "api_key": other}
    again = (
        await Cassette(path)
        .wrap()
        .ainvoke(prompt, {"metadata": {"seed": 1}}, stop=[KEY], **options)
    )
    assert again.model_dump(exclude={"id"}) == live.model_dump(exclude={"id"})


def test_a_cassette_that_is_not_there_or_none_says_so(path: Path) -> None:
    with pytest.raises(ValueError, match="there is no cassette at"):
        Cassette(path)
    with pytest.raises(ValueError, match=r"unknown mode 'play'; there are: record, replay"):
        Cassette(path, "play")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="'record' needs a model"):
        Cassette(path, "record").wrap()
    path.write_text('{"a": 1}\n')
    with pytest.raises(ValueError, match="is not a cassette"):
        Cassette(path)


async def test_a_cassette_of_several_models_asks_which(path: Path) -> None:
    cassette = Cassette(path, "record")
    for name in ("big", "small"):
        await cassette.wrap(ScriptedModel([name]), name=name).ainvoke("a")
    with pytest.raises(ValueError, match="several models, give one as name: big; small"):
        Cassette(path).wrap()
    assert (await Cassette(path).wrap(name="small").ainvoke("a")).text == "small"


async def test_a_line_that_was_cut_off_anywhere_is_dropped(path: Path) -> None:
    model = Cassette(path, "record").wrap(ScriptedModel(["é one", "two"]))
    await model.ainvoke("a")
    whole = path.read_bytes()
    await model.ainvoke("b")
    full = path.read_bytes()
    for cut in range(len(whole), len(full), 7):
        path.write_bytes(full[:cut])
        assert len(Cassette(path)) == 1 + (cut >= len(full) - 1)
        await Cassette(path, "lenient").wrap(ScriptedModel(["two"])).ainvoke("b")
        replay = Cassette(path)
        assert len(replay) == 2
        assert (await replay.wrap().ainvoke("b")).text == "two"


WRITER = """
import asyncio, sys
from symposia.models import ScriptedModel
from symposia.models.cassette import Cassette

path, start, stop = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
model = Cassette(path, "lenient").wrap(ScriptedModel(lambda m: m[0].text * 2000), name="m")

async def main():
    print("ready", flush=True)
    for i in range(start, stop):
        await model.ainvoke(f"prompt {i}")

asyncio.run(main())
"""


def writer(path: Path, start: int, stop: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, str(path), str(start), str(stop)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


async def test_a_killed_writer_loses_at_most_the_call_under_way(path: Path) -> None:
    rng = random.Random(0)
    held = 0
    for _ in range(4):
        process = writer(path, 0, 100_000)
        assert process.stdout is not None
        process.stdout.readline()
        size = path.stat().st_size if path.exists() else 0
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if path.exists() and path.stat().st_size > size:
                break
            time.sleep(0.005)
        time.sleep(rng.uniform(0, 0.05))
        process.send_signal(signal.SIGKILL)
        process.wait()
        cassette = Cassette(path)
        assert len(cassette) > held
        held = len(cassette)
        model = cassette.wrap(name="m")
        for i in {0, held // 2, held - 1}:
            assert (await model.ainvoke(f"prompt {i}")).text == f"prompt {i}" * 2000


def test_two_processes_write_one_cassette(path: Path) -> None:
    processes = [writer(path, 0, 150), writer(path, 100, 250)]
    for process in processes:
        assert process.wait(timeout=120) == 0
    cassette = Cassette(path)
    assert len(cassette) == 250
    model = cassette.wrap(name="m")
    for i in range(250):
        assert model.invoke(f"prompt {i}").text == f"prompt {i}" * 2000


async def test_a_nested_team_replays_with_names_and_seeds(path: Path) -> None:
    rng = random.Random(3)
    words = ScriptedModel(lambda messages: f"<answer>{rng.random()}</answer>")

    async def run(model: Any) -> list[Any]:
        team = refine(Actor(model), Critic(model), rounds=1)
        episode = await play(team, Task("t", "?"), name=Name(seed=9))
        return [(turn.agent, turn.reply, turn.parsed) for turn in episode.turns]

    assert await run(Cassette(path, "record").wrap(words)) == await run(Cassette(path).wrap())
