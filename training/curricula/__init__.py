"""Curricula: what a training does when; small functions over where a run stands."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
