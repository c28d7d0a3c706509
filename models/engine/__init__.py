"""The local engine: token ids in, token ids and log-probabilities out, for many callers at once.

`engine` takes requests, `lane` batches them, `cache` and `prefixes` hold what was read, `sampling`
draws, `grammar` constrains, `scores` says how likely a text is, `adapters` are LoRA's.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
