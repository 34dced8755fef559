from __future__ import annotations

import os

import numpy as np
import pytest
from drawn_folder import noise
from PIL import Image, ImageOps

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


@pytest.mark.parametrize(
    ("levels", "tags", "shown"),
    [
        (0x8000, {}, 128),
        (0x8000, {262: 0}, 127),  # white is zero
        (0x4000, {262: 0}, 191),
    ],
)
def test_sixteen_bit_tiffs_are_scaled(tmp_path, levels, tags, shown):
    """Grey of 16 bits, also where zero is white, which Pillow itself does not heed."""
    picture = Image.fromarray(np.full((4, 4), levels, dtype=np.uint16))
    picture.save(tmp_path / "deep.tif", tiffinfo=tags)

    assert decode(tmp_path / "deep.tif").getpixel((0, 0)) == (shown,) * 3


@pytest.mark.parametrize("kind", [np.float32, np.int32])
def test_levels_of_unknown_white_are_refused(tmp_path, kind):
    """0.5 of floating-point grey would be black, and half of 32 bits white."""
    Image.fromarray(np.full((4, 4), 0.5 if kind is np.float32 else 2**30, dtype=kind)).save(
        tmp_path / "a.tif"
    )

    with pytest.raises(UnreadableImageError, match="the white level is unknown"):
        decode(tmp_path / "a.tif")


def test_a_png_with_an_altered_pixel_is_refused(tmp_path):
    """The checksum of its data tells, also where nothing else is wrong."""
    path = tmp_path / "a.png"
    noise(1).save(path, compress_level=0)
    content = bytearray(path.read_bytes())
    content[content.index(b"IDAT") + 200] ^= 0x40
    path.write_bytes(content)

    with pytest.raises(UnreadableImageError, match="damaged: broken data stream"):
        decode(path)


def test_broken_exif_costs_no_picture(tmp_path):
    """What can't be read there turns nothing."""
    noise(1).save(tmp_path / "a.jpg", exif=b"Exif\0\0II*\0" + b"\xff" * 40)

    assert decode(tmp_path / "a.jpg").size == (48, 40)


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


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_turned_upright(tmp_path, orientation):
    """As Pillow turns it, from each of the eight ways to hold a camera."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    noise(1).save(tmp_path / "turned.png", exif=exif)
    with Image.open(tmp_path / "turned.png") as opened:
        expected = np.asarray(ImageOps.exif_transpose(opened).convert("RGB"))

    assert np.array_equal(np.asarray(decode(tmp_path / "turned.png")), expected)
