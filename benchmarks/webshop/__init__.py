"""WebShop, the shopping benchmark: the official pages, search and reward with no server or Java.

`WebShop` plays the goals of the official data files, of a manifest that `save_goals` wrote, or of
a shop made from a seed. The catalogue is built once in the cache folder and then memory-mapped, so
that many sessions and processes share it. Importing this package is cheap; `numpy` is loaded with
the first catalogue and spaCy with the first official reward.
"""

from .catalogue import Catalogue, build_catalogue, open_catalogue
from .environment import WebShop
from .generator import GeneratedShop
from .goals import Goal, draw_goals, read_goals
from .shop import Shop, open_shop, save_goals

__all__ = [
    "Catalogue",
    "GeneratedShop",
    "Goal",
    "Shop",
    "WebShop",
    "build_catalogue",
    "draw_goals",
    "open_catalogue",
    "open_shop",
    "read_goals",
    "save_goals",
]
