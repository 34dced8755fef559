"""Runs in this process of which the outcome alone is looked at: undrawn, and timed once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from environment import hasten

from bench.report.run_files import answers_path


def _grid(folder: Path, *of_what: object) -> None:
    """Leave an empty file in the place of the grid of test photographs."""
    answers_path(folder).touch()


_WHAT = (
    ("bench.runs.stored_runs.write_page", lambda *arguments: None),
    ("bench.runs.pictures.draw_answers", _grid),
    ("bench.training.latency.repeat_timing", lambda measure: [measure()]),
)


@contextmanager
def hastened() -> Iterator[None]:
    """Draw no page, figures or grids of photographs, and time how long a network answers once."""
    with pytest.MonkeyPatch.context() as patch:
        hasten(patch.setattr, _WHAT)
        yield
