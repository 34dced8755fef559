"""docs/gpu.md: what `make gpu` measured, and how to run it; or that nobody has run it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from paths import ROOT

HEAD = """# On a GPU

`make gpu` measures zoo on a GPU in at most eight minutes, and writes this page and `gpu.json`. On a
CPU it tries its own steps with a tiny network, and writes to `build/`.

| step | what it does |
| --- | --- |
| contracts | builds each built-in network on the GPU, and compares its logits with the CPU's |
| training | trains LeNet, AlexNet, ResNet-18 and ViT-tiny in float32, bfloat16 and float16 |
| repeat | trains one seed twice |
| resume | kills a training at a checkpoint, resumes it, and compares the end with an unbroken one |
| out_of_memory | leaves 3 GB of the GPU, and trains with `--on-oom halve` |
| together | trains two seeds one after the other, then both at once |
| throughput | images per second of zoo, of a plain loop and of timm's; loading the images counts |
| target | seconds to 90 % of a folder of photographs: `--photographs FOLDER` |

## Without a network

A machine for GPUs often has torch and no network. Ask it what it lacks, in this folder:

```text
PYTHONPATH=tests/support python3 tests/studies/gpu.py
```

It prints the missing packages. Where there is a network, fetch their wheels for the Python of that
machine, here 3.12, and build one of zoo:

```text
python3 -m pip download --no-deps --only-binary=:all: --python-version 3.12 \\
    --platform manylinux_2_28_x86_64 --platform manylinux_2_17_x86_64 \\
    --platform manylinux2014_x86_64 --dest wheels PACKAGES
python3 -m pip wheel --no-deps --wheel-dir wheels .
```

`--no-deps` leaves out what those packages need themselves. altair also needs `jsonschema`,
`jsonschema-specifications`, `referencing` and `rpds-py`. httpx2 also needs `httpcore2` and
`truststore`.

Copy the folder to the machine with the GPU, and run:

```text
python3 -m pip install --no-index --no-deps --target site wheels/*.whl
PYTHONPATH=site:tests/support python3 tests/studies/gpu.py
```

The share of time in which the GPU is busy needs `nvidia-ml-py`, the extra `gpu` of zoo.

## Measured
"""
_NOTHING = """
Nothing yet. On 2026-11-29 the script ran on a CPU only, because no GPU was available.
"""


def page(whole: Mapping[str, Any] | None) -> str:
    """Return the page of what was measured, or of None."""
    if whole is None:
        return HEAD + _NOTHING
    about = whole["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in about["packages"].items())
    memory = about.get("device_bytes")
    card = about["device_name"] + (f" with {memory / 1e9:,.0f} GB" if memory else "")
    lines = [
        f"On {whole['date']}: {card} (`{about['device']}`), Python {about['python']}, {versions}.",
        "",
        "| step | result | seconds | GPU busy | GPU memory |",
        "| --- | --- | --: | --: | --: |",
        *(_step(name, outcome) for name, outcome in whole["steps"].items()),
    ]
    for name, outcome in whole["steps"].items():
        if outcome.get("found"):
            lines += ["", f"### {name}", "", *_table(outcome["found"])]
    return "\n".join([HEAD, *lines, ""])


def _step(name: str, outcome: Mapping[str, Any]) -> str:
    result = outcome["status"] + (f": {outcome['why']}" if outcome["why"] else "")
    used = outcome.get("utilisation")
    busy = f"{used['mean']:.0%}, at most {used['highest']:.0%}" if used else "not measured"
    memory = f"{used['peak_bytes'] / 1e9:.1f} GB" if used else "not measured"
    cells = (name, result.replace("|", "/"), f"{outcome['seconds']:.0f}", busy, memory)
    return f"| {' | '.join(cells)} |"


def _table(found: Sequence[Mapping[str, Any]] | Mapping[str, Any]) -> list[str]:
    rows = [found] if isinstance(found, Mapping) else found
    names = list(dict.fromkeys(name for row in rows for name in row))
    return [
        f"| {' | '.join(name.replace('_', ' ') for name in names)} |",
        f"| {' | '.join('---' for _ in names)} |",
        *(f"| {' | '.join(_cell(row.get(name)) for name in names)} |" for row in rows),
    ]


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list):
        return ", ".join(map(str, value)).replace("|", "/")
    return str(value).replace("|", "/")


if __name__ == "__main__":
    (ROOT / "docs" / "gpu.md").write_text(page(None), encoding="utf-8")
