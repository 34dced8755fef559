"""Worker process that reads, hashes and decodes image files: run, not imported.

`python -m bench.data.decode_worker MEMORY_BYTES SECONDS` reads one question per line and answers
with one line, both JSON. It imports neither torch nor pandas, so it starts in 0.2 s.

```text
{"path": "cat.0.jpg"}                    -> {"sha256", "bytes", "facts"}: values of `as_full`,
                                            or "flaw": {"reason", "lasts"}, or "short_of_memory";
                                            "note" if the owner should know something
{"path": "cat.0.jpg", "thumbnail": 160}  -> {"png"}: base64 of a thumbnail, or null
```
"""

import hashlib
import json
import os
import sys
from base64 import b64encode
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

from PIL import Image, ImageFile

from bench.data.decode import (
    MAX_PIXELS,
    ShortOfMemoryError,
    UnreadableImageError,
    decode_fully,
    read_content,
    readable_formats,
)
from bench.data.picture_facts import facts_of
from bench.data.rgb import to_rgb
from bench.system.child_process import (
    die_with_parent,
    end_after,
    forbid_core_file,
    limit_data,
)

SHOWN_ON_WHITE = "transparent, shown on white"
_GRACE_SECONDS = 1.0  # the parent kills us in time; this works without a parent
_MOST_SECONDS = 700.0  # of any time, without a parent: longer than it ever waits


def main(arguments: list[str]) -> None:
    """Answer questions from stdin on stdout until stdin ends."""
    memory_bytes, seconds = int(arguments[0]), float(arguments[1])
    answers = _own_stdout()
    die_with_parent()
    limit_data(memory_bytes, for_good=True)  # code and mapped files add 60 MB
    forbid_core_file()
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS // 2  # Pillow's error is at twice this, before it allocates
    _say(answers, {})
    for line in sys.stdin.buffer:
        end_after(seconds + _GRACE_SECONDS, _MOST_SECONDS)
        question = json.loads(line)
        path = Path(question["path"])
        size = question.get("thumbnail")
        _say(answers, _examine(path) if size is None else {"png": _thumbnail(path, size)})
        end_after(0, 0)


def _examine(path: Path) -> dict[str, Any]:
    answer: dict[str, Any] = {}
    try:
        content = read_content(path)
        answer = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
        decoded = decode_fully(content)
        *facts, sketch = facts_of(decoded.picture).as_full()
    except (ShortOfMemoryError, MemoryError):
        return answer | {"short_of_memory": True}
    except UnreadableImageError as error:
        return answer | {"flaw": {"reason": str(error), "lasts": "sha256" in answer}}
    if decoded.transparent:
        answer["note"] = SHOWN_ON_WHITE
    return answer | {"facts": [*facts, b64encode(sketch).decode("ascii")]}


def _thumbnail(path: Path, size: int) -> str | None:
    """Return a base64 PNG, at most `size` pixels a side, of whatever part can be decoded."""
    ImageFile.LOAD_TRUNCATED_IMAGES = True
    try:
        content = read_content(path)
        with Image.open(BytesIO(content), formats=readable_formats(content)) as opened:
            if opened.width * opened.height > MAX_PIXELS or opened.mode in ("F", "I"):
                return None
            opened.draft("RGB", (size, size))
            opened.load()
            whole, _ = to_rgb(opened)
            wide, high = (max(1, round(each * size / max(whole.size))) for each in whole.size)
            picture = whole.resize((wide, high), Image.Resampling.BICUBIC)
    except Exception:  # noqa: BLE001 - no thumbnail, whatever the reason
        return None
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = False
    png = BytesIO()
    picture.save(png, "PNG")
    return b64encode(png.getvalue()).decode("ascii")


def _own_stdout() -> BinaryIO:
    """Return the original stdout; discard from now on what libraries print."""
    answers = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    return answers


def _say(answers: BinaryIO, answer: dict[str, Any]) -> None:
    answers.write(json.dumps(answer).encode("ascii") + b"\n")
    answers.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
