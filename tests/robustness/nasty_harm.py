"""Nasty files that are no pictures, or would do harm."""

from __future__ import annotations

import os
import socket
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from drawn_folder import noise
from made_images import corners, many_scans, png, saved, tiff, with_jpeg_size
from nasty_file import DAMAGED, Nasty, refused, used


def no_images() -> Iterator[Nasty]:
    """Yield what only has an image's name."""
    chance = np.random.default_rng(0).bytes(3000)
    for name, content, reason in (
        ("empty", b"", "empty file"),
        ("html", b"<!DOCTYPE html><html>", "HTML or XML"),
        ("svg", b'<?xml version="1.0"?><svg/>', "SVG, which"),
        ("text", b"404 not found\n", "text"),
        ("zeros", bytes(4000), "no known image format"),
        ("chance", chance, "no known image format"),
        ("one-byte", b"\xff", "no known image format"),
        ("zip", b"PK\x03\x04" + chance, "ZIP archive"),
        ("pdf", b"%PDF-1.7\n" + chance, "PDF document"),
        ("eps", b"%!PS-Adobe-3.0 EPSF-3.0\n", "PostScript"),
        ("icon", b"\0\0\1\0\1\0" + chance, "an icon"),
        ("psd", b"8BPS\0\1" + chance, "Photoshop"),
        ("heic", b"\0\0\0\x18ftypheic" + chance, "HEIC, which this Pillow cannot read"),
        ("jxl", b"\0\0\0\x0cJXL \r\n\x87\n" + chance, "JPEG XL, which"),
        ("canon", b"II*\0\x10\0\0\0CR" + chance, "Canon raw, which"),
        ("video", b"\0\0\0\x18ftypmp42" + chance, "a video"),
        ("pgm", b"P5\n64 48\n", "damaged"),
        ("avi", b"RIFF\0\1\0\0AVI " + chance, "a video"),
        ("gzip", b"\x1f\x8b\x08" + chance, "gzip"),
        ("leading-garbage", b"\n\n" + saved(corners(), "JPEG"), "no known image format"),
        ("jpeg-and-chance", b"\xff\xd8\xff\xe0" + chance, "damaged"),
    ):
        yield refused(f"{name}.jpg", content, reason)
    for kind, content in (
        ("jpg", b"\xff\xd8\xff"),
        ("png", b"\x89PNG\r\n\x1a\n"),
        ("gif", b"GIF89a"),
        ("bmp", b"BM"),
        ("tif", b"II*\0"),
        ("webp", b"RIFF\4\0\0\0WEBP"),
    ):
        yield refused(f"only-signature.{kind}", content, "starts like")


def truncated() -> Iterator[Nasty]:
    """Yield images cut short."""
    picture = noise(1, 200, 150)
    for suffix, kind, how in (
        ("jpg", "JPEG", {}),
        ("progressive.jpg", "JPEG", {"progressive": True}),
        ("png", "PNG", {}),
        ("gif", "GIF", {}),
        ("bmp", "BMP", {}),
        ("webp", "WEBP", {}),
        ("lossless.webp", "WEBP", {"lossless": True}),
        ("tif", "TIFF", {}),
        ("lzw.tif", "TIFF", {"compression": "tiff_lzw"}),
    ):
        content = saved(picture, kind, **how)
        for percent in (2, 30, 60, 95):
            cut = content[: len(content) * percent // 100]
            yield refused(f"cut-at-{percent}.{suffix}", cut, DAMAGED)
    yield used("no-iend.png", saved(corners(), "PNG")[:-12])
    yield used("no-trailer.gif", saved(corners(), "GIF")[:-1])


def bombs() -> Iterator[Nasty]:
    """Yield small files that would be large pictures, or take for ever."""
    many = "pixels"
    jpeg, gif, bmp = (saved(corners(), kind) for kind in ("JPEG", "GIF", "BMP"))
    grey = zlib.compress(bytes(30), 9)
    yield refused("claims-30000.png", png(30000, 30000, grey), many)
    yield refused("claims-65500.jpg", with_jpeg_size(jpeg, 65500, 65500), many)
    yield refused("claims-65535.gif", gif[:6] + b"\xff" * 4 + gif[10:], many)
    yield refused("claims-30000.bmp", bmp[:18] + struct.pack("<ii", 30000, 30000) + bmp[26:], many)
    yield refused("claims-40000.tif", tiff(40000, 40000, b"", bits=(8,), photometric=1), many)
    yield refused("claims-16383.webp", _vp8x(16383, 16383), many)
    yield refused("claims-9000.webp", _vp8x(9000, 9000), "needs more memory")
    yield refused("claims-90000.ppm.jpg", b"P6\n90000 90000\n255\n" + bytes(99), many)
    yield refused("claims-9000.png", png(9000, 9000, bytes(100)), "damaged")
    yield refused("true-20000.png", png(20000, 20000, bytes(20000 * 2501), depth=1, colour=0), many)
    yield used(
        "true-9000.png",
        png(9000, 9000, bytes(9000 * 9001), colour=0),
        ((0, 0, 0),) * 4,
        size=(9000, 9000),
    )
    yield refused("many-scans.jpg", many_scans(30000, 3300, 4000), "took over")


def _vp8x(width: int, height: int) -> bytes:
    """Return a WebP whose canvas claims a size."""
    canvas = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    content = saved(corners(), "WEBP", save_all=True, append_images=[noise(1, 64, 48)])
    at = content.index(b"VP8X") + 12
    return content[:at] + canvas + content[at + 6 :]


def odd_entries() -> Iterator[Nasty]:
    """Yield what is no plain file."""
    yield refused("fifo.jpg", os.mkfifo, "not a regular file")
    yield refused("socket.jpg", _socket, "not a regular file")
    yield refused("device.jpg", lambda path: path.symlink_to("/dev/zero"), "not a regular file")
    yield refused("dangling.jpg", lambda path: path.symlink_to("nothing"), "a broken link")
    yield refused("loop.jpg", lambda path: path.symlink_to(path), "symbolic links")
    yield refused("folder.jpg", Path.mkdir, "a folder with an image's name")
    yield refused("to-folder.jpg", lambda path: path.symlink_to(".."), "a folder")
    yield used("outside.png", lambda path: path.symlink_to("../outside.png"))
    yield used("no-suffix", saved(corners(), "PNG"))
    if os.name == "posix" and os.geteuid() != 0:
        yield refused("no-leave.jpg", _unreadable, "Permission denied")


def _socket(path: Path) -> None:
    """Leave a socket; its path must be short, so it is bound from within its folder."""
    before = Path.cwd()
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(path.name)
    finally:
        os.chdir(before)


def _unreadable(path: Path) -> None:
    corners().save(path)
    path.chmod(0)


def odd_names() -> Iterator[Nasty]:
    """Yield one picture under names that hurt who prints them."""
    content = saved(corners(), "PNG")
    for name in (
        os.fsdecode(b"not-utf8-\xff\xfe.png"),
        "escape-\x1b[31mred\x1b]0;title\x07.png",
        "x[red]y[bold].png",
        "new\nline.png",
        "return\rhere.png",
        "=cmd|' -C calc'!A0.png",
        "@sum(1).png",
        "bidi-\u202egnp.\u2066.png",
        "zero\u200bwidth.png",
        "katze-\U0001f408.png",
        "$(rm -rf x);`id`.png",
        "-rf.png",
        '"quoted", and, commas.png',
        " leading and trailing .png",
        "percent%s%n{0}.png",
        f"{'long' * 62}.png",
        "UPPER.PNG",
    ):
        yield used(name, content)
