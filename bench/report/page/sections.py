"""Values for the template of the page; names are not yet escaped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bench.analysis.columns import informative_columns, rows_of
from bench.analysis.frame import BASELINE
from bench.analysis.results import Results
from bench.report.page.figure import (
    MOST_CLASSES,
    MOST_SERIES,
    PAGE,
    charted_labels,
    classes_of,
    labels,
)
from bench.report.page.gallery import (
    Album,
    Contested,
    Mistake,
    confidently_wrong,
    confusion,
    disagreed_on,
    fooling_all,
)
from bench.report.page.words import headline, lead, next_step, notes, sureness
from bench.report.table import signed_lines
from bench.system.display import count_noun, percent

Context = dict[str, Any]
_MISTAKES, _MISTAKES_OF_MANY, _MANY = 8, 6, 10
_CONTESTED, _SAMPLES, _PAIRS, _ALL = 16, 12, 15, 10**9
_MOST_NAMES = 6  # models on a tile
_MAIN = ("model", "accuracy", "interval", "gap", "training", "shared_training", "parameters")
_MAIN_COUNT = 6  # columns that fit on a page


def shown_photographs(results: Results) -> list[str]:
    """Return the images that the page shows, each once."""
    answers = results.pairwise.answers
    names = [each.image for each in disagreed_on(answers, _CONTESTED)]
    names += [each.image for each in fooling_all(answers, _CONTESTED)]
    for each in (answers[model] for model in charted_labels(results) if model in answers):
        names += [mistake.image for mistake in confidently_wrong(each, _most_mistakes(answers))]
    names += [image for _, image in _samples(results)]
    return list(dict.fromkeys(names))


def verdict_section(results: Results) -> Context:
    """Return the verdict: headline, lead, notes, and lines with their kind."""
    told = results.pairwise.standings.lines
    kinds, named = {"✗": "failed", "≠": "marked"}, labels(results)
    return {
        "headline": headline(results, named),
        "lead": lead(results, named),
        "sure": sureness(results),
        "next_step": next_step(results),
        "notes": notes(results),
        "lines": [{"kind": each.kind, "text": each.text} for each in told],
        "failures": [
            {"kind": kinds[sign], "text": line} for sign, line in signed_lines(results.frame)
        ],
    }


def table_section(results: Results) -> Context:
    """Return the table: headings, and cells with their sort values; all but six are `more`."""
    shown = informative_columns(results.frame)
    main = sorted(shown, key=lambda each: (each.name not in _MAIN, each.priority))[:_MAIN_COUNT]
    found = [
        {
            "baseline": row["model"] == BASELINE,
            "cells": [{"text": each.cell(row), "value": each.sort_value(row)} for each in shown],
        }
        for row in rows_of(results.frame)
    ]
    head = [column.heading for column in shown]
    texts = [number for number, column in enumerate(shown) if column.words]
    count = len(labels(results))
    return {
        "table": {
            "head": head,
            "rows": found,
            "texts": texts,
            "more": [number for number, column in enumerate(shown) if column not in main],
        },
        "models": count,
        "tested": any(each.kind != "descriptive" for each in results.verdicts),
        "more_models": count > MOST_SERIES,
        "most_series": MOST_SERIES,
        "most_bars": PAGE.most_bars,
    }


def confusion_section(results: Results) -> Context:
    """Return a confusion matrix for each model; for many classes, the most confused pairs."""
    classes, answers = classes_of(results), results.pairwise.answers
    pairs = _pairs(results, classes)
    if len(classes) > MOST_CLASSES:
        return {"classes": classes, "confusions": [], "confused": pairs, "worst_pair": pairs[:1]}
    squares = list[Context]()
    for model, label in charted_labels(results).items():
        if model in answers:
            cells = [
                [{"text": percent(share, 0), "opacity": f"{share * 0.85:.3f}"} for share in line]
                for line in confusion(answers[model])
            ]
            squares.append({"model": label, "rows": list(zip(classes, cells, strict=True))})
    return {"classes": classes, "confusions": squares, "confused": [], "worst_pair": pairs[:1]}


def photographs_section(results: Results, album: Album) -> Context:
    """Return the tiles of selected test images."""
    answers, named, classes = results.pairwise.answers, labels(results), classes_of(results)
    disagreed = disagreed_on(answers, _CONTESTED)
    fooled = fooling_all(answers, _ALL)
    seeds = {model: len(each.seeds) for model, each in answers.items()}
    return {
        "disagreed": [_contested_tile(e, album, named, classes, seeds) for e in disagreed],
        "fooled": [_contested_tile(e, album, {}, classes, seeds) for e in fooled[:_CONTESTED]],
        "several": len(answers) > 1,
        "fooled_title": "Every model is wrong" if len(answers) > 1 else "Mostly wrong",
        "mistakes": [
            {
                "model": named[model],
                "count": int((~answers[model].correct).any(axis=0).sum()),
                "images": len(answers[model].images),
                "tiles": [
                    _mistake_tile(each, album, classes, seeds[model])
                    for each in confidently_wrong(answers[model], _most_mistakes(answers))
                ],
            }
            for model in charted_labels(results)
            if model in answers
        ],
        "images": len(next(iter(answers.values())).images) if answers else 0,
        "fooled_count": len(fooled),
        "samples": [
            _tile(image, album, classes[label], [_line(classes[label], "b")])
            for label, image in _samples(results)
        ],
        "album_notes": _album_notes(album),  # after the tiles, which it counts
    }


def _most_mistakes(answers: Mapping[str, object]) -> int:
    return _MISTAKES if len(answers) <= _MANY else _MISTAKES_OF_MANY


def _pairs(results: Results, classes: Sequence[str]) -> list[tuple[str, str, str]]:
    squares = [confusion(each) for each in results.pairwise.answers.values()]
    if not squares:
        return []
    shares = np.mean(squares, axis=0)
    np.fill_diagonal(shares, 0.0)
    order = np.argsort(-shares, axis=None, kind="stable")[:_PAIRS]
    places = [divmod(int(place), len(classes)) for place in order]
    return [
        (classes[label], classes[said], percent(shares[label, said]))
        for label, said in places
        if shares[label, said] > 0
    ]


def _samples(results: Results) -> list[tuple[int, str]]:
    """Return label and name of the first test images of each class."""
    answers = next(iter(results.pairwise.answers.values()), None)
    if answers is None:
        return []
    each = max(1, _SAMPLES // answers.probabilities.shape[2])
    found = []
    for label in range(min(answers.probabilities.shape[2], _SAMPLES)):
        places = np.flatnonzero(answers.labels == label)[:each]
        found += [(label, answers.images[place]) for place in places]
    return found


def _tile(image: str, album: Album, label: str, lines: list[dict[str, str]]) -> Context:
    """Return a tile: a picture with `lines` and its name."""
    alt = f"{image}, labelled {label}"
    picture = album.address(image)
    return {"picture": picture, "alt": alt, "lines": lines, "name": image, "over": None}


def _line(text: str, tag: str = "span", kind: str = "") -> dict[str, str]:
    return {"text": text, "tag": tag, "kind": kind}


def _mistake_tile(each: Mistake, album: Album, classes: Sequence[str], seeds: int) -> Context:
    said = f"✗ {classes[each.said]}, {percent(each.confidence, 0)} sure"
    lines = [_line(f"label: {classes[each.label]}", "b"), _line(said, kind="wrong")]
    if seeds > 1:
        lines.append(_line(f"wrong in {each.wrong} of {seeds} seeds"))
    return _tile(each.image, album, classes[each.label], lines)


def _contested_tile(
    each: Contested,
    album: Album,
    named: Mapping[str, str],
    classes: Sequence[str],
    seeds: Mapping[str, int],
) -> Context:
    """Return a tile with the right and wrong models, if they are `named`."""
    lines = [_line(f"label: {classes[each.label]}", "b")]
    said = f"✗ {classes[each.said]}"
    if named:
        lines.append(_line(f"✓ {_who(each.right, named, seeds)}", kind="right"))
        said = f"{said}: {_who(each.wrong, named, seeds)}"
    lines.append(_line(said, kind="wrong"))
    return _tile(each.image, album, classes[each.label], lines)


def _who(some: Mapping[str, int], named: Mapping[str, str], seeds: Mapping[str, int]) -> str:
    if len(some) > _MOST_NAMES:
        return f"{len(some)} models"
    return ", ".join(
        f"{named[model]} ({right}/{seeds[model]})" if seeds[model] > 1 else named[model]
        for model, right in some.items()
    )


def _album_notes(album: Album) -> list[str]:
    found = []
    if album.missing:
        lost = f"{_thumbnails(album.missing)} missing"
        found.append(f"{lost}: `zoo bench --resume` of this run makes them while the images exist.")
    if album.refused:
        found.append(f"{_thumbnails(album.refused)} omitted to limit the size of the page.")
    return found


def _thumbnails(number: int) -> str:
    return f"{count_noun(number, 'thumbnail')} {'is' if number == 1 else 'are'}"
