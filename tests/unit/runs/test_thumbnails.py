from __future__ import annotations

import io
import sqlite3
from contextlib import closing

import fuzz_store
import numpy as np
import pytest
from PIL import Image

from bench.data.check import check
from bench.data.decode import THUMBNAIL_SIDE, thumbnail
from bench.data.find import find
from bench.data.pixel_source import DirectPixels
from bench.runs.store import Store
from bench.runs.thumbnails import keep_missing
from registry.errors import RunError


@pytest.fixture
def store(tmp_path):
    """A store of three trials."""
    fuzz_store.make(tmp_path / "runs" / "0001-a" / "run.db")
    with closing(Store.open(tmp_path / "runs" / "0001-a" / "run.db")) as opened:
        yield opened


class Counting(DirectPixels):
    """Counts how often an image is decoded."""

    def __init__(self):
        super().__init__()
        self.decoded = 0

    def full(self, image):
        self.decoded += 1
        return super().full(image)


def test_a_thumbnail_is_small_and_keeps_its_shape():
    """The longest side has 160 pixels; a small picture is not made larger."""
    wide = Image.open(io.BytesIO(thumbnail(np.zeros((400, 800, 3), np.uint8))))
    small = Image.open(io.BytesIO(thumbnail(np.zeros((20, 30, 3), np.uint8))))

    assert (wide.format, wide.size) == ("JPEG", (THUMBNAIL_SIDE, THUMBNAIL_SIDE // 2))
    assert small.size == (30, 20)


def test_pictures_come_back_as_they_were(store):
    """By any name, also one that is no UTF-8; a name without a picture has none."""
    store.thumbnails.keep({"d\udce9g.1.jpg": b"one", "cat.0.jpg": b"two"})

    assert store.thumbnails.read(["d\udce9g.1.jpg", "other.jpg"]) == {"d\udce9g.1.jpg": b"one"}
    assert store.thumbnails.names() == {"d\udce9g.1.jpg", "cat.0.jpg"}


def test_a_picture_is_made_once(store, drawn):
    """What is kept already is not decoded again."""
    images, source = check(find(drawn)).images, Counting()
    keep_missing(store.thumbnails, images[:3], source)
    keep_missing(store.thumbnails, images[:5], source)

    assert source.decoded == 5
    assert store.thumbnails.names() == {image.file.name for image in images[:5]}


def test_of_very_many_images_those_wanted_are_kept(store, drawn, monkeypatch):
    """The first so many, and what the page shows."""
    monkeypatch.setattr("bench.runs.thumbnails.MOST", 2)
    images = check(find(drawn)).images
    keep_missing(store.thumbnails, images, DirectPixels(), [images[9].file.name])

    assert store.thumbnails.names() == {images[place].file.name for place in (0, 1, 9)}


def test_an_altered_picture_is_noticed(store, tmp_path):
    """A page never shows one photograph under the name of another."""
    store.thumbnails.keep({"cat.0.jpg": b"one"})
    with closing(sqlite3.connect(tmp_path / "runs" / "0001-a" / "run.db")) as other, other:
        other.execute("UPDATE thumbnail SET jpeg = ?", (b"two",))

    with pytest.raises(RunError, match="is damaged: a thumbnail was altered"):
        store.thumbnails.read(["cat.0.jpg"])
