"""Models behind an OpenAI-compatible server, vLLM above all: the client, and how to start vLLM."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
