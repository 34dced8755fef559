"""What a file's first bytes say that it is."""

from __future__ import annotations

_OURS = "damaged, or of an unsupported kind: it begins like a {}"
_OTHER = "not an image: it looks like {}"
_KINDS = {
    b"%PDF": _OTHER.format("a PDF document"),
    b"%!PS": _OTHER.format("a PostScript document"),
    b"PK\x03\x04": _OTHER.format("a ZIP archive"),
    b"8BPS": _OTHER.format("a Photoshop document"),
    b"\0\0\1\0": _OTHER.format("an icon"),
    b"\x1f\x8b": _OTHER.format("a gzip archive"),
    b"Rar!": _OTHER.format("a RAR archive"),
    b"\xff\xd8": _OURS.format("JPEG"),
    b"\x89PNG": _OURS.format("PNG"),
    b"GIF8": _OURS.format("GIF"),
    b"BM": _OURS.format("BMP"),
    **dict.fromkeys((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), _OURS.format("TIFF")),
}


def describe_signature(content: bytes) -> str:
    """Describe what a file that can't be opened as an image seems to be, from its first bytes."""
    head = content[:64]
    if head[4:8] == b"ftyp":
        return "not a kind that is read: it looks like HEIC, AVIF or a video"
    for signature, kind in _KINDS.items():
        if head.startswith(signature):
            return kind
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return _OURS.format("WEBP")
    if head.lstrip()[:1] == b"<":
        return _OTHER.format("HTML or XML")
    if all(byte in b"\t\n\r" or 32 <= byte < 127 for byte in head):
        return _OTHER.format("text")
    return "not an image: no known image format"
