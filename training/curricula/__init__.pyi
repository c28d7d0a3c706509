from .opponents import OpponentRounds

__all__ = ["OpponentRounds"]
