"""Credentials in URLs: found, and kept out of files and messages."""

from __future__ import annotations

import re
from typing import Any

_USER = re.compile(  # user:password@, also with a / or @ in the password; host:port/ is none
    r"(?<=://)[^/\s?#@:]*:(?!\d{1,5}(?:/|$))\S*@"
)
_KEY = (
    r"[\w.-]*(?:sig|signature|token|password|passwd|pwd|secret|credential|access_?key|api_?key)"
    r"[\w.-]*"
)
_QUERY = re.compile(rf"(?<=[?&])({_KEY}=)[^&\s#]+", re.IGNORECASE)
_URL = re.compile(r"\w[\w+.:-]*://\S+")


def has_credentials(url: str) -> bool:
    """Return whether a URL has a password, or a key in its query."""
    return hide_credentials(url) != url


def hide_credentials(text: str) -> str:
    """Return `text` with `***` in place of user and password, or a key, in each URL."""
    return _URL.sub(lambda found: _hide(found.group()), text)


def hide_all_credentials(value: Any) -> Any:
    """Return a JSON value with the credentials hidden in all its texts."""
    if isinstance(value, str):
        return hide_credentials(value)
    if isinstance(value, list):
        return [hide_all_credentials(each) for each in value]
    if isinstance(value, dict):
        return {name: hide_all_credentials(each) for name, each in value.items()}
    return value


def _hide(url: str) -> str:
    return _QUERY.sub(r"\1***", _USER.sub("***@", url))
