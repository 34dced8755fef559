from __future__ import annotations

import os
import struct
from io import BytesIO

import numpy as np
import pytest
from drawn_folder import noise
from made_images import corners, png, png_chunk, saved, tiff, with_chunk
from PIL import Image, ImageDraw, ImageOps

from bench.data import image_formats
from bench.data.decode import FORMATS, UnreadableImageError, decode, decode_content, decode_fully
from bench.data.image_formats import (
    IMAGE_LIKE_SUFFIXES,
    READ_SUFFIXES,
    looks_like_image,
    why_unread,
)


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


def _icon(mode="RGBA", ink=(200, 0, 0), hidden=(0, 0, 255)):
    """Return a disc of `ink` on a transparent ground that hides another colour."""
    alpha = Image.new("L", (32, 32), 0)
    ImageDraw.Draw(alpha).ellipse((8, 8, 24, 24), fill=255)
    picture = Image.new("RGB", (32, 32), hidden)
    picture.paste(ink, mask=alpha)
    picture = picture.convert("L") if mode == "LA" else picture
    picture.putalpha(alpha)
    return picture


@pytest.mark.parametrize(
    ("kind", "mode", "how"),
    [
        ("PNG", "RGBA", {}),
        ("PNG", "LA", {}),
        ("WEBP", "RGBA", {"lossless": True, "exact": True}),
        ("TIFF", "RGBA", {}),
        ("TIFF", "LA", {}),
        ("TGA", "RGBA", {}),
        ("GIF", "RGBA", {}),
    ],
)
def test_transparent_picture_is_on_white(kind, mode, how):
    """Colours that its owner never sees are no part of it."""
    decoded = decode_fully(saved(_icon(mode), kind, **how))

    assert decoded.transparent
    assert decoded.picture.getpixel((0, 0)) == (255, 255, 255)
    assert decoded.picture.getpixel((16, 16)) == _icon(mode).convert("RGB").getpixel((16, 16))


def test_half_transparent_colour_is_mixed_with_white():
    """Alpha 128 of black is the middle of the levels."""
    picture = Image.new("RGBA", (4, 4), (0, 0, 0, 128))
    picture.putpixel((0, 0), (0, 0, 0, 255))

    assert decode_content(saved(picture, "PNG")).getpixel((1, 1)) == (127, 127, 127)


def test_transparent_palette_colour_is_white():
    """One entry, or several of one palette with alphas of their own."""
    picture = corners().quantize(4)
    entry = picture.getpixel((0, 0))
    alphas = bytes(0 if index == entry else 255 for index in range(4))
    one, several = (
        decode_content(saved(picture, "PNG", transparency=key)) for key in (entry, alphas)
    )

    assert one.getpixel((0, 0)) == several.getpixel((0, 0)) == (255, 255, 255)
    assert one.getpixel((63, 0)) == several.getpixel((63, 0)) == (220, 30, 30)


@pytest.mark.parametrize(
    ("depth", "colour", "levels", "key", "shown"),
    [
        (1, 0, b"\x40", struct.pack(">H", 0), [255, 255]),
        (2, 0, b"\x60", struct.pack(">H", 1), [255, 170]),
        (4, 0, b"\x5a", struct.pack(">H", 5), [255, 170]),
        (8, 0, b"\x50\xaa", struct.pack(">H", 0x50), [255, 170]),
        (16, 0, b"\x50\x01\x50\x02", struct.pack(">H", 0x5001), [255, 0x50]),
        (16, 2, b"\x50\1" * 3 + b"\x40\2" * 3, struct.pack(">H", 0x5001) * 3, [255, 0x40]),
        (16, 4, b"\x50\0\0\0\x40\0\xff\xff", b"", [255, 0x40]),
        (16, 6, b"\x50\0" * 3 + b"\0\0" + b"\x40\0" * 3 + b"\xff\xff", b"", [255, 0x40]),
    ],
)
def test_transparent_png_of_every_depth_is_on_white(depth, colour, levels, key, shown):
    """Its transparent level is meant in its own depth, and 16 bits may have alpha."""
    plain = png(2, 1, b"\0" + levels, depth=depth, colour=colour)
    content = with_chunk(plain, png_chunk(b"tRNS", key)) if key else plain
    if shown == [255, 255]:
        with pytest.raises(UnreadableImageError, match="blank on white"):
            decode_content(content)
        return

    assert np.asarray(decode_content(content))[0, :, 0].tolist() == shown


