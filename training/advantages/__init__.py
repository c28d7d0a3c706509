"""Advantages: what was earned, compared with what else might have been.

An estimator takes the rewards of one group and gives the advantage of each; `within` applies it
group by group. What a group is, the caller says: rollouts of a task, an agent's batch, a role, or
the turns that share a step or a state.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
