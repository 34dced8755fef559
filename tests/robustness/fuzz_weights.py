"""Weights files damaged and forged at random, and what becomes of them."""

from __future__ import annotations

import faulthandler
import json
import random
import struct
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import load, save_file
from torch import nn

from bench.training.weights import digest, load_network, save_weights
from bench.training.weights_metadata import WeightsMetadata
from registry.architecture import Architecture, Contract
from registry.errors import ZooError

TINY = Architecture(
    name="tiny",
    constructor="fuzz_weights:Tiny",
    contract=Contract(input_shape=(1, 4, 4), output_shape=(2,), parameters=40),
)
PUBLISHED = WeightsMetadata(
    model="tiny",
    architecture=TINY,
    origin="tests",
    classes=("cat", "dog"),
    epoch=1,
    split_fingerprint="0" * 64,
)
_HANG_SECONDS = 60
_VALUES = (None, True, -1, 0, 3, 2**63, 1e308, float("nan"), "", "x", "\ud800", [], {}, [[]], "=1")
_TYPES = ("F64", "F32", "F16", "BF16", "I64", "U8", "BOOL", "F8_E4M3", "F4", "C64", "Q9", "")


class Tiny(nn.Sequential):
    """Forty numbers: two convolutions' worth of nothing, enough for a file."""

    def __init__(self, num_classes: int) -> None:
        super().__init__(nn.BatchNorm2d(1), nn.Flatten(), nn.Linear(16, num_classes))
        self.scale = nn.Parameter(torch.ones(4))


def fuzz_weights(count: int, seed: int) -> Counter[str]:
    """Return how many files were refused and how many loaded, by the way they were spoilt.

    Raises:
        BaseException: something else than a `ZooError` came of one. A hang ends the process.
    """
    generator = random.Random(seed)
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "weights.safetensors"
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            saved = Tiny(2).state_dict()
        save_weights(path, saved, PUBLISHED)
        whole = path.read_bytes()
        for _ in range(count):
            spoil = generator.choice((_flipped, _cut, _overwritten, _header, _forged))
            path.write_bytes(spoil(whole, generator))
            outcome = _outcome(path, None if spoil is _forged else saved)
            counts[f"{spoil.__name__[1:]} {outcome}"] += 1
    return counts


def _outcome(path: Path, saved: dict[str, torch.Tensor] | None) -> str:
    """Return whether `path` is refused; if it is not, it must hold what was `saved`."""
    faulthandler.dump_traceback_later(_HANG_SECONDS, exit=True)
    try:
        network, published = load_network(path, TINY)
    except ZooError as error:
        if str(path) not in str(error):
            raise AssertionError("the file is not named") from error
        return "refused"
    finally:
        faulthandler.cancel_dump_traceback_later()
    network(torch.zeros(2, 1, 4, 4))
    assert len(published.classes) == 2
    if saved is not None:
        assert published == PUBLISHED
        assert all(torch.equal(network.state_dict()[name], saved[name]) for name in saved)
    return "loaded"


def _flipped(content: bytes, generator: random.Random) -> bytes:
    """One to eight bits, half of them in the header, which is most of what is parsed."""
    spoilt = bytearray(content)
    header = 8 + struct.unpack("<Q", content[:8])[0]
    for _ in range(generator.choice((1, 2, 8))):
        end = header if generator.random() < 0.5 else len(spoilt)
        spoilt[generator.randrange(end)] ^= 1 << generator.randrange(8)
    return bytes(spoilt)


def _cut(content: bytes, generator: random.Random) -> bytes:
    kept = content[: generator.randrange(len(content))]
    return kept + generator.choice((b"", b"", bytes(len(content) - len(kept)), b"\0" * 9999))


def _overwritten(content: bytes, generator: random.Random) -> bytes:
    start, size = generator.randrange(len(content)), generator.choice((1, 8, 64))
    return content[:start] + generator.randbytes(size) + content[start + size :]


def _header(content: bytes, generator: random.Random) -> bytes:
    """A header that is valid JSON and says something else, of the right length or not."""
    size = struct.unpack("<Q", content[:8])[0]
    header = json.loads(content[8 : 8 + size])
    entry = header[generator.choice(sorted(header))]
    field = generator.choice(sorted(entry))
    if field == "dtype":
        entry[field] = generator.choice(_TYPES)
    elif field == "shape" or field == "data_offsets":
        entry[field] = [generator.choice((0, 1, 2, 16, 32, 2**40, 2**63, -1)) for _ in "12"]
    else:
        entry[field] = generator.choice(_VALUES)
    if generator.random() < 0.2:
        header.pop(generator.choice(sorted(header)))
    text = json.dumps(header).encode()
    length = generator.choice((len(text),) * 8 + (0, 2**62, 2**64 - 1))
    return struct.pack("<Q", length) + text + content[8 + size :]


def _forged(content: bytes, generator: random.Random) -> bytes:
    """A well-formed file with a true digest, by somebody who means ill."""
    state = load(content)
    said = json.loads(PUBLISHED.as_json())
    generator.choice((_change_state, _change_said))(state, said, generator)
    text = json.dumps(said)
    if generator.random() < 0.05:
        text = generator.choice(("[" * 100_000, "9" * 5000, "null", '{"model": ', "{}"))
    with tempfile.NamedTemporaryFile() as file:
        save_file(state, file.name, metadata={"zoo": text, "sha256": digest(text, state)})
        return Path(file.name).read_bytes()


def _change_state(
    state: dict[str, torch.Tensor], _: dict[str, object], generator: random.Random
) -> None:
    name = generator.choice(sorted(state))
    ways: tuple[Callable[[torch.Tensor], torch.Tensor], ...] = (
        lambda tensor: tensor.double() * float("nan"),
        lambda tensor: tensor.float() / 0,
        lambda tensor: tensor.to(torch.float8_e4m3fn),
        lambda tensor: tensor.to(torch.complex64),
        lambda tensor: tensor.reshape(-1)[:0],
        lambda tensor: tensor.reshape(1, *tensor.shape),
        lambda tensor: tensor.bool(),
        lambda tensor: tensor * float("inf") if tensor.is_floating_point() else tensor,
    )
    state[generator.choice((name, name, "another"))] = generator.choice(ways)(state[name]).clone()
    if generator.random() < 0.2:
        del state[generator.choice(sorted(state))]


def _change_said(
    _: dict[str, torch.Tensor], said: dict[str, object], generator: random.Random
) -> None:
    within: object = said
    while isinstance(within, dict):
        field = generator.choice(sorted(within))
        if not isinstance(within[field], dict) or generator.random() < 0.2:
            break
        within = within[field]
    assert isinstance(within, dict)
    value = within[field]
    if isinstance(value, list) and generator.random() < 0.5:
        value[generator.randrange(len(value))] = generator.choice(_VALUES)
    else:
        within[field] = generator.choice((*_VALUES, ["x"] * 200_000, "x" * 200_000, [1] * 3))
