"""Rewards: from what happened to numbers. Plain functions, each named with its paper."""
