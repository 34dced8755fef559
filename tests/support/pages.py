"""The code blocks of README and docs."""

from __future__ import annotations

import re
from dataclasses import dataclass

from paths import ROOT


@dataclass(frozen=True)
class Block:
    """A code block of a page."""

    language: str
    file: str | None
    text: str

    @property
    def commands(self) -> list[str]:
        """The commands of a block of commands."""
        return [line for line in self.text.splitlines() if line] if self.language == "sh" else []


def blocks_of(page: str) -> list[Block]:
    """Return the code blocks of a page, named by its path from the root of the repository."""
    text = (ROOT / page).read_text(encoding="utf-8")
    found = re.findall(r"^```([^\n`]*)\n(.*?)^```$", text, flags=re.S | re.M)
    return [_block(information, body) for information, body in found if "{" not in information]


def _block(information: str, text: str) -> Block:
    language, _, more = information.partition(" ")
    return Block(language, more.removeprefix("file=") or None, text)
