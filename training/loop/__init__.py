"""The loop: collect, reward and build, update, evaluate, promote; each arrow resumable.

`recipe` is what a published method fills in, `plan` what a user chooses, `serving` how new weights
come to answer, `journal` what is on disk, and `loop` the arrows.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
