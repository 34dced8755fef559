"""Nasty files that are oddly coded: metadata, sizes, animations, polyglots."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

import numpy as np
from drawn_folder import noise
from made_images import corners, png, png_chunk, saved, tiff, with_chunk, with_jpeg_size
from nasty_file import DAMAGED, Nasty, refused, used
from PIL import Image

from bench.data.decode import FORMATS


def metadata() -> Iterator[Nasty]:
    """Yield pictures with broken or huge metadata."""
    picture, plain = corners(), saved(corners(), "PNG")
    zeros = zlib.compress(bytes(50_000_000), 9)
    yield used("broken-exif.jpg", saved(picture, "JPEG", exif=b"Exif\0\0II*\0" + b"\xff" * 40))
    yield used("chance-exif.jpg", saved(picture, "JPEG", exif=b"Exif\0\0" + bytes(range(200))))
    yield used("huge-exif.jpg", saved(picture, "JPEG", exif=b"Exif\0\0II*\0" + bytes(65000)))
    yield used("broken-exif.png", with_chunk(plain, png_chunk(b"eXIf", b"II*\0\xff\xff\xff\xff")))
    yield used("broken-icc.jpg", saved(picture, "JPEG", icc_profile=b"no profile"))
    yield used("broken-icc.png", saved(picture, "PNG", icc_profile=b"no profile"))
    text_bomb = png_chunk(b"zTXt", b"Comment\0\0" + zeros)
    yield refused("text-bomb.png", with_chunk(plain, text_bomb), "too large")
    profile_bomb = png_chunk(b"iCCP", b"profile\0\0" + zeros)
    yield refused("profile-bomb.png", with_chunk(plain, profile_bomb), "too large")
    long_text = png_chunk(b"tEXt", b"Comment\0" + b"x" * 900_000)
    yield used("long-text.png", with_chunk(plain, long_text))
    yield used("long-comment.jpg", saved(picture, "JPEG", comment=b"x" * 65000))
    pixels = picture.tobytes()
    plain_tiff = tiff(64, 48, pixels, bits=(8, 8, 8), photometric=2)
    yield used("long-tag.tif", saved(picture, "TIFF", tiffinfo={270: "x" * 900_000}))
    own_offset = plain_tiff[4:8]
    yield used("loop.tif", plain_tiff[:-4] + own_offset)
    beyond = tiff(64, 48, pixels, bits=(8, 8, 8), photometric=2, tag_273=10**9)
    yield refused("pixels-beyond-the-end.tif", beyond, "damaged")
    yield refused("directory-beyond-the-end.tif", b"II*\0" + b"\xff" * 4 + pixels, "starts like")
    yield used("padded.jpg", _padded(saved(picture, "JPEG")))


def _padded(content: bytes) -> bytes:
    """Return a JPEG with fill bytes before its markers, which the standard allows."""
    return content[:2] + b"\xff" * 500 + content[2:]


def shapes() -> Iterator[Nasty]:
    """Yield pictures with very short or no sides."""
    flat = ((90, 90, 90),) * 4
    for width, height in ((1, 1), (2, 1), (1, 50), (20000, 400)):
        picture = Image.new("RGB", (width, height), flat[0])
        yield used(f"{width}x{height}.png", saved(picture, "PNG"), flat, (width, height))
        yield used(f"{width}x{height}.jpg", saved(picture, "JPEG"), flat, (width, height))
    for width, height in ((1, 51), (51, 1), (1, 20000), (20000, 1), (3, 200), (20000, 399)):
        picture, long = Image.new("RGB", (width, height), flat[0]), "over 50 times"
        yield refused(f"{width}x{height}.png", saved(picture, "PNG"), long)
        yield refused(f"{width}x{height}.jpg", saved(picture, "JPEG"), long)
    yield refused(
        "20000000x1.png", png(20_000_000, 1, bytes(20_000_001), colour=0), "over 50 times"
    )
    jpeg, gif, bmp = (saved(corners(), kind) for kind in ("JPEG", "GIF", "BMP"))
    yield refused("0x5.png", png(0, 5, bytes(5)), DAMAGED)
    yield refused("5x0.png", png(5, 0, b""), DAMAGED)
    yield refused("0x48.jpg", with_jpeg_size(jpeg, 0, 48), DAMAGED)
    yield refused("64x0.jpg", with_jpeg_size(jpeg, 64, 0), DAMAGED)
    yield used("0x0.gif", gif[:6] + bytes(4) + gif[10:])  # its one frame has a size
    yield refused("0x0.bmp", bmp[:18] + bytes(8) + bmp[26:], DAMAGED)
    yield refused("0x0.tif", tiff(0, 0, bytes(10), bits=(8,), photometric=1), DAMAGED)
    yield refused("minus.bmp", bmp[:18] + struct.pack("<ii", -64, 48) + bmp[26:], "pixels")


def oddly_coded() -> Iterator[Nasty]:
    """Yield pictures coded in rare ways, or under another's name."""
    picture = corners()
    png_content, jpeg, gif = (saved(picture, kind) for kind in ("PNG", "JPEG", "GIF"))
    more = {"save_all": True, "append_images": [noise(1, 64, 48), noise(2, 64, 48)]}
    for suffix, kind in (("gif", "GIF"), ("png", "PNG"), ("webp", "WEBP"), ("tif", "TIFF")):
        yield used(f"animated.{suffix}", saved(picture, kind, **more))
    yield used("several.jpg", saved(picture, "MPO", **more))
    yield used("progressive.jpg", saved(picture, "JPEG", progressive=True))
    yield used("restarts.jpg", saved(picture, "JPEG", restart_marker_blocks=1))
    yield used("interlaced.gif", saved(picture, "GIF", interlace=1))
    yield used("png-named.jpg", png_content)
    yield used("jpeg-named.png", jpeg)
    yield used("tiff-named.gif", saved(picture, "TIFF"))
    for kind in ("PPM", "TGA", "AVIF", "JPEG2000"):
        if kind in FORMATS:
            yield used(f"{kind}-named.bmp", saved(picture, kind))
    yield used("jpeg-and-zip.jpg", jpeg + b"PK\x03\x04" + bytes(500))
    yield used("trailing-garbage.png", png_content + np.random.default_rng(1).bytes(5000))
    yield used("gif-and-script.gif", gif + b"*/=1;alert(1)")
    at = png_content.index(b"IHDR") + 17
    wrong_header = png_content[:at] + b"\0\0\0\0" + png_content[at + 4 :]
    yield refused("wrong-header-checksum.png", wrong_header, "starts like a PNG")
    end = png_content.rindex(b"IEND") - 8
    yield used("wrong-checksum.png", png_content[:end] + b"\0\0\0\0" + png_content[end + 4 :])
    yield refused("no-palette.png", _no_palette(), "without a palette")
    yield used("two-headers.png", with_chunk(png_content, png_content[8:33]))


def _no_palette() -> bytes:
    """Return a PNG of palette colours without the palette."""
    return png(8, 8, (b"\0" + bytes(8)) * 8, colour=3)
