from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from symposia.models.lexical import LexicalEmbeddings

EMBED = LexicalEmbeddings()


def likeness(one: str, other: str) -> float:
    return float(np.dot(EMBED.embed_query(one), EMBED.embed_query(other)))


@pytest.mark.parametrize(
    ("text", "near", "far"),
    [
        ("open the cabinet", "opening cabinets", "heat the egg"),
        ("cool apple with fridge", "cool tomato with fridge", "put apple on table"),
        ("the mug is in the drawer", "mug drawer", "the pan is in the sink"),
        ("kitchen", "kitchn", "bedroom"),
        ("Café Ärger", "cafe arger", "coffee trouble"),
        ("\uff4d\uff55\uff47", "mug", "mud"),
    ],
)
def test_texts_that_share_words_or_parts_of_words_are_nearer(text, near, far) -> None:
    assert likeness(text, near) > likeness(text, far) + 0.15


@given(st.text())
def test_every_text_has_a_vector_of_length_one_or_none_at_all(text: str) -> None:
    vector = EMBED.embed_query(text)
    assert len(vector) == 384
    length = float(np.linalg.norm(vector))
    assert length == pytest.approx(1) or not any(vector)


def test_the_same_text_has_the_same_vector_in_every_process() -> None:
    code = (
        "from symposia.models.lexical import LexicalEmbeddings as L; "
        "print([round(x, 6) for x in L(8).embed_query('open the cabinet')])"
    )
    ours = [round(x, 6) for x in LexicalEmbeddings(8).embed_query("open the cabinet")]
    theirs = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert str(ours) == theirs.strip()


def test_a_text_without_words_is_near_nothing() -> None:
    assert likeness("!!! ...", "!!! ...") == 0


def test_a_width_that_keeps_nothing_apart_is_refused() -> None:
    with pytest.raises(ValueError, match="a width of 4"):
        LexicalEmbeddings(4)


async def test_the_asynchronous_door_gives_the_same() -> None:
    assert await EMBED.aembed_query("a mug") == EMBED.embed_query("a mug")
    assert await EMBED.aembed_documents(["a mug"]) == EMBED.embed_documents(["a mug"])
