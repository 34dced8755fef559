"""Image files made byte by byte, where Pillow would not write what a test needs."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

import numpy as np
from PIL import Image

WHITE, RED, GREEN, BLUE = (250, 250, 250), (220, 30, 30), (30, 200, 30), (30, 30, 220)


def corners(width: int = 64, height: int = 48) -> Image.Image:
    """Return a picture whose four quarters are white and red over green and blue."""
    levels = np.zeros((height, width, 3), dtype=np.uint8)
    top, left = slice(None, height // 2), slice(None, width // 2)
    bottom, right = slice(height // 2, None), slice(width // 2, None)
    levels[top, left], levels[top, right] = WHITE, RED
    levels[bottom, left], levels[bottom, right] = GREEN, BLUE
    return Image.fromarray(levels)


def saved(picture: Image.Image, kind: str, **how: object) -> bytes:
    """Return `picture` as a file of this kind."""
    file = BytesIO()
    picture.save(file, kind, **how)
    return file.getvalue()


def png_chunk(name: bytes, data: bytes, *, checksum: int | None = None) -> bytes:
    """Return a chunk, with its true checksum if no other is given."""
    crc = zlib.crc32(name + data) if checksum is None else checksum
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", crc)


def png(width: int, height: int, rows: bytes, *, depth: int = 8, colour: int = 2) -> bytes:
    """Return a PNG: `rows` begin with their filter each; colour 0 is grey, 2 RGB."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            png_chunk(b"IHDR", header),
            png_chunk(b"IDAT", zlib.compress(rows, 1)),
            png_chunk(b"IEND", b""),
        )
    )


def with_chunk(content: bytes, chunk: bytes) -> bytes:
    """Return a PNG with one chunk more, after its header."""
    return content[:33] + chunk + content[33:]


def tiff(
    width: int, height: int, pixels: bytes, *, bits: tuple[int, ...], photometric: int, **more: int
) -> bytes:
    """Return an uncompressed little-endian TIFF of one strip; `more`: tag_339=2 and so on."""
    beyond = struct.pack(f"<{len(bits)}H", *bits)
    tags = {
        256: width,
        257: height,
        258: 8 + len(pixels) if len(bits) > 2 else int.from_bytes(beyond, "little"),
        259: 1,
        262: photometric,
        273: 8,
        277: len(bits),
        278: height,
        279: len(pixels),
    } | {int(name.removeprefix("tag_")): value for name, value in more.items()}
    entries = b"".join(
        struct.pack("<HHII", tag, 3 if tag == 258 else 4, len(bits) if tag == 258 else 1, value)
        for tag, value in sorted(tags.items())
    )
    offset = 8 + len(pixels) + len(beyond)
    ifd = struct.pack("<H", len(tags)) + entries + struct.pack("<I", 0)
    return b"II*\0" + struct.pack("<I", offset) + pixels + beyond + ifd


def with_jpeg_size(content: bytes, width: int, height: int) -> bytes:
    """Return a JPEG whose frame header claims another size."""
    for marker in (b"\xff\xc0", b"\xff\xc2"):
        at = content.find(marker)
        if at >= 0:
            return content[: at + 5] + struct.pack(">HH", height, width) + content[at + 9 :]
    raise ValueError("no frame header")


def many_scans(width: int, height: int, scans: int) -> bytes:
    """Return a progressive JPEG of a few kilobytes that takes minutes to decode."""
    content = with_jpeg_size(saved(corners().convert("L"), "JPEG", progressive=True), width, height)
    starts = [at for at in range(len(content)) if content.startswith(b"\xff\xda", at)]
    last = content[starts[-1] : -2]
    return content[: starts[-1]] + last * scans + b"\xff\xd9"
