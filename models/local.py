"""A local Hugging Face model as a LangChain chat model, with exact tokens on every reply."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from concurrent.futures import Future
from functools import cached_property
from hashlib import blake2b
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, convert_to_openai_messages
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic import ConfigDict, Field, PrivateAttr

from .engine import Completion, Engine, Request

REMEMBERED_PROMPTS = 100_000
"""How many prompts keep their count of repeats, from which repeats get seeds of their own."""


class LocalChatModel(BaseChatModel):
    """Chat with a causal language model in this process.

    Every reply carries `response_metadata["tokens"]`: prompt ids, sampled completion ids and their
    log-probabilities. Concurrent calls share forward passes. Sampling is seeded by the episode's
    seed (`metadata["seed"]` of the run's config, else `seed`), the prompt, and how often that
    prompt came before in the episode (`metadata["episode"]`), so it does not depend on what else
    runs.

    Raises:
        ContextLengthError: a prompt leaves no room in the context; before any compute.
        ValueError: there are no messages, or the folder's tokenizer has no chat template.
    """

    model_config = ConfigDict(extra="forbid", ignored_types=(cached_property,))

    path: str
    device: str = "cpu"
    max_tokens: int = Field(default=256, gt=0)
    temperature: float | None = Field(default=None, ge=0)
    """0 is greedy. What is left out, here and below, is as the model's generation config has it."""
    top_p: float | None = Field(default=None, gt=0, le=1)
    top_k: int | None = Field(default=None, ge=0)
    seed: int = 0
    _asked: OrderedDict[tuple[str, bytes], int] = PrivateAttr(default_factory=OrderedDict)

    @cached_property
    def engine(self) -> Engine:
        """The engine, loaded at first use."""
        engine = Engine(self.path, self.device)
        if not engine.tokenizer.chat_template:
            raise ValueError(f"the tokenizer in {self.path} has no chat template")
        return engine

    @property
    def _llm_type(self) -> str:
        return "local"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model_name": self.name or self.path}

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        metadata = run_manager.metadata if run_manager else {}
        request, future = self._submit(messages, stop, metadata, kwargs)
        return self._result(request, future.result())

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        metadata = run_manager.metadata if run_manager else {}
        request, future = self._submit(messages, stop, metadata, kwargs)
        return self._result(request, await asyncio.wrap_future(future))

    def _submit(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None,
        metadata: dict[str, Any],
        options: dict[str, Any],
    ) -> tuple[Request, Future[Completion]]:
        unknown = set(options) - {"max_tokens", "temperature", "top_p", "top_k", "seed"}
        if unknown:
            raise ValueError(f"a local model does not take {', '.join(sorted(unknown))}")
        prompt = self._prompt(messages)
        options = {**self._sampling, **options}
        seed = options.get("seed", metadata.get("seed", self.seed))
        request = Request(
            prompt=prompt,
            max_tokens=options.get("max_tokens", self.max_tokens),
            temperature=options["temperature"],
            top_p=options["top_p"],
            top_k=options["top_k"],
            stop=tuple(stop or ()),
            seed=self._call_seed(int(seed), prompt, str(metadata.get("episode", ""))),
        )
        return request, self.engine.submit(request)

    @cached_property
    def _sampling(self) -> dict[str, Any]:
        """Sampling settings: this object's, else those of the folder's generation config."""
        folder = self.engine.model.generation_config
        own = {
            "temperature": (folder.temperature or 1.0) if folder.do_sample else 0.0,
            "top_p": folder.top_p or 1.0,
            "top_k": folder.top_k or 0,
        }
        mine = {name: getattr(self, name) for name in own}
        return {name: own[name] if mine[name] is None else mine[name] for name in own}

    def _prompt(self, messages: list[BaseMessage]) -> tuple[int, ...]:
        if not messages:
            raise ValueError("there are no messages to answer")
        ids = self.engine.tokenizer.apply_chat_template(
            convert_to_openai_messages(messages),
            add_generation_prompt=True,
            tokenize=True,
            return_dict=False,
        )
        return tuple(ids)

    def _call_seed(self, seed: int, prompt: tuple[int, ...], episode: str) -> int:
        """A seed for this call: repeats of a prompt in an episode draw anew, but reproducibly."""
        digest = blake2b(repr((seed, prompt)).encode(), digest_size=16).digest()
        key = (episode, digest)
        count = self._asked.pop(key, 0)
        self._asked[key] = count + 1
        if len(self._asked) > REMEMBERED_PROMPTS:
            self._asked.popitem(last=False)
        return int.from_bytes(digest, "big") + count

    def _result(self, request: Request, done: Completion) -> ChatResult:
        prompt, completion = len(request.prompt), len(done.ids)
        message = AIMessage(
            done.text,
            usage_metadata=UsageMetadata(
                input_tokens=prompt, output_tokens=completion, total_tokens=prompt + completion
            ),
            response_metadata={
                "model_name": self.name or self.path,
                "finish_reason": done.finish,
                "tokens": {
                    "prompt_ids": request.prompt,
                    "completion_ids": done.ids,
                    "logprobs": done.logprobs,
                },
            },
        )
        return ChatResult(generations=[ChatGeneration(message=message)])
