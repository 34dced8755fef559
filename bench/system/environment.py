"""The machine and the versions behind a result."""

from __future__ import annotations

import os
import platform
import sys
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

from bench.system.credentials import hide_credentials

_PACKAGES = ("zoo-bench", "torch", "torchvision", "timm", "pillow", "numpy", "opencv-python")


def describe_environment(device: torch.device) -> dict[str, object]:
    """Return versions, hardware, load and time, for the run folder."""
    return {
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": [hide_credentials(each) for each in sys.argv],
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in _PACKAGES},
        "platform": platform.platform(),
        "cpu": cpu_name(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "cores": os.cpu_count(),
        "load_1_minute": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "openmp_wait_policy": os.environ.get("OMP_WAIT_POLICY"),
        "device": str(device),
        "device_name": torch.cuda.get_device_name(device) if device.type == "cuda" else cpu_name(),
    }


def _version(package: str) -> str | None:
    with suppress(PackageNotFoundError):
        return version(package)
    return None


def cpu_name() -> str:
    """Return the name of the processor, as the system gives it."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()
