"""Why networks of others break a promise, in plain words: traits of theirs, each looked at."""

from __future__ import annotations

import re

_RELU = "its logits come out of a ReLU, and where all of them are 0 nothing is learned any more"
_ENCODER = "an encoder without a classifier, whatever the number of classes: it gives features"
_UNREAD = (
    "its head reads the class token alone, and these serve the other tokens of the last block: "
    "they are never trained"
)
_REASONS: tuple[tuple[str, str, str], ...] = (
    ("learns", "7 of 8 (pictures|images) right", _RELU),
    ("gradients", r"stages\.3\.blocks\.\d+\.attn\.(rel_pos|pool_q)", _UNREAD),
    ("refused", r"output \(2, \d+, \d+.*\) for 2 images", _ENCODER),
)


def reason(check: str, seen: str) -> str:
    """Return the trait behind what was seen, or what was seen where nobody has looked yet."""
    for name, pattern, told in _REASONS:
        if name == check and re.search(pattern, seen):
            return told
    return f"not looked into yet: {' '.join(seen.split())}"
