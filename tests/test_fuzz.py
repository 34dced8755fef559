from __future__ import annotations

import json

import fuzz_text
import fuzz_weights
import pytest

_LIARS = {"markdown_row": lambda cells: f"| {' | '.join(cells)} |", "json_text": json.dumps}


def test_random_text_is_shown_harmlessly_everywhere():
    """Two hundred nasty names keep one line, no control and no meaning of their own anywhere."""
    counts = fuzz_text.fuzz_text(200, seed=0)

    assert counts["shown"] == 200
    assert min(counts["changed"], counts["formula"], counts["shortened"]) > 10


@pytest.mark.parametrize("part", ["display", "cell", "markdown_row", "html_text", "json_text"])
def test_the_text_fuzz_notices_a_part_that_does_nothing(part, monkeypatch):
    """With a liar in its place the fuzz fails."""
    monkeypatch.setattr(fuzz_text, part, _LIARS.get(part, str))

    with pytest.raises((AssertionError, UnicodeEncodeError)):
        fuzz_text.fuzz_text(200, seed=0)


def test_spoilt_weights_files_are_refused_in_one_line():
    """Two hundred damaged or forged files: each loads or is a `ZooError`, nothing else happens."""
    counts = fuzz_weights.fuzz_weights(200, seed=0)

    assert counts.total() == 200
    assert counts["flipped loaded"] == counts["cut loaded"] == 0
    assert counts["forged refused"] > 20
