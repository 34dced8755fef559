from __future__ import annotations

import json

import fuzz_checkpoint
import fuzz_store
import fuzz_text
import fuzz_weights
import pytest

from bench.runs import store
from bench.training import checkpoint

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


def test_spoilt_checkpoints_are_never_gone_on_from():
    """Two hundred damaged folders: the newest state as it was, or, said, the one before or none."""
    counts = fuzz_checkpoint.fuzz_checkpoint(200, seed=0)

    assert counts.total() == 200
    assert sum(number for name, number in counts.items() if name.endswith("one before")) > 20


def test_the_checkpoint_fuzz_notices_a_reader_that_trusts(monkeypatch):
    """Where no digest is compared, something else is loaded sooner or later."""
    monkeypatch.setattr(checkpoint.hashlib, "file_digest", lambda file, name: _Trusting())
    with pytest.raises(AssertionError, match="silently different"):
        fuzz_checkpoint.fuzz_checkpoint(2000, seed=0)


def test_spoilt_records_are_refused_or_as_they_were():
    """Two hundred damaged files: a `RunError` that names the file, or all that was written."""
    counts = fuzz_store.fuzz_store(200, seed=0)

    assert counts.total() == 200
    assert sum(number for name, number in counts.items() if name.endswith("refused")) > 50


def test_the_store_fuzz_notices_a_reader_that_trusts(monkeypatch):
    """Where no digest is compared, altered records are taken for what was written."""
    monkeypatch.setattr(store, "_digest", lambda *given: _Trusting().hexdigest())
    monkeypatch.setattr(store, "sha256_of", lambda *content: _Trusting().hexdigest())
    with pytest.raises((AssertionError, AttributeError)):
        fuzz_store.fuzz_store(2000, seed=0)


class _Equal(str):
    """A text that any other is equal to."""

    def __eq__(self, other: object) -> bool:
        return True

    def __ne__(self, other: object) -> bool:
        return False

    __hash__ = str.__hash__


class _Trusting:
    def hexdigest(self) -> str:
        return _Equal("")
