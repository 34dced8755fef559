"""What `zoo explain` tells: a table of checks, and pictures with heat maps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.analysis.results import Results
from bench.data.find import ImageFile
from bench.data.transform import Pixels
from bench.followup.explained_images import ExplainedImages
from bench.followup.explanations import Explanations
from bench.followup.heat_picture import heat_layer, shown_picture
from bench.report.followup_file import (
    Followup,
    FollowupLine,
    FollowupPicture,
    FollowupTable,
    Gallery,
)
from bench.report.page.figure import classes_of
from bench.system.display import percent

_LEAST = 0.05  # of the probability, that a map must take away beyond a random order
_MOST_LIKE = 0.5  # correlation with the maps of random weights
_LEAD = (
    "The redder a place, the more it speaks for what the model said. Where none is, nothing does."
)
_NOTES = (
    "Left: how probable the class remains on average while pixels become the mean colour, a tenth "
    "at a time, first those that the map names. The lower, the better the map.",
    "Like random: rank correlation with the map of the same network with random weights. A map "
    "near 1 shows the photograph, not the network.",
    "A map says where, not why. A place can be red for its colour, its outline or its background.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """The explanations of a model's network for N images."""

    model: str
    images: tuple[ImageFile, ...]
    found: Explanations


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """One image explained by one model: place `at` of its explanations."""

    explained: Explained
    at: int

    @property
    def image(self) -> ImageFile:
        return self.explained.images[self.at]

    def value(self, name: str) -> Any:
        return getattr(self.explained.found, name)[self.at]


def report_explanations(
    results: Results,
    covers: tuple[str, ...],
    wanted: ExplainedImages,
    explained: Sequence[Explained],
    pixels: Callable[[ImageFile], Pixels],
) -> tuple[Followup, dict[str, bytes]]:
    """Return what was found, and its pictures by file name.

    `pixels` returns the whole picture of an image (H, W, 3).
    """
    asked = dict.fromkeys(each.model for each in explained)
    checks = [
        _Checks(wanted.models[model], [each.found for each in explained if each.model == model])
        for model in asked
    ]
    passed = sum(each.passed for each in checks)
    drawn = _Drawn(results, wanted, explained, pixels)
    told = Followup(
        kind="explain",
        label="Why",
        title=_title(passed, len(checks)),
        covers=covers,
        lead=_LEAD,
        lines=tuple(each.line() for each in checks),
        notes=(*_NOTES, *_left_out(results, len(checks))),
        tables=(
            FollowupTable(
                title="Checks of the heat maps",
                head=("model", "maps from", "images", "left", "in random order", "like random"),
                rows=tuple(each.row() for each in checks),
            ),
        ),
        galleries=tuple(drawn.galleries()),
        values={"maps": [drawn.values(place) for place in drawn.places.values()]},
    )
    return told, drawn.files


def _title(passed: int, count: int) -> str:
    if passed == count:
        which = "the map of the model passes" if count == 1 else "the maps of all models pass"
        return f"Where the models looked: {which} both checks"
    return f"Where the models looked: the maps of {passed} of {count} pass both checks"


def _left_out(results: Results, asked: int) -> list[str]:
    count = len(results.pairwise.answers)
    return [] if asked == count else [f"Only the first {asked} of {count} models are explained."]


class _Checks:
    """The checks of one model's maps."""

    def __init__(self, label: str, found: Sequence[Explanations]) -> None:
        self._label, self._found = label, found
        self._left, self._random = self._all("left"), self._all("left_at_random")
        self._like = float(self._all("like_random").mean())
        saved = self._random - self._left
        error = saved.std(ddof=1) / len(saved) ** 0.5 if len(saved) > 1 else np.inf
        self._better = bool(saved.mean() > max(_LEAST, 2 * error))
        self.passed = self._better and self._like < _MOST_LIKE

    def _all(self, name: str) -> NDArray[np.float64]:
        return np.concatenate([getattr(each, name) for each in self._found]).astype(np.float64)

    def row(self) -> tuple[str, ...]:
        shares = (percent(float(each.mean()), 0) for each in (self._left, self._random))
        methods = ", ".join(dict.fromkeys(each.method for each in self._found))
        return self._label, methods, str(len(self._left)), *shares, f"{self._like:.2f}"

    def line(self) -> FollowupLine:
        if not self._better:
            text = "its maps name what it needs no better than a random order: do not read them"
            return FollowupLine(kind="failed", text=f"{self._label}: {text}")
        if not self.passed:
            text = "its maps look like those of random weights: they show the picture alone"
            return FollowupLine(kind="failed", text=f"{self._label}: {text}")
        left, at_random = (percent(float(e.mean()), 0) for e in (self._left, self._random))
        text = f"without what its maps name, {left} of the probability is left on average; "
        text += f"in a random order {at_random}"
        return FollowupLine(kind="better", text=f"{self._label}: {text}")