@pytest.mark.parametrize(
    "content",
    [
        saved(corners().convert("RGBA"), "PNG"),
        saved(corners().convert("LA"), "PNG"),
        saved(corners().quantize(4), "PNG", transparency=b"\xff" * 4),
        saved(corners().quantize(4), "GIF", transparency=9),
        saved(Image.merge("RGBA", (*corners().split(), Image.new("L", (64, 48)))), "TGA"),
    ],
)
def test_opaque_picture_keeps_its_stored_colours(content):
    """Alpha that is full everywhere, unused, or empty as some writers leave it, changes nothing."""
    with Image.open(BytesIO(content)) as opened:
        stored = np.asarray(opened.convert("RGBA").convert("RGB"))
    decoded = decode_fully(content)

    assert np.array_equal(np.asarray(decoded.picture), stored)
    assert not decoded.transparent


@pytest.mark.parametrize(
    "picture",
    [
        _icon(ink=(255, 255, 255)),
        _icon(ink=(251, 252, 255)),
        _icon(ink=(255, 255, 255), hidden=(255, 255, 255)),
        Image.new("RGBA", (8, 8), (200, 0, 0, 0)),
    ],
)
def test_picture_that_white_hides_is_refused(picture):
    """A white icon would be an empty sheet of paper to a network."""
    with pytest.raises(UnreadableImageError, match="blank on white"):
        decode_content(saved(picture, "PNG"))


@pytest.mark.parametrize("alpha", [128, 255])
def test_picture_of_one_colour_stays_one(alpha):
    """What its owner made of one colour is no fault of transparency."""
    picture = Image.new("RGBA", (8, 8), (255, 255, 255, alpha))

    assert decode_content(saved(picture, "PNG")).getpixel((0, 0)) == (255, 255, 255)


def test_large_transparent_picture_is_composited_in_strips(monkeypatch):
    """Strips of a few rows give the same picture as one strip."""
    content = saved(_icon(), "PNG")
    whole = decode_content(content)
    monkeypatch.setattr("bench.data.rgb._STRIP", 70)

    assert np.array_equal(np.asarray(decode_content(content)), np.asarray(whole))


@pytest.mark.parametrize(
    "size", [(1, 51), (20_000, 1), (1, 20_000), (200_000, 1), (3, 200_000), (20_000_000, 1)]
)
def test_picture_of_extreme_shape_is_refused(size):
    """120 bytes may be a line that takes gigabytes once its shorter side has an input's size."""
    width, height = size
    content = png(width, height, b"\0" * (width + 1) * height, colour=0)

    with pytest.raises(UnreadableImageError, match=f"over 50 times the other: {width}x{height}"):
        decode_content(content)


@pytest.mark.parametrize("kind", [kind for kind in FORMATS if kind not in ("GIF", "WEBP", "JPEG")])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_every_format_is_read(kind, mode):
    """Losslessly where it can be, the same picture."""
    picture = corners().convert(mode)
    how = {"quality": 100, "subsampling": "4:4:4"} if kind == "AVIF" else {}
    decoded = decode_content(saved(picture, kind, **how))
    difference = np.asarray(decoded).astype(int) - np.asarray(picture.convert("RGB"))

    assert np.abs(difference).max() <= (12 if kind == "AVIF" else 0)


