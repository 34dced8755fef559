"""Nasty files whose pixels are easily got wrong: depths, colours, orientations."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from made_images import corners, png, saved, tiff
from nasty_file import CORNERS, GREY, Colour, Nasty, refused, used
from PIL import Image, ImageCms


def modes() -> Iterator[Nasty]:
    """Yield pictures of every depth and kind of colours."""
    picture, grey = corners(), corners().convert("L")
    deep = (np.asarray(grey).astype(np.uint16) << 8) + 99
    wide = (np.asarray(picture).astype(np.uint16) << 8).astype(">u2")
    rows = b"".join(b"\0" + row.tobytes() for row in wide)
    yield used("16-bit-grey.png", saved(Image.fromarray(deep), "PNG"), GREY)
    yield used("16-bit-grey.tif", saved(Image.fromarray(deep), "TIFF"), GREY)
    yield used("16-bit-rgb.png", png(64, 48, rows, depth=16))
    pixels = (np.asarray(picture).astype("<u2") << 8).tobytes()
    yield used("16-bit-rgb.tif", tiff(64, 48, pixels, bits=(16,) * 3, photometric=2))
    inverted = (65535 - deep).astype("<u2").tobytes()
    yield used("16-bit-negative.tif", tiff(64, 48, inverted, bits=(16,), photometric=0), GREY)
    twelve = _twelve_bits(deep >> 4)
    yield used("12-bit-grey.tif", tiff(64, 48, twelve, bits=(12,), photometric=1), GREY)
    float_grey = (np.asarray(grey) / np.float32(255)).astype(np.float32)
    yield refused("float.tif", saved(Image.fromarray(float_grey), "TIFF"), "floating-point")
    signed = np.asarray(grey).astype(np.int32) << 20
    yield refused("32-bit.tif", saved(Image.fromarray(signed), "TIFF"), "32-bit levels")
    lab = ImageCms.profileToProfile(
        picture, ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB"
    )
    yield used("lab.tif", saved(lab, "TIFF", icc_profile=None))  # that tells the time
    yield used("cmyk.jpg", saved(picture.convert("CMYK"), "JPEG", quality=95))
    yield used("ycck.jpg", _as_ycck(saved(picture.convert("CMYK"), "JPEG")), colours=None)
    yield used("cmyk.tif", saved(picture.convert("CMYK"), "TIFF"))
    yield used("grey.jpg", saved(grey, "JPEG"), GREY)
    yield used("palette.png", saved(picture.quantize(16), "PNG"))
    yield from _transparent(picture, grey)
    one = grey.point(lambda level: 255 * (level > 100), "1")
    black_and_white = ((255,) * 3, (0,) * 3, (255,) * 3, (0,) * 3)
    yield used("1-bit.png", saved(one, "PNG"), black_and_white)
    yield used("1-bit-fax.tif", saved(one, "TIFF", compression="group4"), black_and_white)
    yield used("1-bit.bmp", saved(one, "BMP"), black_and_white)


def _transparent(picture: Image.Image, grey: Image.Image) -> Iterator[Nasty]:
    """Yield pictures that are partly transparent, which is shown on white."""
    few, half = picture.quantize(16), _with_alpha(picture)
    at = tuple(few.getpixel(place) for place in ((0, 0), (63, 0), (0, 47), (63, 47)))
    hidden = tuple(
        (255,) * 3 if index == 0 else each for index, each in zip(at, CORNERS, strict=True)
    )
    faint = tuple(_on_white(each) for each in CORNERS)
    yield used("palette-transparent.png", saved(few, "PNG", transparency=0), hidden)
    yield used("palette-opaque.png", saved(few, "PNG", transparency=b"\xff" * 4))
    yield used("palette-half.png", saved(few, "PNG", transparency=b"\x80" * 4), faint)
    yield refused("palette-hidden.png", saved(few, "PNG", transparency=bytes(4)), "blank on white")
    yield used("grey-alpha.png", saved(_with_alpha(grey), "PNG"), tuple(map(_on_white, GREY)))
    yield used("rgb-alpha.png", saved(half, "PNG"), faint)
    yield used("rgb-alpha.webp", saved(half, "WEBP", lossless=True, exact=True), faint)
    yield used("rgb-alpha.tif", saved(half, "TIFF"), faint)
    yield used("rgb-alpha-tga.png", saved(half, "TGA"), faint)
    yield used("rgb-opaque.png", saved(picture.convert("RGBA"), "PNG"))
    yield refused("rgb-hidden.png", saved(_with_alpha(picture, 0), "PNG"), "blank on white")


def _on_white(colour: Colour) -> Colour:
    """Return what half of a colour is on white."""
    red, green, blue = ((level * 128 + 255 * 127) // 255 for level in colour)
    return red, green, blue


def _with_alpha(picture: Image.Image, alpha: int = 128) -> Image.Image:
    """Return `picture` half transparent, or as transparent as `alpha` says."""
    picture = picture.convert("LA" if picture.mode == "L" else "RGBA")
    picture.putalpha(alpha)
    return picture


def _twelve_bits(levels: np.ndarray) -> bytes:
    """Pack two levels of 12 bits into three bytes."""
    first, second = levels.reshape(-1, 2).T
    packed = np.stack([first >> 4, (first & 15) << 4 | second >> 8, second & 255], axis=1)
    return packed.astype(np.uint8).tobytes()


def _as_ycck(content: bytes) -> bytes:
    """Have the Adobe marker of a CMYK JPEG say YCCK."""
    at = content.index(b"Adobe") + 11
    return content[:at] + b"\2" + content[at + 1 :]


def orientations() -> Iterator[Nasty]:
    """Yield pictures that a camera has marked as turned."""
    white, red, green, blue = CORNERS
    upright = {
        1: (white, red, green, blue),
        2: (red, white, blue, green),
        3: (blue, green, red, white),
        4: (green, blue, white, red),
        5: (white, green, red, blue),
        6: (green, white, blue, red),
        7: (blue, red, green, white),
        8: (red, blue, white, green),
    }
    for orientation, colours in upright.items():
        size = (48, 64) if orientation > 4 else (64, 48)
        for suffix, kind in (("jpg", "JPEG"), ("png", "PNG"), ("webp", "WEBP")):
            content = saved(corners(), kind, exif=_exif(orientation))
            yield used(f"turned-{orientation}.{suffix}", content, colours, size)
    turned = saved(corners(), "TIFF", tiffinfo={274: 6})
    yield used("turned-6.tif", turned, upright[6], (48, 64))
    for orientation in (0, 9, 65535):
        yield used(f"turned-{orientation}.jpg", saved(corners(), "JPEG", exif=_exif(orientation)))


def _exif(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif
