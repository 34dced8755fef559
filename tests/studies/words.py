"""How plain the words are: `make words` measures sentences and finds words of our own.

Over README, docs, help, messages and docstrings. It fails where a sentence has more than 35 words,
where the mean of the first four is above 16, or where a word of `AVOID` is left.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import mean

from paths import ROOT

PACKAGES = ("registry", "zoo", "bench")
MOST_ON_AVERAGE, MOST = 16, 35
AVOID = {  # as regular expressions, each with the plain word
    r"told": "said, printed, reported",
    r"begun": "started",
    r"go(es)? on with|gone on with|goes on|go on": "resume, continue",
    r"moody": "varying between seeds",
    r"sparing(ly)?": "limited",
    r"strangers?('s)?": "unknown, third-party",
    r"(is|are|was|were) settled": "decided",
    r"put(s)? right": "fix, correct",
    r"put(s)? up with": "accept, tolerate",
    r"by itself it can't be said": "not known",
    r"can't be told apart": "show no clear difference",
    r"tells? apart|told apart|taken apart": "distinguish",
    r"for want of": "for lack of",
    r"can't be had": "is not available",
    r"made anew|begun anew|written anew|anew": "again",
    r"no more of|of its own accord": "no longer, by itself",
    r"in the midst of": "within",
    r"nothing of it": "no part of it",
    r"what there is of": "the rest of",
    r"in vain": "without success",
    r"is news to": "is unknown to",
    r"held to": "checked against",
    r"by heart": "until it has memorised them",
    r"asked for by": "requested as",
    r"is there already|are there already|that is there": "exists, existing",
    r"(is|are|was|were) had": "is available",
    r"in the place of": "instead of",
    r"(is|are) at hand": "available",
    r"takes? up (what|the|where)": "continue",
    r"whoever": "anyone who",
    r"would be another": "would differ",
    r"all that": "everything that",
    r"come(s)? of": "result",
    r"for ever so": "for at most",
    r"once more": "again",
    r"cut short": "truncated",
    r"if need be": "if needed",
    r"in (his|its|their) midst": "during",
    r"nobody has promised": "without a promised contract",
    r"had the machine to (itself|themselves)": "ran alone",
    r"is not what it was": "has changed",
    r"for good": "permanently",
    r"flatter(s|ed|ing)?": "too high by selection",
    r"did not end well|ended well": "failed, succeeded",
    r"what (has )?became? of": "the result of",
    r"says? of itself": "describes",
    r"is no (number|TOML|checkpoint)": "is not a",
    r"is mute": "does not respond",
    r"as far as anyone": "if possible",
    r"heed(s|ed)?": "follow",
}


@dataclass(frozen=True, slots=True)
class Text:
    """A text that a person reads: where it stands, and what it says."""

    where: str
    text: str


def documents(root: Path = ROOT) -> Iterator[Text]:
    """Yield paragraphs, list items and table cells of README, CONTRIBUTING and the docs."""
    pages = [root / "README.md", root / "CONTRIBUTING.md", *sorted((root / "docs").rglob("*.md"))]
    for page in pages:
        where = page.relative_to(root).as_posix()
        yield from (Text(where, each) for each in paragraphs(page.read_text(encoding="utf-8")))


def paragraphs(page: str) -> Iterator[str]:
    """Yield the texts of a Markdown page, without code, headings, pictures and comments."""
    page = re.sub(r"<!--.*?-->", "", page, flags=re.S)
    page = re.sub(r"^(`{3,}).*?^\1$", "", page, flags=re.S | re.M)
    page = re.sub(r"!\[[^\]]*\]\([^)]*\)", "", page)
    page = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", page)
    for block in re.split(r"\n\s*\n|\n(?=\s*(?:[-*|]|\d+\.)\s?)", page):
        block = block.strip()
        if not block or block.startswith(("#", "(")) or re.fullmatch(r"[|:\- ]+", block):
            continue
        if block.startswith("|"):
            yield from (cell for cell in map(str.strip, block.split("|")) if cell.count(" ") > 2)
        else:
            yield re.sub(r"^(?:[-*]|\d+\.)\s+", "", block)


def help_texts() -> Iterator[Text]:
    """Yield what `--help` says of each command and option."""
    import typer

    from zoo.cli.app import app

    def of(names: Sequence[str], command: typer.core.TyperCommand) -> Iterator[Text]:
        where = " ".join([*names, "--help"])
        for text in (command.help or "").split("\n\n"):
            yield Text(where, text)
        yield from (Text(where, each.help) for each in command.params if getattr(each, "help", ""))
        for name, each in getattr(command, "commands", {}).items():
            yield from of([*names, name], each)

    return of(["zoo"], typer.main.get_command(app))


def messages(root: Path = ROOT) -> Iterator[Text]:
    """Yield the texts in the code that are no docstrings: messages, headings, help."""
    for path, tree in _modules(root):
        docstrings = {id(each) for each in _docstring_nodes(tree)}
        inside = {
            id(part)
            for node in ast.walk(tree)
            if isinstance(node, ast.JoinedStr)
            for part in ast.walk(node)
            if part is not node
        }
        for node in ast.walk(tree):
            if id(node) in docstrings or id(node) in inside:
                continue
            text = _string(node)
            if text is not None and _is_prose(text):
                yield Text(f"{path}:{node.lineno}", text)  # type: ignore[attr-defined]


def docstrings(root: Path = ROOT) -> Iterator[Text]:
    """Yield the paragraphs of all docstrings."""
    for path, tree in _modules(root):
        for node in _docstring_nodes(tree):
            plain = re.sub(r"```.*?```", "", node.value, flags=re.S)
            for text in re.split(r"\n\s*\n|\n(?=\s*[\w, `*]+: )", plain):
                text = re.sub(r"^\s*(Args|Attributes|Raises|Returns|Yields|Source):\s*", "", text)
                if text.strip():
                    yield Text(f"{path}:{node.lineno}", text.strip())


@cache
def _modules(root: Path) -> list[tuple[str, ast.Module]]:
    paths = [path for package in PACKAGES for path in sorted((root / package).rglob("*.py"))]
    return [
        (path.relative_to(root).as_posix(), ast.parse(path.read_text(encoding="utf-8")))
        for path in paths
    ]


def _docstring_nodes(tree: ast.Module) -> Iterator[ast.Constant]:
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for node in ast.walk(tree):
        if isinstance(node, kinds) and node.body and isinstance(node.body[0], ast.Expr):
            value = node.body[0].value
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                yield value


def _string(node: ast.AST) -> str | None:
    """Return what a literal says, each inserted value as one word."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(
            str(part.value) if isinstance(part, ast.Constant) else "VALUE" for part in node.values
        )
    return None


