"""Builders: from what was played to rows, where a method trains on more than the turns as they are.

Rows of what was sampled come from `from_episodes`, token for token. What stands here makes rows of
texts that a method puts together: spliced plays, corrected answers, roles mixed.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
