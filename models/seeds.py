"""Seeds of single calls, from an episode's seed and what is asked."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

REMEMBERED_PROMPTS = 100_000
"""How many prompts keep their count of repeats, from which repeats get seeds of their own."""


class CallSeeds:
    """Repeats of a prompt in an episode draw anew, but a repeated episode draws the same."""

    def __init__(self) -> None:
        self._asked: OrderedDict[tuple[str, bytes], int] = OrderedDict()
        self._lock = threading.Lock()

    def of_call(
        self,
        prompt: object,
        own: int,
        metadata: Mapping[str, Any],
        options: Mapping[str, Any],
    ) -> int:
        """The seed of a model's call: drawn from the one that the call sets itself, else the
        episode's (`metadata["seed"]` of the run's config), else the model's `own`. Branches
        (`metadata["branch"]`) draw apart, whichever comes first."""
        seed = int(options.get("seed", metadata.get("seed", own)))
        if branch := metadata.get("branch"):
            prompt = (branch, prompt)
        return self.draw(seed, prompt, str(metadata.get("episode", "")))

    def draw(self, seed: int, prompt: object, episode: str) -> int:
        """A seed for the next call with `prompt` (whatever its `repr` tells apart) in `episode`."""
        digest = blake2b(repr((seed, prompt)).encode(), digest_size=16).digest()
        key = (episode, digest)
        with self._lock:
            count = self._asked.pop(key, 0)
            self._asked[key] = count + 1
            if len(self._asked) > REMEMBERED_PROMPTS:
                self._asked.popitem(last=False)
        return int.from_bytes(digest, "big") + count