def test_suffixes_of_what_this_pillow_reads_are_known():
    """Whoever looks for images asks which names they have, read or not."""
    assert READ_SUFFIXES < IMAGE_LIKE_SUFFIXES
    assert {".jfif", ".ppm", ".pgm", ".jpg", ".tga"} <= READ_SUFFIXES
    assert (".avif" in READ_SUFFIXES) == ("AVIF" in FORMATS)
    assert {".heic", ".jxl", ".svg", ".dng", ".psd", ".nef"} <= IMAGE_LIKE_SUFFIXES - READ_SUFFIXES


@pytest.mark.parametrize(
    ("suffix", "reason"),
    [
        (".heic", "HEIC, which this Pillow cannot read: convert it to JPEG or PNG"),
        (".PSD", "Photoshop, which zoo does not read: convert it to JPEG or PNG"),
        (".jpg", None),
        (".txt", None),
    ],
)
def test_suffix_tells_why_it_is_not_read(suffix, reason):
    """The format and what to do about it."""
    assert why_unread(suffix) == reason


def test_no_program_or_container_is_read():
    """Formats that start a program, or hold files of others, are never tried."""
    assert not {"EPS", "WMF", "ICO", "ICNS", "PSD", "HDF5", "GRIB", "BUFR", "MPEG"} & set(FORMATS)


def test_targa_is_tried_only_on_its_header():
    """It has no signature: Pillow would take much else for one."""
    assert "TGA" not in image_formats.FORMATS or not looks_like_image(bytes(64))


_FTYP = b"\0\0\0\x18ftyp"


@pytest.mark.parametrize(
    ("head", "known"),
    [
        *((saved(corners(), kind)[:32], True) for kind in FORMATS),
        (_FTYP + b"heic", True),
        (_FTYP + b"avif", True),
        (b"\xff\x0a" + bytes(30), True),
        (b"\0\0\0\x0cJXL \r\n\x87\n", True),
        (b"8BPS\0\1", True),
        (_FTYP + b"mp42", False),
        (b"PK\3\4" + bytes(28), False),
        (b"name,label\n1.jpg,cat\n", False),
        (b"BMW is a maker of cars in Munich", False),
        (bytes(32), False),
        (b"", False),
    ],
)
def test_head_tells_a_picture(head, known):
    """By its first 32 bytes, whatever its name is."""
    assert looks_like_image(head) == known


@pytest.mark.parametrize(
    ("brand", "reason"),
    [
        (b"heic", "HEIC, which this Pillow cannot read: convert it to JPEG or PNG"),
        (b"mif1", "HEIC, which this Pillow cannot read"),
        (b"crx ", "Canon raw, which this Pillow cannot read"),
        (b"isom", "not an image: it looks like a video"),
    ],
)
def test_files_of_one_family_are_told_apart(brand, reason):
    """HEIC, raw photographs and videos begin alike."""
    with pytest.raises(UnreadableImageError, match=reason):
        decode_content(_FTYP + brand + bytes(40))


def test_avif_is_named_where_pillow_lacks_it(monkeypatch):
    """An older Pillow reads no AVIF: the reason says so."""
    without = tuple(each for each in FORMATS if each != "AVIF")
    monkeypatch.setattr(image_formats, "FORMATS", without)
    monkeypatch.setattr("bench.data.decode.FORMATS", without)

    with pytest.raises(UnreadableImageError, match="AVIF, which this Pillow cannot read"):
        decode_content(_FTYP + b"avif" + bytes(40))


@pytest.mark.parametrize("tags", [{"tag_50706": 1}, {"tag_254": 1, "tag_330": 8}])
def test_preview_in_raw_file_is_no_picture(tags):
    """A raw photograph in TIFF form begins with a thumbnail, which is not what its owner means."""
    content = tiff(64, 48, corners().tobytes(), bits=(8, 8, 8), photometric=2, **tags)

    with pytest.raises(UnreadableImageError, match="a camera's raw format"):
        decode_content(content)
