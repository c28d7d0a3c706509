"""Games for two: tic-tac-toe, Kuhn poker, a negotiation, a bargain between buyer and seller.

As environments, an agent plays against a built-in player (`symposia bench kuhn`); in a match, teams
play each other, or one plays itself. The rules are pure functions on plain values (`Game`), so that
a new game is one file.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
