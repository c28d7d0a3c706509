from .baselines import above_mean_of, above_percentile_of
from .filters import all_are, in_band, mixed, substantial, widest
from .groups import batch_scaled, grpo, mean_only, rloo, within
from .roles import RoleBaselines, towards_the_end
from .steps import stepwise
from .streams import masked_sum, standardised_sum
from .tokens import reinforce_pp, returns, token_returns, token_rewards
from .values import gae

__all__ = [
    "RoleBaselines",
    "above_mean_of",
    "above_percentile_of",
    "all_are",
    "batch_scaled",
    "gae",
    "grpo",
    "in_band",
    "masked_sum",
    "mean_only",
    "mixed",
    "reinforce_pp",
    "returns",
    "rloo",
    "standardised_sum",
    "stepwise",
    "substantial",
    "token_returns",
    "token_rewards",
    "towards_the_end",
    "widest",
    "within",
]
