"""A process without a network: each attempt to reach one is refused, and noted."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

_METHODS = ("connect", "connect_ex", "sendto")
_FUNCTIONS = ("getaddrinfo", "gethostbyname", "gethostbyname_ex")


@contextmanager
def refused_network() -> Iterator[list[str]]:
    """Refuse every connection and every look-up of a name; yield what was attempted, as it grows.

    A refusal looks like that of a machine without a network, so that a constructor that goes on
    without it does so, and is noted all the same. Sockets within the machine (AF_UNIX) work. Not
    seen are programs that are started, and libraries that do without Python's sockets.
    """
    attempts: list[str] = []
    with ExitStack() as patches:
        for name in _METHODS:
            method = _refusing_method(getattr(socket.socket, name), attempts)
            patches.enter_context(patch.object(socket.socket, name, method))
        for name in _FUNCTIONS:
            patches.enter_context(patch.object(socket, name, _refusing(attempts)))
        yield attempts


def _refusing(attempts: list[str]) -> Callable[..., Any]:
    def refuse(host: object = "", *arguments: object, **_: object) -> None:
        attempts.append(f"look up {host!r}")
        raise socket.gaierror(socket.EAI_FAIL, "there is no network while this is checked")

    return refuse


def _refusing_method(method: Callable[..., Any], attempts: list[str]) -> Callable[..., Any]:
    def refuse(self: socket.socket, *arguments: Any) -> Any:
        if self.family == getattr(socket, "AF_UNIX", None):
            return method(self, *arguments)
        attempts.append(f"connect to {arguments[-1]!r}")
        raise ConnectionRefusedError("there is no network while this is checked")

    return refuse
