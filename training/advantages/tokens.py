"""Rewards at tokens: a KL penalty everywhere and the reward at the end; REINFORCE++ makes
advantages of them without a critic.

Policies that follow REINFORCE++ (arXiv 2501.03262), as CoMAS does (2510.08529), compare every token
with all others of the batch: what is still to come at a token, less the mean over all tokens, over
their standard deviation. `within` an agent or a role the batch is theirs alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import chain

from ..checks import require_as_many, require_finite, require_share, require_some
from .groups import deviation, mean_of

REWARD_LIMIT = 10.0
"""What a reward is clipped to on either side in OpenRLHF and in CoMAS's code."""
VARIANCE_FLOOR = 1e-8


def token_rewards(
    reward: float, kl: Sequence[float], *, beta: float = 0.0, limit: float = REWARD_LIMIT
) -> list[float]:
    """The reward of each token: -beta * KL everywhere, and at the last one the reward as well.

    Args:
        reward: of the whole completion.
        kl: the estimate log p - log p_reference of each token (k1); zeros without a reference.
        beta: the weight of the KL.
        limit: what the reward is clipped to, on either side.

    Raises:
        ValueError: there are no tokens, or a number is not finite.
    """
    require_some("tokens", kl)
    require_finite("reward", [reward])
    require_finite("beta", [beta])
    require_finite("KL of token", kl)
    found = [-beta * each for each in kl]
    found[-1] += max(-limit, min(reward, limit))
    return found


def returns(rewards: Sequence[float], gamma: float = 1.0) -> list[float]:
    """What is still to come at each place: G_t = r_t + gamma * G_(t+1).

    With gamma 0 each place has only its own reward (the turn-local credit of SCoRe, arXiv
    2409.12917); with gamma 1 all that follows (the cumulative one of ReSeek, 2510.00568).

    Raises:
        ValueError: a reward is not finite, or gamma does not lie in [0, 1].
    """
    require_finite("reward", rewards)
    require_share("gamma", gamma)
    found: list[float] = []
    to_come = 0.0
    for reward in reversed(rewards):
        to_come = reward + gamma * to_come
        found.append(to_come)
    return found[::-1]


def token_returns(
    values: Sequence[float], kls: Sequence[Sequence[float]], *, beta: float = 0.0
) -> list[list[float]]:
    """Advantages of completions at their tokens, with what KL is still to come taken off.

    `token_returns(rloo(rewards), kls, beta=0.01)` is leave-one-out per token with the KL in the
    reward, as in Critique-RL (arXiv 2510.24320).

    Args:
        values: the advantage of each completion.
        kls: of each completion, the estimate log p - log p_reference of its tokens.
        beta: the weight of the KL.

    Raises:
        ValueError: there are not as many of one as of the other, a completion has no tokens, or a
            number is not finite.
    """
    require_as_many("values", values, "completions", kls)
    return [
        returns(token_rewards(value, kl, beta=beta, limit=math.inf))
        for value, kl in zip(values, kls, strict=True)
    ]


def reinforce_pp(rewards: Sequence[Sequence[float]], *, gamma: float = 1.0) -> list[list[float]]:
    """The advantage of every token of a batch, by REINFORCE++ (arXiv 2501.03262).

    Args:
        rewards: of each completion, the rewards of its tokens (`token_rewards`).
        gamma: the discount from token to token.

    Returns:
        (G - mean) / std for the return G at each token; mean and (population) standard deviation
        are over all tokens of all completions, the variance at least 1e-8.

    Raises:
        ValueError: there are no completions, one has no tokens, or a reward is not finite.
    """
    require_some("completions", rewards)
    for each in rewards:
        require_some("tokens in a completion", each)
    all_returns = [returns(each, gamma) for each in rewards]
    flat = list(chain.from_iterable(all_returns))
    if min(flat) == max(flat):
        return [[0.0] * len(each) for each in all_returns]
    mean = mean_of(flat)
    scale = max(deviation(flat, unbiased=False), math.sqrt(VARIANCE_FLOOR))
    return [[(value - mean) / scale for value in each] for each in all_returns]
