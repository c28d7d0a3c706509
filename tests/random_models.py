"""Small random models over bytes, as Hugging Face folders."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

TEMPLATE = (
    "{% for m in messages %}[{{ m.role }}]{{ m.content }}<end>{% endfor %}"
    "{% if add_generation_prompt %}[assistant]{% endif %}"
)
CONTEXT = 256
SHAPE = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "bos_token_id": None,
    "pad_token_id": None,
    "initializer_range": 0.3,
}


def llama(**config: Any) -> Any:
    from transformers import LlamaConfig, LlamaForCausalLM

    return LlamaForCausalLM(LlamaConfig(**SHAPE | config))


def mistral(**config: Any) -> Any:
    """With a sliding window."""
    from transformers import MistralConfig, MistralForCausalLM

    return MistralForCausalLM(MistralConfig(**SHAPE | config, sliding_window=16))


def qwen2(**config: Any) -> Any:
    """With biases."""
    from transformers import Qwen2Config, Qwen2ForCausalLM

    return Qwen2ForCausalLM(Qwen2Config(**SHAPE | config))


def qwen3(**config: Any) -> Any:
    """With norms of queries and keys."""
    from transformers import Qwen3Config, Qwen3ForCausalLM

    return Qwen3ForCausalLM(Qwen3Config(**SHAPE | {"head_dim": 8} | config))


def gpt2(**config: Any) -> Any:
    """With learned positions."""
    from transformers import GPT2Config, GPT2LMHeadModel

    shape = {"n_embd": 32, "n_layer": 2, "n_head": 4, "bos_token_id": None}
    config["n_positions"] = config.pop("max_position_embeddings")
    return GPT2LMHeadModel(GPT2Config(**shape, initializer_range=0.3, **config))


def gpt_neo(**config: Any) -> Any:
    """With a layer that sees the last tokens alone."""
    from transformers import GPTNeoConfig, GPTNeoForCausalLM

    shape = {"hidden_size": 32, "num_layers": 2, "num_heads": 4, "bos_token_id": None}
    local = {"attention_types": [[["global", "local"], 1]], "window_size": 8}
    return GPTNeoForCausalLM(GPTNeoConfig(**shape | local | config, initializer_range=0.3))


def gptj(**config: Any) -> Any:
    """With attention that only transformers' own Python computes."""
    from transformers import GPTJConfig, GPTJForCausalLM

    shape = {"n_embd": 32, "n_layer": 2, "n_head": 4, "rotary_dim": 4, "bos_token_id": None}
    config["n_positions"] = config.pop("max_position_embeddings")
    return GPTJForCausalLM(GPTJConfig(**shape, initializer_range=0.3, **config))


def longrope(**config: Any) -> Any:
    """With rotations that depend on the longest sequence of a batch."""
    rope = {
        "rope_type": "longrope",
        "rope_theta": 10_000.0,
        "short_factor": [1.0] * 4,
        "long_factor": [4.0] * 4,
        "factor": 4.0,
        "original_max_position_embeddings": 64,
    }
    return llama(**config, rope_parameters=rope)


def mixture(**config: Any) -> Any:
    """Of experts, to which each token goes alone."""
    from transformers import Qwen2MoeConfig, Qwen2MoeForCausalLM

    experts = {
        "num_experts": 4,
        "num_experts_per_tok": 2,
        "moe_intermediate_size": 16,
        "shared_expert_intermediate_size": 32,
    }
    return Qwen2MoeForCausalLM(Qwen2MoeConfig(**SHAPE | experts | config))


def mamba(**config: Any) -> Any:
    """Without keys and values."""
    from transformers import MambaConfig, MambaForCausalLM

    return MambaForCausalLM(
        MambaConfig(
            vocab_size=config["vocab_size"],
            hidden_size=32,
            num_hidden_layers=1,
            state_size=4,
            bos_token_id=None,
            pad_token_id=None,
            eos_token_id=config["eos_token_id"],
        )
    )


def make_folder(
    path: Path,
    *,
    model: Callable[..., Any] = llama,
    context: int = CONTEXT,
    template: str = TEMPLATE,
    seed: int = 0,
    **config: Any,
) -> str:
    """Write a folder with a tokenizer of single bytes and random weights."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    bytes_only = Tokenizer(models.BPE({c: i for i, c in enumerate(alphabet)}, []))
    bytes_only.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bytes_only.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=bytes_only, eos_token="<end>", chat_template=template
    )
    tokenizer.save_pretrained(path)
    torch.manual_seed(seed)
    model(
        vocab_size=len(tokenizer),
        max_position_embeddings=context,
        eos_token_id=tokenizer.eos_token_id,
        **config,
    ).save_pretrained(path)
    return str(path)
