"""JSON that any program can parse and any terminal can show."""

from __future__ import annotations

import hashlib
import json
import re

_NOT_PRINTABLE_ASCII = re.compile("[^\x00-\x7e]")


def json_text(value: object) -> str:
    r"""Return `value` as indented JSON of printable ASCII that any parser accepts.

    Strings stay unchanged, but half a surrogate pair becomes the text `\udce9`.

    Raises:
        ValueError: a number is not finite; JSON cannot express it.
    """
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    return _NOT_PRINTABLE_ASCII.sub(_escape, text)


def json_digest(value: object) -> str:
    """Return the SHA-256 of `value` as JSON, independent of the order of keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _escape(found: re.Match[str]) -> str:
    character = found.group()
    if "\ud800" <= character <= "\udfff":
        return rf"\\u{ord(character):04x}"
    return "\\u007f" if character == "\x7f" else json.dumps(character)[1:-1]
