"""Networks that each do one thing that no network should do."""

import ctypes
import os
import stat
import subprocess
import sys
import time

import torch
from torch import nn

GIBIBYTE = 2**30


class Grey(nn.Sequential):
    """The smallest network that can learn: one linear layer on a grey image."""

    def __init__(self, num_classes):
        super().__init__(nn.Flatten(), nn.Linear(1024, num_classes))


class Leaving(Grey):
    def __init__(self, num_classes):
        os._exit(1)


class Hungry(Grey):
    """All at once."""

    def __init__(self, num_classes):
        self.held = bytearray(100 * GIBIBYTE)


class HungryLater(Grey):
    """Step by step, and not where only shapes are looked at."""

    def __init__(self, num_classes):
        super().__init__(num_classes)
        if self[1].weight.device.type != "meta":
            self.held = [torch.empty(GIBIBYTE, dtype=torch.uint8) for _ in range(100)]


class NotANumber(Grey):
    def forward(self, images):
        return super().forward(images) * torch.nan


class Sleeping(Grey):
    def __init__(self, num_classes):
        print("sleeping", file=sys.stderr, flush=True)
        while True:
            time.sleep(1)


class Segfaulting(Grey):
    def __init__(self, num_classes):
        ctypes.string_at(0)


class Interrupting(Grey):
    def __init__(self, num_classes):
        raise KeyboardInterrupt


class Escaping(Grey):
    """What it says would clear a terminal and rename its window."""

    def __init__(self, num_classes):
        for stream in (sys.stdout, sys.stderr):
            print("said \x1b[2J\x1b]0;mine\x07", file=stream)
        raise ValueError("raised \x1b[2J\x1b]0;mine\x07 | [red]<b>")


class Bearing(Grey):
    """It begins a process that would outlive it."""

    def __init__(self, num_classes):
        super().__init__(num_classes)
        subprocess.Popen(["sleep", "1000"])


class Closing(Grey):
    def __init__(self, num_classes):
        super().__init__(num_classes)
        os.closerange(0, 4096)


def _babble():
    for descriptor in range(3, 256):
        try:
            if stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                os.write(descriptor, b"nonsense" * 10)
        except OSError:
            pass


class Babbling(Grey):
    """It writes into the socket by which its trial is told of."""

    def __init__(self, num_classes):
        super().__init__(num_classes)
        _babble()


class BabblingOn(Grey):
    """It begins a long message there, and never ends it."""

    def __init__(self, num_classes):
        _babble()
        time.sleep(10_000)


class Fat(Grey):
    """It can be trained on eight images at a time."""

    def forward(self, images):
        if torch.is_grad_enabled() and len(images) > 8:
            raise RuntimeError("not enough memory: you tried to allocate 1 byte")
        return super().forward(images)
