"""Which picture formats are read, and what a file seems to be from its name or first bytes."""

import re
import warnings
from dataclasses import dataclass

from PIL import features


@dataclass(frozen=True, slots=True, kw_only=True)
class _Format:
    """A format of still pictures: its name, usual suffixes, and a pattern of its first bytes."""

    name: str
    suffixes: str
    starts: bytes = b"(?!)"  # nothing
    pillow: str = ""  # name in Pillow, if we read it
    needs: str = ""  # feature of Pillow
    by_choice: bool = False  # whether Pillow reads it but we do not: rare, slow or a container


_BRAND = b".{4}ftyp"
_BOX = rb"\0\0\0\x0c"  # a first box of 12 bytes
_PICTURES = (
    _Format(name="JPEG", pillow="JPEG", suffixes="jpg jpeg jpe jfif jif jfi pjpeg pjp mpo",
            starts=rb"\xff\xd8(?:\xff|\Z)"),
    _Format(name="PNG", pillow="PNG", suffixes="png apng", starts=rb"\x89PNG"),
    _Format(name="GIF", pillow="GIF", suffixes="gif", starts=rb"GIF8"),
    _Format(name="BMP", pillow="BMP", suffixes="bmp dib", starts=rb"BM(?:.{0,15}\Z|.{13}\0\0\0)"),
    _Format(name="WEBP", pillow="WEBP", suffixes="webp", starts=rb"RIFF.{4}WEBP"),
    _Format(name="Canon raw", suffixes="cr2 cr3 crw",
            starts=rb"II\*\0.{4}CR|II\x1a\0\0\0HEAPCCDR|" + _BRAND + b"crx "),
    _Format(name="TIFF", pillow="TIFF", suffixes="tif tiff", starts=rb"II[*+]\0|MM\0[*+]"),
    _Format(name="PPM", pillow="PPM", suffixes="ppm pgm pbm pnm", starts=rb"P[1-6]\s+[\d#]"),
    _Format(name="AVIF", pillow="AVIF", needs="avif", suffixes="avif avifs",
            starts=_BRAND + rb"(?:avi[fs]|m[is]f1.{4}.*avi[fs])"),
    _Format(name="JPEG 2000", pillow="JPEG2000", needs="jpg_2000",
            suffixes="jp2 j2k jpf jpx j2c jpc", starts=_BOX + rb"jP  \r\n\x87\n|\xff\x4f\xff\x51"),
    # Targa has no signature, so most of its header must be as writers leave it
    _Format(name="Targa", pillow="TGA", suffixes="tga",
            starts=rb".(?:\0[\x02\x03\n\x0b]\0{5}|\x01[\x01\x09]\0\0..[\x0f\x10\x18\x20])\0\0.."
            rb"(?!\0\0)..(?!\0\0)..[\x08\x0f\x10\x18\x20][\0-\x3f]"),
    _Format(name="HEIC", suffixes="heic heif hif heics",
            starts=_BRAND + rb"(?:hei[cxms]|hev[cxms]|m[is]f1)"),
    _Format(name="JPEG XL", suffixes="jxl", starts=rb"\xff\x0a|" + _BOX + rb"JXL \r\n\x87\n"),
    _Format(name="JPEG XR", suffixes="jxr wdp hdp", starts=rb"II\xbc\x01"),
    _Format(name="SVG", suffixes="svg svgz", starts=rb"\s*<.*?<?svg"),
    _Format(name="Photoshop", suffixes="psd psb", starts=rb"8BPS", by_choice=True),
    _Format(name="GIMP", suffixes="xcf", starts=rb"gimp xcf"),
    _Format(name="an icon", suffixes="ico cur icns", starts=rb"\0\0[\x01\x02]\0[^\0]\0|icns",
            by_choice=True),
    _Format(name="DirectDraw", suffixes="dds", starts=rb"DDS ", by_choice=True),
    _Format(name="OpenEXR", suffixes="exr", starts=rb"\x76\x2f\x31\x01"),
    _Format(name="Radiance HDR", suffixes="hdr", starts=rb"#\?(?:RADIANCE|RGBE)"),
    _Format(name="QOI", suffixes="qoi", starts=rb"qoif", by_choice=True),
    _Format(name="PCX", suffixes="pcx dcx", starts=rb"\n[\0-\x05]\x01[\1\2\4\x08]", by_choice=True),
    _Format(name="SGI", suffixes="sgi rgb rgba", starts=rb"\x01\xda[\0\1][\1\2]", by_choice=True),
    _Format(name="Sun raster", suffixes="ras", starts=rb"\x59\xa6\x6a\x95", by_choice=True),
    _Format(name="PFM", suffixes="pfm", starts=rb"P[fF]\s+\d"),
    _Format(name="PAM", suffixes="pam", starts=rb"P7\sWIDTH"),
    _Format(name="FITS", suffixes="fits fts", starts=rb"SIMPLE  =", by_choice=True),
    _Format(name="DICOM", suffixes="dcm dicom"),
    _Format(name="BPG", suffixes="bpg", starts=rb"BPG\xfb"),
    _Format(name="FLIF", suffixes="flif", starts=rb"FLIF"),
    _Format(name="DjVu", suffixes="djvu djv", starts=rb"AT&TFORM"),
    _Format(name="XPM", suffixes="xpm xbm", starts=rb"/\* XPM \*/", by_choice=True),
    _Format(name="a Windows metafile", suffixes="wmf emf", starts=rb"\xd7\xcd\xc6\x9a"),
    _Format(name="EPS", suffixes="eps epsf", starts=rb"\xc5\xd0\xd3\xc6"),
    _Format(name="a slide scan", suffixes="svs ndpi mrxs"),
    _Format(name="a camera's raw format",
            suffixes="raw dng nef nrw arw srf sr2 orf rw2 raf pef srw x3f rwl dcr kdc mrw erf mef "
            "mos 3fr iiq",
            starts=rb"FUJIFILMCCD-RAW|IIR[OS]|MMOR|IIU\0|FOVb|\0MRM"),
)  # fmt: skip
_OTHERS = {
    "a PDF document": rb"%PDF",
    "a PostScript document": rb"%!PS",
    "a ZIP archive": rb"PK\x03\x04",
    "a gzip archive": rb"\x1f\x8b",
    "a RAR archive": rb"Rar!",
    "a 7z archive": rb"7z\xbc\xaf",
    "a video": rb"\0.{3}(?:moov|mdat|wide|free)|" + _BRAND + rb"|\x1a\x45\xdf\xa3|"
    rb"RIFF.{4}AVI |\0\0\x01[\xba\xb3]|FLV\x01|\x30\x26\xb2\x75|OggS",
    "a sound": rb"RIFF.{4}WAVE|ID3[\x02-\x04]|fLaC",
    "HTML or XML": rb"\s*<",
    "text": rb"[\t\n\r\x20-\x7e]*\Z",
}
_READ_BY_ALL = ("JPEG", "PNG", "BMP", "GIF", "WEBP", "TIFF", "PPM", "TGA")