def _is_prose(text: str) -> bool:
    """Say whether a literal is for people: three words or more, and neither SQL nor code."""
    if re.search(
        r"\b(SELECT|INSERT|CREATE|PRAGMA|DELETE|UPDATE)\b|[{};]\s*$|=>|</|\\d|==|^import ",
        text,
        re.M,
    ):
        return False
    return len(re.findall(r"[A-Za-z]{2,}", text)) >= 3 and " " in text.strip()


def sentences(text: str) -> list[str]:
    """Return the sentences of a text; code between backquotes, and a list of names, is one word."""
    text = re.sub(r"``?[^`]+``?(?:,\s+``?[^`]+``?)*", "CODE", text)
    text = re.sub(r"\b\w+(?:,\s+\w+){5,}", "NAMES", text)
    text = re.sub(r"\b(e\.g|i\.e|et al|vs|cf|No)\.", r"\1", text)
    parts = re.split(r"(?<=[.!?])[*_)\"']*\s+|\n\s*\n", " ".join(text.split()))
    return [each for each in parts if words(each)]


def words(sentence: str) -> int:
    """Return how many words a sentence has."""
    return sum(bool(re.search(r"\w", each)) for each in sentence.split())


def avoided(texts: Sequence[Text], avoid: Mapping[str, str] = AVOID) -> list[str]:
    """Return a line for each word to avoid that is left in `texts`."""
    found = []
    for each in texts:
        plain = re.sub(r"`[^`]*`", "", " ".join(each.text.split()))
        for pattern, instead in avoid.items():
            if match := re.search(rf"\b(?:{pattern})\b", plain, flags=re.I):
                found.append(f"{each.where}: {match.group()!r}: say {instead}: {plain[:90]}")
    return found


def report() -> tuple[list[str], list[str]]:
    """Return the figures, a line for each part, and what is wrong."""
    parts = {
        "README and docs": list(documents()),
        "help": list(help_texts()),
        "messages": list(messages()),
        "docstrings": list(docstrings()),
    }
    figures, wrong, lengths = [], [], []
    for name, texts in parts.items():
        counted = [(words(s), each.where, s) for each in texts for s in sentences(each.text)]
        sizes = [size for size, _, _ in counted]
        size = f"{mean(sizes):.1f} words on average, {max(sizes)} at most"
        figures.append(f"{name}: {len(sizes)} sentences, {size}")
        wrong += [f"{where}: {size} words: {s}" for size, where, s in counted if size > MOST]
        wrong += avoided(texts)
        lengths += sizes if name != "docstrings" else []
    figures.append(f"all but docstrings: {mean(lengths):.1f} words on average")
    if mean(lengths) > MOST_ON_AVERAGE:
        wrong.append(f"more than {MOST_ON_AVERAGE} words a sentence on average")
    return figures, wrong


if __name__ == "__main__":
    lines, faults = report()
    print("\n".join([*lines, *faults, f"{len(faults)} to mend"]))
    sys.exit(1 if faults else 0)
