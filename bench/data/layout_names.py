"""What the names of folders and files mean: parts of a split, classes, or nothing."""

import re
import unicodedata
from collections.abc import Iterable
from types import MappingProxyType
from typing import Literal

Part = Literal["train", "validation", "test"]
PARTS: tuple[Part, ...] = ("train", "validation", "test")

_PART_WORDS: MappingProxyType[str, Part] = MappingProxyType(
    {
        **dict.fromkeys(("train", "training", "trn"), "train"),
        **dict.fromkeys(("val", "valid", "validation", "validate", "dev"), "validation"),
        **dict.fromkeys(("test", "testing", "tests", "tst"), "test"),
    }
)
_CONTAINER_WORDS = (
    "petimages|jpegimages|datasets?|data|images?|imgs?|pictures?|pics?|photos?|photographs?|"
    "sets?|splits?|folder|files?|seg|raw|all|jpe?gs?|pngs?"
)
_ANNOTATION_WORDS = frozenset(
    {"annotation", "annotations", "labels", "masks", "trimaps", "bboxes", "metadata", "meta",
     "docs", "xmls", "json", "csv", "segmentation", "segmentations", "groundtruth"}
)  # fmt: skip
_CAMERA_WORDS = frozenset(
    {"img", "imgs", "image", "images", "dsc", "dscn", "dscf", "dcim", "pxl", "mvimg", "vid",
     "gopr", "photo", "photos", "pic", "pics", "picture", "pictures", "screenshot", "screen",
     "shot", "scan", "frame", "file", "untitled", "whatsapp", "capture", "snapshot", "sample",
     "samples", "unnamed", "download", "downloads", "pano", "wa", "at", "on", "signal",
     "received", "copy", "new", "edit"}
)  # fmt: skip
_TEXTBOOK = MappingProxyType({"cats": "cat", "dogs": "dog", "cat": "cat", "dog": "dog"})
_NUMBERED = re.compile(r"(.+?)([\W_]*)\d+[\W_]*")  # a name, and a number at its end
_HEXADECIMAL = re.compile(r"[0-9a-f-]{8,}")


def class_name(name: str) -> str:
    """Return the class of a folder's name or of a label: its composed Unicode form (NFC).

    Cat, cats, Dog and dogs in any case are `cat` and `dog`, as in the textbook.
    """
    return _TEXTBOOK.get(class_key(name), unicodedata.normalize("NFC", name))


def class_key(name: str) -> str:
    """Return what two names share that differ by case, Unicode form or outer spaces alone."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold()).strip()


def sort_classes(names: Iterable[str]) -> tuple[str, ...]:
    """Return each of `names` once: cat, dog, then the others in alphabetical order."""
    return tuple(sorted(set(names), key=lambda n: (n != "cat", n != "dog", class_key(n), n)))


def part_of(name: str) -> Part | None:
    """Return the part of a split that a folder's name means: train, val_set, Test images, ..."""
    found = {_PART_WORDS.get(word) for word in _plain_words(name)}
    return found.pop() if len(found) == 1 else None


def parts_within(name: str) -> set[Part]:
    """Return the parts of a split whose words are in `name`: train for `train_cats`."""
    return {_PART_WORDS[word] for word in _words(name) if word in _PART_WORDS}


def is_container_name(name: str) -> bool:
    """Return whether a folder of this name holds classes, and is none: images, train, data."""
    return all(word in _PART_WORDS for word in _plain_words(name))


def is_annotation_name(name: str) -> bool:
    """Return whether a folder of this name holds facts about images: annotations, masks."""
    return bool(words := _words(name)) and words[-1] in _ANNOTATION_WORDS


def class_of_file(stem: str) -> str | None:
    """Return the class in a file's name without suffix, as written: all before its last number.

    None for a name without one: a number, a camera's name (IMG_1234), a hash.
    """
    name = unicodedata.normalize("NFC", stem).strip()
    found = _NUMBERED.fullmatch(name)
    if found is None or _is_hash(name):
        return None
    before, separator = found[1].strip(" ._-"), found[2]
    letters = re.findall(r"[^\W\d_]+", before)
    if not letters or (len(before) == 1 and not separator):
        return None
    known = all(word.casefold() in _CAMERA_WORDS or len(word) == 1 for word in letters)
    if known and (len(letters) > 1 or letters[0].casefold() in _CAMERA_WORDS):
        return None
    return before


def _is_hash(name: str) -> bool:
    """Return whether `name` looks like a hash or a random identifier."""
    folded = name.casefold()
    if _HEXADECIMAL.fullmatch(folded):
        return re.search(r"\d-?[a-f]", folded) is not None
    plain = re.fullmatch(r"[a-z0-9]+", folded)
    return plain is not None and len(re.findall(r"\d(?=[a-z])", folded)) > 1


def _words(name: str) -> list[str]:
    """Return the words of letters in `name`, lower-case: `valSet_2` gives val, set."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", unicodedata.normalize("NFKC", name))
    return re.findall(r"[^\W\d_]+", apart.casefold())


def _plain_words(name: str) -> list[str]:
    """Return the words of `name` without those that mean any container (set, images)."""
    words = [re.sub(f"(?<=.)({_CONTAINER_WORDS})$", "", word) for word in _words(name)]
    kept = [word for word in words if not re.fullmatch(_CONTAINER_WORDS, word)]
    return kept if words else ["?"]
