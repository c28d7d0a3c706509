from .checks import Loss, Measures
from .clip_cov import clip_cov_weights
from .importance import importance_weights
from .kl import at_last_token, kl_in_reward, kl_loss, kl_per_token
from .logprobs import chosen_logprobs, entropy, sequence_logprobs, token_logprobs
from .nft import nft_loss
from .policy import Clip, policy_loss
from .positive import positive_nll_loss
from .preference import Completions, preference_loss
from .ranking import ranking_loss
from .reductions import Reduction, constant_length, sequence_mean, sequence_sum, token_mean
from .supervised import supervised_loss
from .value import sum_to_return_loss, value_loss

__all__ = [
    "Clip",
    "Completions",
    "Loss",
    "Measures",
    "Reduction",
    "at_last_token",
    "chosen_logprobs",
    "clip_cov_weights",
    "constant_length",
    "entropy",
    "importance_weights",
    "kl_in_reward",
    "kl_loss",
    "kl_per_token",
    "nft_loss",
    "policy_loss",
    "positive_nll_loss",
    "preference_loss",
    "ranking_loss",
    "sequence_logprobs",
    "sequence_mean",
    "sequence_sum",
    "sum_to_return_loss",
    "supervised_loss",
    "token_logprobs",
    "token_mean",
    "value_loss",
]
