"""Photographs within a page: small, and with a cap on all of them together."""

from __future__ import annotations

import base64
from collections.abc import Mapping

MOST_BYTES = 4_000_000  # of all pictures of a page, as text


class Album:
    """Gives pictures as text that a page holds, each as often as it is asked for."""

    def __init__(self, pictures: Mapping[str, bytes], most: int = MOST_BYTES) -> None:
        self._pictures, self._left = pictures, most
        self.missing = 0  # pictures that are not kept
        self.refused = 0  # pictures for which there was no room

    def address(self, image: str) -> str | None:
        """Return the picture of `image` as a data URI, or None."""
        jpeg = self._pictures.get(image)
        if jpeg is None:
            self.missing += 1
            return None
        address = f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode('ascii')}"
        if len(address) > self._left:
            self.refused += 1
            return None
        self._left -= len(address)
        return address
