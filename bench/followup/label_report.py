"""What `zoo labels` tells: doubted labels, what the ranking finds, and accuracies scored again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from bench.analysis.label_issues import LabelIssues, PlantedErrors
from bench.analysis.predictions import Predictions
from bench.analysis.standings import Standings, standings
from bench.analysis.stats.interval import accuracy_interval
from bench.analysis.verdict import rank_models, verdicts
from bench.followup.corrections import Corrections, corrected
from bench.report.followup_file import (
    Followup,
    FollowupLine,
    FollowupPicture,
    FollowupTable,
    Gallery,
)
from bench.report.tiles import FRAME, PICTURE, Text, Tile, draw_tiles
from bench.system.display import BAD, count_noun, percent, percent_range

SHEET = "labels-sheet.png"
_ON_PAGE, _ON_SHEET, _COLUMNS = 24, 60, 6
_ENOUGH = 0.6  # of the flipped labels
_CHANCE = 2  # times what a random order finds
_FLIPS = (
    "The share was measured without training: labels of test images were flipped at random. No "
    "network trained on these flips. Real errors are of harder images, and may be in the training "
    "images, too: expect to find fewer."
)
_BIAS = (
    "Only doubted labels were looked at. A wrong label with which the models agree stays, so the "
    "corrected accuracies are upper estimates."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelFindings:
    """What is known of the labels of a run's test images.

    Attributes:
        answers: predictions of each model.
        classes: names of the classes.
        issues: labels ranked by doubt.
        planted: what the ranking finds of flipped labels; None for too few images.
        said: what a person says of labels, if anything.
    """

    answers: Mapping[str, Predictions]
    classes: Sequence[str]
    issues: LabelIssues
    planted: PlantedErrors | None
    said: Corrections | None

    @property
    def images(self) -> tuple[str, ...]:
        """The names of the images."""
        return next(iter(self.answers.values())).images

    @property
    def labels(self) -> list[int]:
        """The labels as given."""
        found: list[int] = next(iter(self.answers.values())).labels.tolist()
        return found

    def first(self, most: int) -> list[int]:
        """Return the places of the most doubtful labels."""
        found: list[int] = self.issues.order[:most].tolist()
        return found


def report_labels(found: LabelFindings, covers: tuple[str, ...]) -> Followup:
    """Return what was found."""
    scored = None if found.said is None else _Scored(found.answers, found.said)
    return Followup(
        kind="labels",
        label="Labels",
        title=_title(found),
        covers=covers,
        lead=_lead(found),
        lines=tuple(_lines(found, scored)),
        notes=(*([_FLIPS] if found.planted else []), *([_BIAS] if scored else [])),
        tables=tuple(_tables(found, scored)),
        galleries=(
            Gallery(
                title="The most doubtful labels",
                caption="The other class is that of all models together. Only a person can say "
                "which label is wrong: `--export` writes a table for that.",
                pictures=tuple(_picture(found, place) for place in found.first(_ON_PAGE)),
            ),
        ),
        values=_values(found, scored),
    )


def draw_label_sheet(found: LabelFindings, thumbnails: Mapping[str, bytes]) -> bytes:
    """Return a PNG with the most doubtful labels, up to 60."""
    tiles = list[Tile]()
    for place in found.first(_ON_SHEET):
        name, label = found.images[place], found.classes[found.labels[place]]
        rather = found.classes[found.issues.rather[place]]
        texts = (
            Text(text=f"label: {label}"),
            Text(text=f"rather {rather}?", ink=BAD),
            Text(text=name, lines=2),
        )
        tiles.append(Tile(picture=_drawn(thumbnails.get(name)), texts=texts))
    written = BytesIO()
    draw_tiles("The most doubtful labels", tiles, columns=_COLUMNS).save(written, "PNG")
    return written.getvalue()


def sheet_images(found: LabelFindings) -> list[str]:
    """Return the names of the images on the sheet."""
    return [found.images[place] for place in found.first(_ON_SHEET)]


def _drawn(jpeg: bytes | None) -> Image.Image | None:
    if jpeg is None:
        return None
    picture = Image.open(BytesIO(jpeg)).convert("RGB")
    return ImageOps.scale(picture, (PICTURE - 2 * FRAME) / max(picture.size))


def _title(found: LabelFindings) -> str:
    if found.planted and _is_chance(found.planted):
        return "These models cannot tell which labels are wrong"
    doubted = int(found.issues.doubted.sum())
    return f"The models doubt {doubted or 'none'} of {len(found.images):,} labels"


def _is_chance(planted: PlantedErrors) -> bool:
    return planted.found < _CHANCE * planted.looked_at


def _lead(found: LabelFindings) -> str:
    first = next(iter(found.answers.values()))
    models = count_noun(len(found.answers), "model")
    if first.folds > 1:
        return f"Each image is judged by {models} that did not train on it, in {first.folds} folds."
    return (
        f"Only the {len(found.images):,} test images are judged, by {models}: of training images "
        "there is no answer of a network that did not train on them. A run with folds judges all: "
        "`zoo bench --split kfold:5`."
    )


def _lines(found: LabelFindings, scored: _Scored | None) -> Iterator[FollowupLine]:
    if planted := found.planted:
        kind, more = ("better" if planted.found >= _ENOUGH else "descriptive"), ""
        if _is_chance(planted):
            kind, more = "failed", ", hardly more than in a random order: train better models first"
        yield FollowupLine(
            kind=kind,
            text=f"{percent(planted.found, 0)} of labels that were flipped on purpose are in the "
            f"first {percent(planted.looked_at, 0)} of the ranking{more}",
        )
    else:
        text = "too few images to measure how many wrong labels are found"
        yield FollowupLine(kind="failed", text=text)
    if scored is not None:
        yield FollowupLine(kind="descriptive", text=scored.told())


def _tables(found: LabelFindings, scored: _Scored | None) -> Iterator[FollowupTable]:
    if planted := found.planted:
        yield FollowupTable(
            title="Labels flipped on purpose",
            head=("flipped", "looked at", "found", "in repeats", "precision", "possible"),
            rows=(
                (
                    percent(planted.planted),
                    percent(planted.looked_at),
                    percent(planted.found),
                    percent_range(planted.lowest, planted.highest),
                    percent(planted.precision),
                    percent(planted.most),
                ),
            ),
        )
    if scored is not None:
        head = ("model", "accuracy as labelled", "95 %", "with corrected labels", "95 %")
        yield FollowupTable(title="Scored again", head=head, rows=tuple(scored.rows()))


def _picture(found: LabelFindings, place: int) -> FollowupPicture:
    name, label = found.images[place], found.classes[found.labels[place]]
    rather = found.classes[found.issues.rather[place]]
    return FollowupPicture(
        alt=f"{name}, labelled {label}",
        name=name,
        lines=(
            FollowupLine(kind="", text=f"label: {label}"),
            FollowupLine(kind="wrong", text=f"rather {rather}?"),
            FollowupLine(kind="", text=f"quality {found.issues.quality[place]:.2f}"),
        ),
        image=name,
    )


def _values(found: LabelFindings, scored: _Scored | None) -> dict[str, Any]:
    issues, planted = found.issues, found.planted
    ranking = [
        {
            "image": found.images[place],
            "label": found.classes[found.labels[place]],
            "rather": found.classes[issues.rather[place]],
            "quality": round(float(issues.quality[place]), 6),
            "doubted": bool(issues.doubted[place]),
        }
        for place in issues.order.tolist()
    ]
    names = ("planted", "looked_at", "found", "lowest", "highest", "precision", "most")
    return {
        "ranking": ranking,
        "flipped_on_purpose": planted and {name: getattr(planted, name) for name in names},
        "scored": scored and scored.values(),
    }


class _Scored:
    """The accuracies with labels as given, and as a person corrected them."""

    def __init__(self, answers: Mapping[str, Predictions], said: Corrections) -> None:
        self._given, self._said = answers, said
        self._new = {model: corrected(each, said) for model, each in answers.items()}

    def rows(self) -> Iterator[tuple[str, ...]]:
        """Yield a row of texts for each model, the most accurate first."""
        for model in sorted(self._new, key=lambda each: -_accuracy(self._new[each])):
            yield (model, *_texts(self._given[model]), *_texts(self._new[model]))

    def told(self) -> str:
        """Return what was said of the labels, and who is best with them."""
        said = self._said
        parts = f"{len(said.right)} right, {len(said.wrong)} wrong, {len(said.ambiguous)} ambiguous"
        looked = f"{count_noun(said.count, 'label')} looked at: {parts}"
        before, after = (_standings(each).headline() for each in (self._given, self._new))
        return f"{looked}. As labelled: {before}. With corrected labels: {after}"

    def values(self) -> dict[str, Any]:
        """Return the accuracies for programs, 0 to 1."""
        return {
            model: {"as_labelled": _accuracy(self._given[model]), "corrected": _accuracy(new)}
            for model, new in self._new.items()
        }


def _accuracy(answers: Predictions) -> float:
    return float(answers.correct.mean())


def _texts(answers: Predictions) -> tuple[str, str]:
    low, high = accuracy_interval(answers.correct.astype(np.float64), answers.clusters)
    return percent(_accuracy(answers)), percent_range(low, high)


def _standings(answers: Mapping[str, Predictions]) -> Standings:
    found = verdicts(answers)
    accuracies = {model: _accuracy(each) for model, each in answers.items()}
    return standings(accuracies, rank_models(answers), (), found)
