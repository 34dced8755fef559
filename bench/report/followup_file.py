"""What a follow-up of a run has found, as a file in its folder: `followups/stress.json`.

A follow-up is a question after the table, answered by the trained networks. The page shows each
file as a section. Somebody else may have written it, so it is data: charts are drawn from figures.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from bench.system.atomic_files import whole_file, write_text
from bench.system.received_files import MB, make_inside, read_regular, require_inside
from bench.system.strict_json import json_text
from registry.errors import RunError

SCHEMA_VERSION = 1
FOLDER = "followups"
KINDS = ("explain", "stress", "labels", "learn-curve", "choose")  # in the order of the page
_MOST_BYTES = 20 * MB  # of a file, or of a picture
_NAME = re.compile(r"[a-z][a-z0-9-]{0,60}")
_PICTURE = re.compile(r"[a-z0-9][a-z0-9_-]{0,100}\.(png|jpg)")


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowupLine:
    """A sentence; `kind` gives its sign: `better`, `level`, `descriptive`, `failed`, `marked`.

    Under a picture, `kind` is `right`, `wrong` or "".
    """

    text: str
    kind: str = "descriptive"


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowupTable:
    """A table of texts; the first column names the rows."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A value `y` of `model` at `x` in a panel, perhaps with an interval."""

    panel: str
    model: str
    x: float
    y: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Multiples:
    """Small charts with common axes: one a panel, with a line a model.

    Attributes:
        name: of the file in `figures/`, after the kind: `accuracy` becomes `stress-accuracy.svg`.
        title: what is found.
        caption: what is shown.
        spoken: description for screen readers.
        x, y: titles of the axes.
        share: whether `y` is a share, 0 to 1.
        log: whether the axis `x` is logarithmic.
        joined: whether a line joins the points of a model.
        points: values, in the order of panels and models.
    """

    name: str
    title: str
    caption: str
    spoken: str
    x: str
    y: str
    points: tuple[Point, ...]
    share: bool = True
    log: bool = False
    joined: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowupPicture:
    """A picture with lines below: a file beside the JSON, or the thumbnail of a test image.

    Attributes:
        alt: description for screen readers.
        name: name below the lines, such as that of the image.
        file: name of a PNG or JPEG in `followups/`.
        image: name of a test image, if `file` is empty.
        over: name of a PNG to lay over it, which the reader can hide.
    """

    alt: str
    name: str
    lines: tuple[FollowupLine, ...] = ()
    file: str = ""
    image: str = ""
    over: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gallery:
    """Pictures side by side."""

    title: str
    caption: str
    pictures: tuple[FollowupPicture, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A network in one form, with what limits are compared with.

    Attributes:
        model: name of the model.
        form: `torch`, `ONNX` or `ONNX int8`.
        accuracy: accuracy, 0 to 1, with its bounds at 95 %, and the lower one at 80 %.
        seconds: median time for one image, and its 95th percentile, if known.
        bytes: size of the file.
        file: path of the file in the run folder.
    """

    model: str
    form: str
    accuracy: float
    low: float
    likely_low: float
    high: float
    seconds: float
    slow_seconds: float | None
    bytes: int
    file: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chooser:
    """Candidates, and limits that a reader of the page may move; None: no limit."""

    candidates: tuple[Candidate, ...]
    min_accuracy: float | None = None
    max_seconds: float | None = None
    max_bytes: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Followup:
    """What a follow-up has found.

    Attributes:
        kind: name of its command, and of its file: `stress`.
        label: one or two words for the list of sections.
        title: what is found, as a heading.
        covers: identities of the trials that were asked, `TrialSpec.id`.
        lead: a few sentences that say more than the title.
        lines: sentences with signs, such as verdicts.
        notes: what to know to read the figures.
        values: the figures for programs, as JSON values.
    """

    kind: str
    label: str
    title: str
    covers: tuple[str, ...]
    lead: str = ""
    lines: tuple[FollowupLine, ...] = ()
    notes: tuple[str, ...] = ()
    tables: tuple[FollowupTable, ...] = ()
    charts: tuple[Multiples, ...] = ()
    galleries: tuple[Gallery, ...] = ()
    chooser: Chooser | None = None
    values: dict[str, Any] = field(default_factory=dict)
    schema_version: int = SCHEMA_VERSION


def followup_json(found: Followup) -> dict[str, Any]:
    """Return `found` as JSON values."""
    plain: dict[str, Any] = msgspec.to_builtins(found)
    return {"schema_version": plain.pop("schema_version"), **plain}


def write_followup(
    folder: Path, found: Followup, pictures: Mapping[str, bytes] | None = None
) -> Path:
    """Return the path of the file after writing it to the run `folder`, and its `pictures` before.

    Raises:
        OSError: a file cannot be written.
        ValueError: a name is not allowed, or a figure is not finite.
    """
    _require_names(found)
    place = folder / FOLDER
    make_inside(folder, place)
    for name, content in (pictures or {}).items():
        _require_name(_PICTURE, name)
        with whole_file(place / name) as partial:
            partial.write_bytes(content)
    path = place / f"{found.kind}.json"
    write_text(path, json_text(followup_json(found)) + "\n")
    return path


def read_followups(folder: Path) -> tuple[Followup, ...]:
    """Return what was found so far of the run in `folder`; an unreadable file is a failed line."""
    try:
        names = sorted(each.stem for each in (folder / FOLDER).glob("*.json"))
    except OSError:
        return ()
    known = [name for name in KINDS if name in names]
    others = [name for name in names if name not in KINDS and _NAME.fullmatch(name)]
    return tuple(_read(folder, name) for name in (*known, *others))


def read_followup(folder: Path, kind: str) -> Followup:
    """Return what the follow-up `kind` has found.

    Raises:
        RunError: there is none, or its file is unreadable.
    """
    path = folder / FOLDER / f"{kind}.json"
    try:
        require_inside(folder, path)
        content = json.loads(read_regular(path, most=_MOST_BYTES))
        found = msgspec.convert(content, Followup)
        if found.schema_version != SCHEMA_VERSION:
            raise ValueError(f"it has version {found.schema_version}, not {SCHEMA_VERSION}")
        if found.kind != kind:
            raise ValueError(f"it is of {found.kind!r}")
        _require_names(found)
    except OSError as error:
        raise RunError(f"cannot read {path}: {error.strerror or error}") from error
    except (msgspec.ValidationError, ValueError, RecursionError) as error:
        raise RunError(f"{path} is unreadable: {error}") from error
    return found


def read_picture(folder: Path, name: str) -> bytes | None:
    """Return the picture `name` of a follow-up; None if it cannot be read."""
    path = folder / FOLDER / name
    try:
        require_inside(folder, path)
        return read_regular(path, most=_MOST_BYTES)
    except (OSError, RunError):
        return None


def _read(folder: Path, kind: str) -> Followup:
    try:
        return read_followup(folder, kind)
    except RunError as error:
        line = FollowupLine(kind="failed", text=f"{error}; `zoo {kind}` makes it again")
        title = f"What `zoo {kind}` found cannot be shown"
        return Followup(kind=kind, label=kind.capitalize(), title=title, covers=(), lines=(line,))


def _require_names(found: Followup) -> None:
    """Raise ValueError for a name that is no file name, and a figure that no chart can show."""
    for name in (found.kind, *(each.name for each in found.charts)):
        _require_name(_NAME, name)
    for picture in (each for gallery in found.galleries for each in gallery.pictures):
        for name in filter(None, (picture.file, picture.over)):
            _require_name(_PICTURE, name)
    for point in (each for chart in found.charts for each in chart.points):
        known = (point.x, point.y, point.low or 0.0, point.high or 0.0)
        if not all(map(math.isfinite, known)):
            raise ValueError(f"a figure of {point.model!r} is not finite")


def _require_name(allowed: re.Pattern[str], name: str) -> None:
    if not allowed.fullmatch(name):
        raise ValueError(f"{name!r} is no name of a follow-up or its files")
