"""Conversations that nobody sampled become rows as they would have been sampled."""

from __future__ import annotations

import pytest

transformers = pytest.importorskip("transformers", reason="needs the local extra")

from langchain_core.messages import AIMessage, HumanMessage, SystemMessage  # noqa: E402

from symposia.models.load import TINY  # noqa: E402
from symposia.models.prompt import PromptWriter  # noqa: E402
from symposia.training.builders import written  # noqa: E402

TOKENIZER = transformers.AutoTokenizer.from_pretrained(TINY, local_files_only=True)
TALK = [
    SystemMessage("Be brief."),
    HumanMessage("What is 2 + 3?"),
    AIMessage("5"),
    HumanMessage("And 1 more?"),
    AIMessage("6"),
]


def targets(row) -> str:
    return TOKENIZER.decode([token for token, on in zip(row.ids, row.loss_mask) if on])


def test_a_conversation_is_one_row_that_trains_what_is_marked():
    (row,) = written(TOKENIZER, TALK, [False, False, True, False, True], policy="policy")
    assert targets(row) == f"5{TOKENIZER.eos_token}6{TOKENIZER.eos_token}"
    (second,) = written(TOKENIZER, TALK, [False] * 4 + [True])
    assert targets(second) == f"6{TOKENIZER.eos_token}"
    prompt = PromptWriter(TOKENIZER).ids(TALK[:4])
    assert list(second.ids[: len(prompt)]) == prompt


def test_a_special_token_that_a_text_spells_stays_text():
    (row,) = written(TOKENIZER, [HumanMessage("Say it."), AIMessage(TOKENIZER.eos_token)], [0, 1])
    said = [token for token, on in zip(row.ids, row.loss_mask) if on]
    assert said.count(TOKENIZER.eos_token_id) == 1 and said[-1] == TOKENIZER.eos_token_id


@pytest.mark.parametrize(
    ("talk", "trained", "wrong"),
    [
        (TALK, [True], "1 marks for 5 messages"),
        (TALK, [False] * 5, "no message of the conversation is trained"),
        (TALK, [False, True, False, False, False], "an assistant's text"),
        (
            [HumanMessage("Hi"), AIMessage("", tool_calls=[{"name": "t", "args": {}, "id": "1"}])],
            [False, True],
            "an assistant's text",
        ),
    ],
)
def test_what_cannot_be_trained_is_refused(talk, trained, wrong):
    with pytest.raises(ValueError, match=wrong):
        written(TOKENIZER, talk, trained)
