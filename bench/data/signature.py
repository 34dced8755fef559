"""What a file's first bytes say that it is."""

from __future__ import annotations

_OURS = {
    b"\xff\xd8": "JPEG",
    b"\x89PNG": "PNG",
    b"GIF8": "GIF",
    b"BM": "BMP",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"II+\0": "TIFF",
    b"MM\0+": "TIFF",
}
_OTHERS = {
    b"%PDF": "a PDF document",
    b"%!PS": "a PostScript document",
    b"PK\x03\x04": "a ZIP archive",
    b"8BPS": "a Photoshop document",
    b"\0\0\1\0": "an icon",
    b"\x1f\x8b": "a gzip archive",
    b"Rar!": "a RAR archive",
}


def describe_signature(content: bytes) -> str:
    """Describe what a file that can't be opened as an image seems to be, from its first bytes."""
    head = content[:64]
    if head[4:8] == b"ftyp":
        return "not a kind that is read: it looks like HEIC, AVIF or a video"
    for signature, name in _OTHERS.items():
        if head.startswith(signature):
            return f"not an image: it looks like {name}"
    for signature, name in _OURS.items():
        if head.startswith(signature):
            return f"damaged, or of an unsupported kind: it begins like a {name}"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "damaged, or of an unsupported kind: it begins like a WEBP"
    if head.lstrip()[:1] == b"<":
        return "not an image: it looks like HTML or XML"
    if all(byte in b"\t\n\r" or 32 <= byte < 127 for byte in head):
        return "not an image: it looks like text"
    return "not an image: no known image format"
