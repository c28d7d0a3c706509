"""What threads have freed does not stay with the process."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

CODE = """
import threading
from pathlib import Path
from symposia.models.engine.memory import Trimmer

def held():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

def work(kept):
    blocks = [bytearray(100_000) for _ in range(3000)]
    kept.append(blocks[-1])

kept, trimmer = [], Trimmer()
for _ in range(2):
    thread = threading.Thread(target=work, args=(kept,))
    thread.start()
    thread.join()
before = held()
trimmer.now()
print(before - held())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other allocators give back alone")
def test_freed_memory_is_given_back():
    pytest.importorskip("torch", reason="needs the local extra")
    given = subprocess.check_output([sys.executable, "-c", CODE], text=True)
    assert int(given) > 100_000_000
