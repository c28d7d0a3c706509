"""Gymnasium's environments, where they can be read and written as text.

Importing this package is cheap; `gymnasium` is loaded with the first environment.
"""

from .environment import GymnasiumText

__all__ = ["GymnasiumText"]
