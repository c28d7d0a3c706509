"""A file's bytes as text and back, with nothing lost.

Line endings, a byte-order mark and a missing newline at the end stay as they are; lines that an
edit adds get the file's own ending. Lines end at a line feed, as git counts them.
"""

from __future__ import annotations

import codecs
import io
import re
import tokenize
from dataclasses import dataclass, replace
from typing import Self

from .errors import EditError, NotTextError

MAX_TEXT = 4 * 2**20
"""Largest file shown or edited, in bytes."""


@dataclass(frozen=True, slots=True)
class Text:
    """The text of a file, and how its bytes spell it."""

    path: str
    text: str
    encoding: str = "utf-8"
    mark: bytes = b""
    """The byte-order mark that the file begins with."""

    @classmethod
    def decode(cls, path: str, data: bytes) -> Self:
        """The text of `data`: UTF-8, or for Python files what their coding line says.

        Raises:
            NotTextError: the bytes are no text.
        """
        check_size(path, len(data))
        if b"\0" in data:
            raise NotTextError(f"{path} is a binary file of {len(data):,} bytes")
        mark = codecs.BOM_UTF8 if data.startswith(codecs.BOM_UTF8) else b""
        body = data[len(mark) :]
        try:
            return cls(path, body.decode(), mark=mark)
        except UnicodeDecodeError as error:
            encoding = _declared(path, body)
            if encoding is None:
                raise NotTextError(
                    f"{path} is not UTF-8 text (byte {data[error.start]:#04x} at {error.start})"
                ) from None
        try:
            text = body.decode(encoding)
            if text.encode(encoding) == body:
                return cls(path, text, encoding)
        except (UnicodeError, LookupError):
            pass
        raise NotTextError(f"{path} is not the {encoding} text that its first lines declare")

    def encode(self) -> bytes:
        """The bytes of the file.

        Raises:
            EditError: the text has characters that the file's encoding lacks.
        """
        try:
            return self.mark + self.text.encode(self.encoding)
        except UnicodeEncodeError as error:
            bad = ascii(error.object[error.start])
            raise EditError(
                f"{self.path} is {error.encoding} text, which cannot hold {bad}"
            ) from None

    @property
    def lines(self) -> list[str]:
        """The lines, each with its ending."""
        return split(self.text)

    @property
    def ending(self) -> str:
        """The line ending that most lines have."""
        crlf = self.text.count("\r\n")
        return "\r\n" if crlf * 2 > self.text.count("\n") else "\n"

    def fitted(self, new: str) -> str:
        """`new` with the line endings of this file, if this file has one kind only."""
        crlf = self.text.count("\r\n")
        if crlf and crlf == self.text.count("\n"):
            return re.sub(r"\r?\n", "\r\n", new)
        return new

    def with_text(self, text: str) -> Text:
        """The same file with another text."""
        return replace(self, text=text)


def check_size(path: str, size: int) -> None:
    """Refuse a file that is too large to be shown or edited.

    Raises:
        NotTextError: it is.
    """
    if size > MAX_TEXT:
        raise NotTextError(f"{path} has {size:,} bytes, more than the {MAX_TEXT:,} that open here")


def split(text: str) -> list[str]:
    """Lines with their endings; only a line feed ends a line."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def _declared(path: str, body: bytes) -> str | None:
    """The encoding that a Python file's coding line names."""
    if not path.endswith((".py", ".pyi")):
        return None
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(body).readline)
    except SyntaxError:
        return None
    return None if encoding.startswith("utf-8") else encoding
