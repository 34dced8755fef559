"""What an author should change when a network cannot be called: to append to an error."""

from __future__ import annotations

import inspect
import socket
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.error import URLError

_CLASSES = ("n_classes", "nclasses", "nclass", "classes", "n_class", "num_class", "num_labels")
_CUDA = ("NVIDIA driver", "not compiled with CUDA", "No CUDA GPUs")
_GIVEN = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
_OURS = Path(__file__).parent


def advice_on(error: BaseException) -> str:
    """Return what would mend `error`, whatever raised it, with a leading `; `; "" if unknown."""
    if isinstance(error, SystemExit):
        return "; a network must not end the program or read its command line: pass argparse `[]`"
    if any(sign in str(error) for sign in _CUDA):
        return "; remove `.cuda()`: `zoo` moves the network and the images to the device"
    if any(
        isinstance(each, URLError | socket.gaierror | ConnectionError) for each in _chain(error)
    ):
        return "; build it without a download: first weights are untrained"
    return ""


def advice_on_call(
    found: Callable[..., Any], arguments: Mapping[str, Any], error: BaseException
) -> str:
    """Return what would mend `error` of `found(num_classes=K, **arguments)`; "" if unknown."""
    try:
        taken = inspect.signature(found).parameters
    except (ValueError, TypeError):  # of C
        return advice_on(error)
    if not isinstance(error, TypeError):
        switch = " (`pretrained=False`)" if "pretrained" in taken else ""
        return (advice := advice_on(error)) + (switch if "download" in advice else "")
    if any(each.kind is each.VAR_KEYWORD for each in taken.values()):
        return ""
    wanted = [
        name
        for name, each in taken.items()
        if each.default is each.empty and each.kind in _GIVEN and name not in arguments
    ]
    if "num_classes" not in taken:
        return _factory(found, taken, wanted)
    wanted = [name for name in wanted if name != "num_classes"]
    if wanted:
        given = ", ".join(f"{name}=..." for name in wanted)
        return f"; give it literal arguments, such as {_name(found)}({given})"
    return ""


def advice_on_forward(forward: Callable[..., Any], error: BaseException) -> str:
    """Return what would mend `error` of `forward(images)`; "" if unknown."""
    if isinstance(error, TypeError):
        try:
            inspect.signature(forward).bind(None)
        except TypeError:
            return "; its `forward` must take one batch of images and nothing else"
        except ValueError:
            return ""
    return advice_on(error)


def place_in(folder: Path, error: BaseException) -> str:
    """Return the last line in `folder` that led to `error`, ` (net.py:12, in forward)`, or "".

    `folder` may be one file.
    """
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [each for each in frames if Path(each.filename).is_relative_to(folder)]
    theirs = [each for each in theirs if not Path(each.filename).is_relative_to(_OURS)]
    if not theirs:
        return ""
    last = theirs[-1]
    shown = Path(last.filename).relative_to(folder.parent if folder.suffix == ".py" else folder)
    return f" ({shown}:{last.lineno}, in {last.name})"


def home_of(constructor: str) -> Path | None:
    """Return the folder of the package of `constructor`, or its one file; None if not imported."""
    name = constructor.partition(":")[0].partition(".")[0]
    file = getattr(sys.modules.get(name), "__file__", None)
    if not file:
        return None
    return Path(file).parent if Path(file).name == "__init__.py" else Path(file)


def _factory(
    found: Callable[..., Any], taken: Mapping[str, inspect.Parameter], wanted: list[str]
) -> str:
    """Return the function to write for a constructor with another name for `num_classes`."""
    name, classes = _name(found), next((each for each in _CLASSES if each in taken), None)
    if not wanted and classes is None:
        return f"; give {name} an argument `num_classes`, and that many outputs"
    given = ", ".join(f"{each}=..." for each in wanted if each != classes)
    called = ", ".join(filter(None, (given, classes and f"{classes}=num_classes")))
    shown = ", ".join(taken)
    return (
        f"; it takes ({shown}), not num_classes: add `def make(num_classes): return "
        f"{name}({called or '...'})` with that many outputs, and use `make` instead"
    )


def _name(found: object) -> str:
    return getattr(found, "__name__", type(found).__name__)


def _chain(error: BaseException) -> Iterator[BaseException]:
    current: BaseException | None = error
    while current is not None:
        yield current
        current = current.__cause__ or current.__context__
