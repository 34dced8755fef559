from __future__ import annotations

import os

import numpy as np
import pytest
from conftest import noise
from PIL import Image

from bench.data.decode import UnreadableImageError, decode


def test_a_picture_becomes_rgb(tmp_path):
    """Grey, palette and transparent pictures all come out as RGB of the same size."""
    for mode in ("L", "P", "RGBA", "1"):
        path = tmp_path / f"{mode}.png"
        noise(1).convert(mode).save(path)

        assert (decode(path).mode, decode(path).size) == ("RGB", (48, 40))


def test_orientation_is_applied(tmp_path):
    """A photograph that a camera marked as turned comes out upright."""
    exif = Image.Exif()
    exif[0x0112] = 6
    noise(1).save(tmp_path / "turned.jpg", exif=exif)

    assert decode(tmp_path / "turned.jpg").size == (40, 48)


def test_sixteen_bit_grey_is_scaled(tmp_path):
    """The middle of 16 bits is the middle of 8 bits, not white."""
    levels = np.full((4, 4), 0x8000, dtype=np.uint16)
    Image.fromarray(levels).save(tmp_path / "deep.png")

    assert decode(tmp_path / "deep.png").getpixel((0, 0)) == (128, 128, 128)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty file"),
        (b"this is text, not a picture", "it looks like text"),
        (b"<html><body>404</body></html>", "it looks like HTML"),
        (b"\x00\x01\x02\x03" * 20, "no known image format"),
    ],
)
def test_what_is_no_image_is_told_apart(tmp_path, content, reason):
    """The reason says what the file seems to be."""
    path = tmp_path / "a.jpg"
    path.write_bytes(content)

    with pytest.raises(UnreadableImageError, match=reason):
        decode(path)


def test_a_truncated_jpeg_is_refused(tmp_path):
    """Half a photograph is not silently filled with grey."""
    whole = tmp_path / "whole.jpg"
    noise(1, 200, 200).save(whole)
    (tmp_path / "half.jpg").write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])

    with pytest.raises(UnreadableImageError, match="damaged"):
        decode(tmp_path / "half.jpg")


def test_a_pipe_is_not_opened(tmp_path):
    """A FIFO named .jpg is refused at once; opening it would wait for ever."""
    os.mkfifo(tmp_path / "pipe.jpg")

    with pytest.raises(UnreadableImageError, match="not a regular file"):
        decode(tmp_path / "pipe.jpg")


def test_a_picture_of_too_many_pixels_is_refused(tmp_path, monkeypatch):
    """The size is read from the header, before any memory is taken."""
    monkeypatch.setattr("bench.data.decode.MAX_PIXELS", 100)
    noise(1).save(tmp_path / "large.png")

    with pytest.raises(UnreadableImageError, match="48x40 pixels, over the cap"):
        decode(tmp_path / "large.png")
