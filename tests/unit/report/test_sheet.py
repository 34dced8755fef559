from __future__ import annotations

import numpy as np
import pytest
from drawn_folder import noise
from PIL import Image

from bench.data.check import check
from bench.data.find import Reject, find
from bench.report.tiles import _font, _heading, _wrap, draw_sheet, write_sheet
from registry.errors import RunError


@pytest.fixture
def spoilt(drawn):
    """A folder with half a photograph and a text among 24 images."""
    noise(1, 400, 300).save(drawn / "Cat" / "half.jpg")
    content = (drawn / "Cat" / "half.jpg").read_bytes()
    (drawn / "Cat" / "half.jpg").write_bytes(content[: len(content) // 2])
    (drawn / "Dog" / "text.jpg").write_text("no picture")
    return drawn


def test_a_sheet_draws_what_can_be_drawn(spoilt, tmp_path):
    """The half photograph has colours, the text a grey tile."""
    write_sheet(tmp_path / "sheet.png", check(find(spoilt)))
    with Image.open(tmp_path / "sheet.png") as sheet:
        levels = np.asarray(sheet).astype(int)
    left, right = levels[60:200, 14:200], levels[60:200, 220:404]

    assert (left.max(axis=2) - left.min(axis=2)).max() > 60
    assert (right.max(axis=2) - right.min(axis=2)).max() < 10


def test_a_sheet_ends_at_sixty_tiles(tmp_path):
    """A thousand rejects make no picture of a thousand tiles; the rest is counted."""
    rejects = [Reject(name=f"{number}.jpg", reason="empty file") for number in range(70)]
    sheet, smaller = draw_sheet(rejects, tmp_path), draw_sheet(rejects[:60], tmp_path)

    assert sheet.size == smaller.size
    assert _heading(70) == "60 rejected files, and 10 more"


def test_a_sheet_of_no_rejects_says_so(drawn, tmp_path):
    """It is written all the same: who asked for it finds it."""
    write_sheet(tmp_path / "sheet.png", check(find(drawn)))

    assert _heading(0) == "no file was rejected"
    assert (tmp_path / "sheet.png").stat().st_size


def test_names_on_a_sheet_may_hold_anything(tmp_path):
    """Control characters are escaped, long names cut, none of them an error."""
    names = ["\x1b[31m.jpg", "\udcff.jpg", "x" * 250 + ".jpg", "a b " * 60 + ".jpg", "\u202e.jpg"]

    assert draw_sheet([Reject(name=name, reason=name) for name in names], tmp_path).size[0] > 600


def test_a_name_on_a_sheet_keeps_its_suffix_whole():
    """A line ends before it, or after a folder; a name of one part ends at any letter."""
    font = _font(12)
    found = [_wrap(name, font, 80, 2) for name in ("Cat/cat.2175.jpg", "sub/abcdef.jpg", "m" * 9)]

    assert found[:2] == [["Cat/cat.2175", ".jpg"], ["sub/abcdef", ".jpg"]]
    assert "".join(found[2]) == "m" * 9


def test_a_sheet_that_cannot_be_written_is_an_error(drawn, tmp_path):
    """In one line, with its path."""
    with pytest.raises(RunError, match=r"cannot write the sheet .*sheet\.png: No such file"):
        write_sheet(tmp_path / "nowhere" / "sheet.png", check(find(drawn)))
