from __future__ import annotations

import signal

import pytest

from bench.engines import here
from bench.engines.here import run_here
from bench.progress import Progress
from bench.stop import StoppedError, StopRequest
from bench.watcher import Service