class _Drawn:
    """Galleries of the explained images, and their files."""

    def __init__(
        self,
        results: Results,
        wanted: ExplainedImages,
        explained: Sequence[Explained],
        pixels: Callable[[ImageFile], Pixels],
    ) -> None:
        self._wanted, self._pixels = wanted, pixels
        self._classes = classes_of(results)
        self._shapes = {
            each.model: each.spec.architecture.contract.input_shape for each in results.records
        }
        self._numbers: dict[ImageFile, int] = {}
        self.files: dict[str, bytes] = {}
        self.places: Mapping[tuple[str, str], _Place] = {
            (each.model, image.name): _Place(explained=each, at=at)
            for each in explained
            for at, image in enumerate(each.images)
        }

    def galleries(self) -> Iterator[Gallery]:
        """Yield a gallery of each image that all explain, and of each model's mistakes."""
        photos = [place.image.name for place in self.places.values() if place.image.label < 0]
        titles = {
            **dict.fromkeys(photos, "Your photograph"),
            **dict.fromkeys(self._wanted.contested, "The models disagree on"),
        }
        for name in self._wanted.examples:
            titles.setdefault(name, "An example")
        for name, title in titles.items():
            if own := [place for (_, image), place in self.places.items() if image == name]:
                yield self._of_image(f"{title} {name}", own)
        for model, label in self._wanted.models.items():
            keys = [(model, image) for image in self._wanted.mistakes[model]]
            tiles = [self._tile(self.places[key], name="label") for key in keys
                     if key in self.places]  # fmt: skip
            if tiles:
                title = f"Most confidently wrong: {label}"
                yield Gallery(title=title, caption="", pictures=tuple(tiles))

    def _of_image(self, title: str, own: Sequence[_Place]) -> Gallery:
        label = own[0].image.label
        if label >= 0:
            title += f", labelled {self._classes[label]}"
        plain = FollowupPicture(
            alt=own[0].image.name,
            name="",
            lines=(FollowupLine(kind="", text="the image"),),
            file=self._picture(own[0].image, self._shapes[own[0].explained.model]),
        )
        tiles = (self._tile(each, name="model") for each in own)
        return Gallery(title=title, caption="", pictures=(plain, *tiles))

    def _tile(self, place: _Place, *, name: str) -> FollowupPicture:
        model, image = place.explained.model, place.image
        label, said = self._wanted.models[model], int(place.value("predicted"))
        sure = f"{self._classes[said]}, {percent(float(place.value('probability')), 0)} sure"
        right = "" if image.label < 0 else "right" if said == image.label else "wrong"
        sign = {"right": "✓ ", "wrong": "✗ "}.get(right, "")
        top = label if name == "model" else f"label: {self._classes[image.label]}"
        lines = [FollowupLine(kind="", text=top), FollowupLine(kind=right, text=f"{sign}{sure}")]
        if not (place.value("maps") > 0).any():
            lines.append(FollowupLine(kind="", text="no place speaks for it"))
        return FollowupPicture(
            alt=f"{image.name}, and where {label} looked",
            name="" if name == "model" else image.name,
            lines=tuple(lines),
            file=self._picture(image, self._shapes[model]),
            over=self._layer(place, self._shapes[model]),
        )

    def _picture(self, image: ImageFile, shape: tuple[int, int, int]) -> str:
        number = self._numbers.setdefault(image, len(self._numbers) + 1)
        _, height, width = shape
        name = f"explain-{number}-{height}x{width}.jpg"
        if name not in self.files:
            self.files[name] = shown_picture(self._pixels(image), shape)
        return name

    def _layer(self, place: _Place, shape: tuple[int, int, int]) -> str:
        number = self._numbers[place.image]
        model = [*self._wanted.models].index(place.explained.model) + 1
        name = f"explain-{number}-map-{model}.png"
        self.files[name] = heat_layer(place.value("maps"), shape)
        return name

    def values(self, place: _Place) -> dict[str, Any]:
        """Return the figures of a map for programs."""
        names = ("probability", "left", "left_at_random", "like_random")
        return {
            "model": place.explained.model,
            "image": place.image.name,
            "predicted": self._classes[int(place.value("predicted"))],
            "method": place.explained.found.method,
            **{name: round(float(place.value(name)), 6) for name in names},
        }