def _has(feature: str) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an older Pillow warns of a feature that it does not know
        return bool(features.check(feature))


FORMATS = _READ_BY_ALL + tuple(each.pillow for each in _PICTURES if each.needs and _has(each.needs))


def _suffixes(formats: tuple[_Format, ...]) -> frozenset[str]:
    return frozenset(f".{suffix}" for each in formats for suffix in each.suffixes.split())


READ_SUFFIXES = _suffixes(tuple(each for each in _PICTURES if each.pillow in FORMATS))
IMAGE_LIKE_SUFFIXES = _suffixes(_PICTURES)


def looks_like_image(head: bytes) -> bool:
    """Return whether the first 32 bytes of a file are of a known picture format, read or not."""
    return _format_of(head) is not None


def looks_like_targa(head: bytes) -> bool:
    """Return whether a file may be a Targa: its header cannot tell for certain."""
    found = _format_of(head)
    return found is not None and found.pillow == "TGA"


def why_unread(suffix: str) -> str | None:
    """Return why pictures with this suffix (`.heic`) are not read; None where they are."""
    small = suffix.lower()
    if small in READ_SUFFIXES:
        return None
    return next((_unread(each) for each in _PICTURES if small in _suffixes((each,))), None)


def describe_signature(head: bytes) -> str:
    """Return what an unreadable file seems to be, from its first bytes."""
    if found := _format_of(head):
        if found.pillow in FORMATS:
            article = "an" if found.name[0] in "AEIO" else "a"
            return f"damaged or unsupported: it starts like {article} {found.name}"
        return _unread(found)
    for kind, starts in _OTHERS.items():
        if re.match(starts, head, re.DOTALL):
            return f"not an image: it looks like {kind}"
    return "not an image: no known image format"


def _format_of(head: bytes) -> _Format | None:
    return next((each for each in _PICTURES if re.match(each.starts, head, re.DOTALL)), None)


def _unread(one: _Format) -> str:
    who = "zoo does not read" if one.by_choice else "this Pillow cannot read"
    return f"{one.name}, which {who}: convert it to JPEG or PNG"
