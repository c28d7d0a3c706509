"""The ways of isolating code by name, and which of them is taken where none is named."""

from __future__ import annotations

import os
from collections.abc import Sequence

from .backend import Backend, UnavailableError
from .bubblewrap import NAME as BUBBLEWRAP
from .bubblewrap import Bubblewrap
from .docker import IMAGE, Docker
from .docker import NAME as DOCKER
from .limits import Limits
from .native import NAME as NATIVE
from .native import Native
from .packages import find
from .remote import TOKEN, Remote
from .unsafe import NAME as UNSAFE
from .unsafe import UnsafeSubprocess

CHOICES = (BUBBLEWRAP, NATIVE)
"""Tried in this order where no backend is named."""
NAMES = (*CHOICES, DOCKER, "remote", UNSAFE)
"""All backends."""


def make_backend(
    name: str,
    *,
    limits: Limits | None = None,
    packages: Sequence[str] = (),
    allow_unsafe: bool = False,
    url: str | None = None,
    token: str | None = None,
    image: str | None = None,
) -> Backend:
    """The backend called `name`, not yet opened; see `PythonSandbox` for the arguments.

    Raises:
        ValueError: there is no such backend, or a setting is missing or means nothing to it.
    """
    if name not in NAMES:
        raise ValueError(f"backend {name!r}: there are {', '.join(NAMES)}")
    if image is not None and name != DOCKER:
        raise ValueError(f"image is for backend {DOCKER!r}, not for {name!r}")
    if packages and name in (DOCKER, "remote"):
        owner = "image's" if name == DOCKER else "server's"
        raise ValueError(f"packages: with backend {name!r} they are the {owner} matter")
    if name == "remote":
        token = token or os.environ.get(TOKEN)
        if url is None or token is None:
            raise ValueError(f"backend 'remote' needs url=... and token=... (or {TOKEN})")
        return Remote(url, token, limits, allow_unsafe)
    if url is not None or token is not None:
        raise ValueError(f"url and token are for backend 'remote', not for {name!r}")
    if name == DOCKER:
        return Docker(limits or Limits(), image or IMAGE)
    if name in CHOICES:
        isolate = Bubblewrap if name == BUBBLEWRAP else Native
        return isolate(limits or Limits(), find(packages))
    if not allow_unsafe:
        raise ValueError(
            f"backend {UNSAFE!r} does not isolate: code can read your files and reach the "
            "network; allow_unsafe=True takes it all the same"
        )
    find(packages)  # it can import them all; that there is none is still an error
    return UnsafeSubprocess(limits or Limits())


async def available() -> dict[str, str]:
    """The ways of isolating code that need no other machine, each tried by making a worker.

    Returns:
        From the backend's name to why it does not work; `""` where it does.
    """
    found = {}
    for name in CHOICES:
        backend = make_backend(name)
        try:
            await backend.open()
            found[name] = ""
        except UnavailableError as error:
            found[name] = str(error)
        finally:
            await backend.close()
    return found
