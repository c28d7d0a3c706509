"""Text embeddings from a local model: no second model to load."""

from __future__ import annotations

import torch
from langchain_core.embeddings import Embeddings

from .local import LocalChatModel


class LocalEmbeddings(Embeddings):
    """The mean of a local model's last hidden states, of length 1.

    What a model was not trained for it does roughly: texts that share words are near each other. A
    model made for embeddings is better where one can be had.

    Args:
        model: whose engine reads the texts.
    """

    def __init__(self, model: LocalChatModel) -> None:
        self.model = model.path
        """Where the model is; tells its vectors from another's."""
        self._engine = model.engine

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """One vector a text, [texts, width].

        Raises:
            ContextLengthError: a text does not fit in the model's context.
            ValueError: a text is empty.
        """
        return [self.embed_query(text) for text in texts]

    def embed_query(self, text: str) -> list[float]:
        """The vector of one text, [width]; see `embed_documents`."""
        ids = self._engine.tokenizer.encode(text, add_special_tokens=False)
        if not ids:
            raise ValueError("an empty text has no embedding")
        mean = self._engine.hidden(ids).float().mean(0)
        vector: list[float] = torch.nn.functional.normalize(mean, dim=0).tolist()
        return vector
