"""Our models answer a plain call directly, and no recorder can tell."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.callbacks import AsyncCallbackHandler
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from langchain_core.outputs import LLMResult
from langchain_core.rate_limiters import InMemoryRateLimiter

from symposia.episodes import Budget, BudgetExceeded, Outcome, Recorder, Task
from symposia.models import ScriptedModel

ASKED = [SystemMessage("Be brief."), HumanMessage("What is 2 + 3?", id="q")]


class Listening(Recorder):
    """A recorder that notes what it is told."""

    def __init__(self, budget: Budget | None = None) -> None:
        super().__init__(budget)
        self.heard: list[tuple[Any, ...]] = []

    def on_chat_model_start(self, serialized: Any, messages: Any, **told: Any) -> None:
        self.heard.append(("start", messages, told["metadata"]))
        super().on_chat_model_start(serialized, messages, **told)

    def on_llm_end(self, response: LLMResult, *, run_id: UUID, **kwargs: Any) -> None:
        said: Any = response.generations[0][0]
        assert said.message.id == f"lc_run--{run_id}-0"
        self.heard.append(("end", said.message.model_copy(update={"id": None})))
        super().on_llm_end(response, run_id=run_id, **kwargs)

    def on_llm_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        self.heard.append(("error", repr(error)))
        super().on_llm_error(error, run_id=run_id, **kwargs)


CALLS: dict[str, tuple[Any, dict[str, Any], dict[str, Any]]] = {
    "plain": ("5", {}, {}),
    "stop": ("5 it is", {}, {"stop": [" it"]}),
    "metadata": ("5", {"metadata": {"agent": "a", "seed": 3}, "tags": ["t"]}, {}),
    "options": ("5", {}, {"temperature": 0.5}),
    "message": (AIMessage("5", response_metadata={"cost": 0.1}), {}, {}),
    "error": (ConnectionError("no line"), {}, {}),
}


@pytest.mark.parametrize("call", CALLS)
async def test_recorders_hear_what_langchain_tells_them(call: str) -> None:
    reply, config, options = CALLS[call]
    heard, replies = [], []
    for way in (ScriptedModel.ainvoke, BaseChatModel.ainvoke):
        model, listener = ScriptedModel([reply], metadata={"team": "x"}), Listening()
        try:
            said = await way(model, ASKED, {**config, "callbacks": [listener]}, **options)
            replies.append(said.model_copy(update={"id": None}))
        except ConnectionError as error:
            replies.append(error)
        heard.append(listener.heard)
    assert heard[0] == heard[1]
    assert replies[0] == replies[1]
    assert [what[0] for what in heard[0]] == ["start", "error" if call == "error" else "end"]


async def test_a_call_keeps_the_id_that_it_was_given() -> None:
    given = uuid4()
    reply = await ScriptedModel(["5"]).ainvoke(ASKED, {"run_id": given})
    assert reply.id == f"lc_run--{given}-0"


async def test_what_is_written_to_a_conversation_later_is_not_on_record() -> None:
    recorder, said = Recorder(), [*ASKED]
    said.append(await ScriptedModel(["5"]).ainvoke(said, {"callbacks": [recorder]}))
    turn = recorder.episode(Task("t", "p"), Outcome(), run="r").turns[0]
    assert [message["role"] for message in turn.messages] == ["system", "user"]


async def test_a_spent_budget_refuses_the_call() -> None:
    model = ScriptedModel(["5", "6"])
    config: Any = {"callbacks": [Listening(Budget(calls=1))]}
    await model.ainvoke(ASKED, config)
    with pytest.raises(BudgetExceeded, match="1 model calls"):
        await model.ainvoke(ASKED, config)
    assert (await model.ainvoke(ASKED)).text == "6"


async def test_other_listeners_hear_as_well() -> None:
    class Other(AsyncCallbackHandler):
        ended = 0

        async def on_llm_end(self, response: LLMResult, **kwargs: Any) -> None:
            self.ended += 1

    other, listener = Other(), Listening()
    await ScriptedModel(["5"]).ainvoke(ASKED, {"callbacks": [other, listener]})
    assert other.ended == 1
    assert [what[0] for what in listener.heard] == ["start", "end"]


async def test_caches_and_limiters_still_work() -> None:
    class Counting(InMemoryRateLimiter):
        asked = 0

        async def aacquire(self, *, blocking: bool = True) -> bool:
            self.asked += 1
            return True

    cached = ScriptedModel(["5", "6"], cache=InMemoryCache())
    assert [(await cached.ainvoke(ASKED)).text for _ in range(3)] == ["5"] * 3
    limiter = Counting()
    await ScriptedModel(["5"], rate_limiter=limiter).ainvoke(ASKED)
    assert limiter.asked == 1


async def test_a_prompt_may_be_a_text() -> None:
    assert (await ScriptedModel(lambda m: m[-1].text).ainvoke("What is 2 + 3?")).text == (
        "What is 2 + 3?"
    )
