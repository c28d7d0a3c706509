"""Ready tools: each function makes a LangChain tool to put into a registry, or anywhere else."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
