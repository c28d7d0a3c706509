"""Attacks on an agent's memory, and what stands against them: planted records, benign twins,
victims that believe what they read."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
