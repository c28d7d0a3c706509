"""Chat models: every one is a LangChain `BaseChatModel`, whether local, served, hosted or scripted.

`load_model("tiny")` ships with the package; `hf:PATH` runs a local Hugging Face folder;
`scripted:FILE` answers from a file; anything else goes to LangChain's `init_chat_model`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
