"""Children end with their parents, whatever the system has for that."""

from __future__ import annotations

import subprocess
import sys

import psutil
import pytest

_PARENT = """
import subprocess, sys, time
child = "import sys, time; {before}from bench.system.child_process import die_with_parent\\n" \\
    "die_with_parent(); print('ready', flush=True); time.sleep(600)"
started = subprocess.Popen([sys.executable, "-c", child], stdout=subprocess.PIPE)
started.stdout.readline()
print(started.pid, flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize(
    "before", ["", "import psutil; sys.platform = 'darwin'; "], ids=["told", "looked"]
)
def test_a_child_ends_with_its_parent(before):
    """Linux kills it; elsewhere it looks each second."""
    command = [sys.executable, "-c", _PARENT.replace("{before}", before)]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert parent.stdout
    child = psutil.Process(int(parent.stdout.readline()))
    parent.kill()
    parent.communicate()
    _, left = psutil.wait_procs([child], timeout=30)

    assert not left or left[0].status() == psutil.STATUS_ZOMBIE
