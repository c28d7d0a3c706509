"""The tokenizer: byte-level BPE, so that any text round-trips, and a plain chat template."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from .transcripts import FURNITURE

VOCABULARY = 1280
CONTEXT = 4096
"""Positions that the model is declared for."""
END, PAD = "<|end|>", "<|pad|>"
ROLES = ("system", "user", "assistant")
SPECIAL = (PAD, END, *(f"<|{role}|>" for role in ROLES))

_PHRASES = (
    *("You arrive at", ". On the", ". In it", ", you see a", ", you see nothing.", ", and a"),
    *(", a", "You open the", ". The", " is closed.", " is open", "Nothing happens.", "go to"),
    *(
        "find",
        "You pick up the",
        " from the",
        "You move the",
        " to the",
        " using the",
        "Your task is to:",
    ),
)
PIECES = "|".join(
    (
        r"</?[a-z_]+>",
        rf" (?:{'|'.join(FURNITURE)}) \d\b",  # a numbered receptacle: a room lists single tokens
        *(re.escape(phrase) + r"(?![A-Za-z])" for phrase in _PHRASES),
        r" ?[A-Za-z]+",
        r" ?\d{1,2}",  # a number of a small sum is one token
        r" ?[^\sA-Za-z\d<]+",
        r"<",
        r"\s+(?=\s)",
        r"\s+",
    )
)
"""What the merges never cross: tags, receptacles, what the household often says, words, digits."""

CHAT_TEMPLATE = (
    "{%- for message in messages -%}"
    "{%- set role = 'user' if message['role'] == 'tool' else message['role'] -%}"
    "{%- if role not in ['system', 'user', 'assistant'] -%}"
    "{{- raise_exception('unknown role: ' + role) -}}"
    "{%- endif -%}"
    "{%- if message['content'] is string -%}{%- set text = message['content'] -%}"
    "{%- else -%}"
    "{%- set text = (message['content'] or []) | map(attribute='text') | join('') -%}"
    "{%- endif -%}"
    "{{- '<|' + role + '|>' -}}"
    "{%- if role == 'assistant' -%}"
    "{%- generation -%}{{- text + '<|end|>' -}}{%- endgeneration -%}"
    "{%- else -%}{{- text + '<|end|>' -}}{%- endif -%}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '<|assistant|>' -}}{%- endif -%}"
)
"""`<|role|>text<|end|>`, nothing trimmed: a longer conversation starts with the shorter one."""


def train_tokenizer(texts: Iterable[str], vocabulary: int = VOCABULARY) -> PreTrainedTokenizerFast:
    """A tokenizer for text like `texts`, with all 256 bytes to fall back on."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PIECES), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=list(SPECIAL),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        eos_token=END,
        pad_token=PAD,
        additional_special_tokens=[f"<|{role}|>" for role in ROLES],
        chat_template=CHAT_TEMPLATE,
        clean_up_tokenization_spaces=False,
        model_max_length=CONTEXT,
    )
