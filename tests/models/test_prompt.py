"""Prompts are encoded piece by piece, and come out as if they were encoded whole."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

transformers = pytest.importorskip("transformers", reason="needs the local extra")

from langchain_core.messages import AIMessage, HumanMessage  # noqa: E402
from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers  # noqa: E402

from symposia.models.load import TINY  # noqa: E402
from symposia.models.prompt import PromptWriter  # noqa: E402
from symposia.models.tool_calls import template_messages  # noqa: E402

TEMPLATE = "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{% endfor %}<|assistant|>"
TOKENS = ("<|user|>", "<|assistant|>", "<|user|>s", "<tool>")


def metaspace(**of_the_last: bool):
    """A tokenizer that writes a text's very first word otherwise than the same word later on."""
    words = ["▁", *"abc", "▁a", "▁b", "ab", "bc", "<unk>", *"<|>user/sitnolr "]
    plain = Tokenizer(models.Unigram([(word, -float(len(word) < 2)) for word in words], 15))
    plain.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
    plain.add_special_tokens([AddedToken(token, normalized=False) for token in TOKENS[:3]])
    plain.add_tokens([AddedToken(TOKENS[3], normalized=False, **of_the_last)])
    return transformers.PreTrainedTokenizerFast(tokenizer_object=plain, chat_template=TEMPLATE)


TOKENIZERS = {
    "tiny": transformers.AutoTokenizer.from_pretrained(TINY, local_files_only=True),
    "metaspace": metaspace(),
    "greedy tokens": metaspace(lstrip=True, rstrip=True),
}


@pytest.mark.parametrize("name", TOKENIZERS)
@given(
    st.lists(st.sampled_from([" ", "a", "ab", "b c", "\n", "s", "<tool>", "</tool>"]), max_size=8)
)
@settings(max_examples=60)
def test_prompts_in_pieces_are_those_in_one(name, said):
    tokenizer, text = TOKENIZERS[name], "".join(said)
    talk = [HumanMessage(text), AIMessage(f"{text}a"), HumanMessage(f"b{text}"), AIMessage(text)]
    whole = tokenizer.apply_chat_template(
        template_messages(talk), add_generation_prompt=True, tokenize=False
    )
    writer = PromptWriter(tokenizer)
    for _ in range(2):
        assert writer.ids(talk) == tokenizer.encode(whole, add_special_tokens=False)


def test_what_a_conversation_began_with_is_encoded_once(monkeypatch):
    tokenizer = TOKENIZERS["tiny"]
    writer = PromptWriter(tokenizer)
    talk = [HumanMessage("You are in a room. You see a drawer 1."), AIMessage("open drawer 1")]
    writer.ids(talk)
    encoded: list[str] = []
    real = tokenizer.encode
    monkeypatch.setattr(
        tokenizer, "encode", lambda text, **options: encoded.append(text) or real(text, **options)
    )
    writer.ids([*talk, HumanMessage("The drawer 1 is open.")])
    assert len(encoded) == 1 and "The drawer 1 is open." in encoded[0]
