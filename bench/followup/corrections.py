"""A table of doubted labels for a person to edit, and what that person wrote into it."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import numpy as np

from bench.analysis.label_issues import LabelIssues
from bench.analysis.predictions import Predictions
from bench.system.atomic_files import write_text
from bench.system.display import cell
from bench.system.received_files import MB, read_regular
from registry.errors import RunError

_HEAD = ("image", "label", "rather", "quality", "verdict", "correct_label")
_MOST_BYTES = 200 * MB
_LEAST = 20  # rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrections:
    """What a person says of labels: by image name.

    Attributes:
        right: images whose label is right, in spite of the doubt.
        wrong: the right class of images with a wrong label, as a number.
        ambiguous: images that no label fits, or several; they are left out.
    """

    right: tuple[str, ...]
    wrong: Mapping[str, int]
    ambiguous: tuple[str, ...]

    @property
    def count(self) -> int:
        """The number of images that were looked at."""
        return len(self.right) + len(self.wrong) + len(self.ambiguous)


def write_doubts(
    path: Path, answers: Predictions, issues: LabelIssues, classes: Sequence[str], first: int
) -> int:
    """Return how many rows were written: the `first` of the ranking, or all doubted ones.

    Raises:
        RunError: the file exists, since a person may have edited it, or cannot be written.
    """
    if path.exists():
        raise RunError(f"{path} exists: move it, or name another file, so that no edit is lost")
    rows = StringIO()
    table = csv.writer(rows, lineterminator="\n")
    table.writerow(_HEAD)
    count = min(len(issues.order), max(first, _LEAST, int(issues.doubted.sum())))
    for place in issues.order[:count].tolist():
        names = (classes[answers.labels[place]], classes[issues.rather[place]])
        quality = f"{issues.quality[place]:.4f}"
        table.writerow([cell(answers.images[place]), *map(cell, names), quality, "", ""])
    try:
        write_text(path, rows.getvalue())
    except OSError as error:
        raise RunError(f"cannot write {path}: {error.strerror or error}") from error
    return count


def read_corrections(path: Path, answers: Predictions, classes: Sequence[str]) -> Corrections:
    """Return what a person wrote into the columns `verdict` and `correct_label`.

    A verdict is right, wrong or ambiguous; rows without one do not count. A wrong label becomes
    `correct_label`, or else `rather`.

    Raises:
        RunError: the table cannot be read, or names an image, verdict or class that is unknown.
    """
    try:
        text = read_regular(path, most=_MOST_BYTES, follow=True).decode("utf-8-sig")
    except OSError as error:
        raise RunError(f"cannot read {path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise RunError(f"cannot read {path}: it is no UTF-8 text") from error
    first = text.partition("\n")[0]
    table = csv.DictReader(StringIO(text), delimiter=max("\t;,", key=first.count))
    if lost := {"image", "verdict"} - {*(table.fieldnames or ())}:
        raise RunError(
            f"{path} has no column {min(lost)!r}: make one by `zoo labels RUN --export {path.name}`"
        )
    return _Reader(path, answers, classes).read(table)


class _Reader:
    """Reads rows; each error names the line."""

    def __init__(self, path: Path, answers: Predictions, classes: Sequence[str]) -> None:
        self._path = path
        self._labels = {
            cell(image): (image, int(label))
            for image, label in zip(answers.images, answers.labels, strict=True)
        }
        self._classes = {cell(name).casefold(): number for number, name in enumerate(classes)}

    def read(self, rows: Iterable[Mapping[str, str | None]]) -> Corrections:
        said: dict[str, tuple[str, int | None]] = {}
        for line, row in enumerate(rows, 2):
            verdict = (row["verdict"] or "").strip().casefold()
            if not verdict:
                continue
            name = (row["image"] or "").strip()
            if name not in self._labels:
                raise self._error(line, f"{name!r} is no test image of this run")
            image, label = self._labels[name]
            to = self._correct(line, row, label) if verdict == "wrong" else None
            if verdict not in ("right", "wrong", "ambiguous"):
                raise self._error(
                    line, f"the verdict {verdict!r} is none of right, wrong, ambiguous"
                )
            if said.setdefault(image, (verdict, to)) != (verdict, to):
                raise self._error(line, f"{name!r} has two different verdicts")
        if not said:
            raise RunError(
                f"{self._path} has no verdicts: write right, wrong or ambiguous into that column"
            )
        return Corrections(
            right=tuple(image for image, (what, _) in said.items() if what == "right"),
            wrong={image: to for image, (_, to) in said.items() if to is not None},
            ambiguous=tuple(image for image, (what, _) in said.items() if what == "ambiguous"),
        )

    def _correct(self, line: int, row: Mapping[str, str | None], label: int) -> int:
        name = (row.get("correct_label") or "").strip() or (row.get("rather") or "").strip()
        found = self._classes.get(name.casefold())
        if found is None:
            known = ", ".join(list(self._classes)[:6])
            raise self._error(line, f"the class {name!r} is unknown; classes: {known}")
        if found == label:
            raise self._error(
                line, f"the label is wrong, but {name!r} is that label: fill in correct_label"
            )
        return found

    def _error(self, line: int, text: str) -> RunError:
        return RunError(f"{self._path}, line {line}: {text}")


def corrected(answers: Predictions, said: Corrections) -> Predictions:
    """Return the predictions with corrected labels, without ambiguous images."""
    left_out = {*said.ambiguous}
    kept = np.array([image not in left_out for image in answers.images])
    labels = np.array(
        [said.wrong.get(i, int(k)) for i, k in zip(answers.images, answers.labels, strict=True)]
    )
    places = np.flatnonzero(kept)
    return Predictions(
        model=answers.model,
        seeds=answers.seeds,
        images=tuple(answers.images[place] for place in places),
        labels=labels[kept],
        probabilities=answers.probabilities[:, kept],
        groups=None if answers.groups is None else tuple(answers.groups[p] for p in places),
        folds=answers.folds,
    )
