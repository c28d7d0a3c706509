"""Generalised advantage estimation (arXiv 1506.02438): rewards against a learned value."""

from __future__ import annotations

from collections.abc import Sequence

from ..checks import require_as_many, require_finite, require_share


def gae(
    rewards: Sequence[float],
    values: Sequence[float],
    *,
    gamma: float = 1.0,
    lam: float = 1.0,
    after: float = 0.0,
) -> tuple[list[float], list[float]]:
    """Advantages and value targets at each token, or at each turn.

    With d_t = r_t + gamma * V_(t+1) - V_t, the advantage is A_t = d_t + gamma * lam * A_(t+1), and
    the target of the value is A_t + V_t.

    Args:
        rewards: at each place.
        values: what the critic expected at each place.
        gamma: the discount.
        lam: 1 for Monte-Carlo returns, 0 for one step.
        after: what is expected after the last place; 0 where the episode ended there.

    Raises:
        ValueError: there are not as many values as rewards, a number is not finite, or `gamma` or
            `lam` does not lie in [0, 1].
    """
    require_as_many("values", values, "rewards", rewards)
    require_finite("reward", rewards)
    require_finite("value", [*values, after])
    require_share("gamma", gamma)
    require_share("lam", lam)
    advantages: list[float] = []
    advantage, ahead = 0.0, after
    for reward, value in zip(reversed(rewards), reversed(values), strict=True):
        advantage = reward + gamma * ahead - value + gamma * lam * advantage
        advantages.append(advantage)
        ahead = value
    advantages.reverse()
    return advantages, [a + v for a, v in zip(advantages, values, strict=True)]
