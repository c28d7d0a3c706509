from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from symposia.episodes import manifest, scrub


@pytest.mark.parametrize(
    ("dirty", "clean"),
    [
        ({"api_key": "x", "model": "m"}, {"model": "m"}),
        ({"headers": {"Authorization": "x"}, "n": 1}, {"n": 1}),
        ({"nested": [{"openai_api_key": "x", "a": 1}]}, {"nested": [{"a": 1}]}),
        ({"apiKey": 1, "openAIKey": 1, "APIKey": 1, "accessTokens": 1, "clientSecret": 1}, {}),
        ({"X-Api-Key": 1, "HF_TOKEN": 1, "api_keys": [1], "passwords": [1], "cookies": 1}, {}),
        (frozenset({"a", "hf_abcdefgh12345678"}), ["a", "[secret]"]),
        ({"k": SecretStr("x")}, {"k": "[secret]"}),
        (["--api-key", "x", "--token", "--json"], ["--api-key", "[secret]", "--token", "--json"]),
        (["-o", "api_key=x", "-o", "seed=1"], ["-o", "api_key=[secret]", "-o", "seed=1"]),
    ],
)
def test_entries_for_secrets_are_dropped_or_blanked(dirty: object, clean: object) -> None:
    assert scrub(dirty) == clean


@pytest.mark.parametrize(
    ("dirty", "clean"),
    [
        ("key sk-proj-abcdefghijk1 used", "key [secret] used"),
        ("sk-ant-api03-abcDEF123456_x-yz", "[secret]"),
        ("pk_live_abcdefgh12345678", "[secret]"),
        ("gsk_abcdefgh12345678", "[secret]"),
        ("xai-abcdefgh12345678", "[secret]"),
        ("ghp_abcdefgh12345678", "[secret]"),
        ("github_pat_11ABCDEFG0abcdef_xyz", "[secret]"),
        ("(eyJhbGciOiJIUzI1.eyJzdWIiOiIx.abcdefgh_-)", "([secret])"),
        ("Bearer abcdefghijklmnop", "Bearer [secret]"),
        ("Authorization: Basic dXNlcjpwYXNz", "Authorization: Basic [secret]"),
        ("http://me:pass@host/v1", "http://[secret]@host/v1"),
        ("https://ghtoken123456@host/v1", "https://[secret]@host/v1"),
        ("http://x.org/?key=abc&n=1", "http://x.org/?key=[secret]&n=1"),
        ("http://x.org/?n=1&token=abc", "http://x.org/?n=1&token=[secret]"),
        ("url=http://x.org/?api_key=abc", "url=http://x.org/?api_key=[secret]"),
        ("api_key='abc", "api_key=[secret]"),
        ("bad {'apiKey': 'a b', 'n': 1}", "bad {'apiKey': '[secret]', 'n': 1}"),
    ],
)
def test_secrets_in_text_are_blanked(dirty: str, clean: str) -> None:
    assert scrub(dirty) == clean


@pytest.mark.parametrize(
    "innocent",
    [
        "hf:/models/hf-tiny-random-llama",
        "hf-llama-3-8b-instruct",
        "sk-learn-something",
        "pk-place-two",
        "git+ssh://git@github.com/x/y",
        "http://127.0.0.1:8000/v1",
        "max_tokens=5 key_result=4 monkey=1 a==b",
        ["--max-tokens", "5", "--tokenizer", "llama", "- a list of tokens", "and keys"],
        {"max_tokens": 5, "promptTokens": 6, "tokens": 7, "tokenizer": "t", "key_result": 8},
        {"monkey": "bars", "keys": 1, "author": "me", "secretary": "you", "token_count": 9},
    ],
)
def test_innocents_are_left_alone(innocent: object) -> None:
    assert scrub(innocent) == innocent


PIECES = ["sk-", "hf_", "eyJ", "abcdefgh1234", "bearer ", "authorization: basic ", "://", "@", ":"]
PIECES += ["api_key", "--token", "tokens", "=", "&", "?", '"', "'", " ", "-", "/", ".", "[secret]"]
pieces = st.lists(st.sampled_from(PIECES), max_size=8).map("".join) | st.text()
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | pieces


def nested(leaves: st.SearchStrategy[Any], names: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    return st.recursive(
        leaves, lambda inner: st.lists(inner) | st.dictionaries(names, inner), max_leaves=8
    )


@given(value=nested(scalars | st.binary() | st.sets(pieces), pieces))
def test_scrubbing_never_raises_and_twice_is_as_good_as_once(value: Any) -> None:
    once = scrub(value)
    assert scrub(once) == once


words = st.from_regex(r"(alpha|beta|max_tokens|key1|key_result|[0-9]|[ .,=()])*", fullmatch=True)


@given(value=nested(st.none() | st.integers() | words, words))
def test_innocent_data_keeps_its_structure(value: Any) -> None:
    assert scrub(value) == value


@pytest.mark.parametrize("piece", ["sk-", "sk-a", "eyJ-", "a", "a=", "token=", "token='", "://:"])
def test_long_text_is_scrubbed_in_linear_time(piece: str) -> None:
    began = time.process_time()
    scrub(piece * 50_000)
    assert time.process_time() - began < 1


def test_a_manifest_is_ready_for_json_and_has_no_secrets() -> None:
    config = {"data": Path("games"), "model": {"apiKey": "x"}, "auth": SecretStr("x")}
    about = manifest({**config, "call": ValueError("Bearer abcdefghijklmnop")})
    assert about["config"] == {"data": "games", "model": {}, "call": "Bearer [secret]"}
    json.dumps(about)
