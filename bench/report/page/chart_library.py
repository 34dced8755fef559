"""The JavaScript that draws charts on a page, kept in the cache folder: bundling it takes 1.5 s."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

from bench.report.page.renderer import VEGA_LITE
from bench.system.atomic_files import whole_file
from bench.system.cache_folder import own_cache_folder
from bench.system.own_files import is_unshared
from bench.system.received_files import MB, read_regular

_MOST_BYTES = 10 * MB  # it has 0.9
_DIGEST = 64  # characters of the SHA-256 before the script


def kept_library() -> str | None:
    """Return the script, 0.9 MB; None if the cache has none, or one that others may have written.

    A damaged script counts as none.
    """
    path = _path()
    if path is None or not is_unshared(path):
        return None
    try:
        content = read_regular(path, most=_MOST_BYTES)
    except OSError:
        return None
    digest, script = content[:_DIGEST], content[_DIGEST:]
    is_whole = hashlib.sha256(script).hexdigest().encode() == digest
    return script.decode() if is_whole else None


def keep_library(script: str) -> str:
    """Return `script` after writing it to the cache folder, if that is possible."""
    path, content = _path(), script.encode()
    if path is not None:
        with suppress(OSError):  # the next page bundles it again
            path.parent.mkdir(exist_ok=True)
            with whole_file(path, shared=True, mode=0o644) as partial:
                partial.write_bytes(hashlib.sha256(content).hexdigest().encode() + content)
    return script


def _path() -> Path | None:
    """Return the file of the installed versions, if there is a folder for it."""
    folder = own_cache_folder()
    name = hashlib.sha256(f"{version('vl-convert-python')} {VEGA_LITE}".encode()).hexdigest()
    return None if folder is None else folder / "charts" / f"{name[:16]}.js"
