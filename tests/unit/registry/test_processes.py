"""Processes, and how their ends are told."""

from __future__ import annotations

import subprocess
import sys

import psutil
import pytest

from registry.processes import describe_end, kill_tree, signal_name, start_apart


@pytest.mark.parametrize(
    ("code", "name", "told"),
    [
        (-9, "SIGKILL", "signal SIGKILL"),
        (-77, "signal 77", "signal 77"),
        (3, None, "exit code 3"),
        (0xC0000005, None, "exit code 3221225477"),
    ],
)
def test_an_end_is_told_by_signal_or_code(code, name, told):
    """Also of a signal without a name, and of Windows, which has codes alone."""
    assert (signal_name(code), describe_end(code)) == (name, told)


@pytest.mark.parametrize("groups", [True, False], ids=["group", "ancestors"])
def test_what_a_process_has_started_is_killed_with_it(monkeypatch, groups):
    """By its group or, where there are none, by who comes from it."""
    if not groups:
        monkeypatch.delattr("os.killpg")
    code = (
        "import subprocess, sys, time\n"
        "print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']).pid)\n"
        "sys.stdout.flush(); time.sleep(600)"
    )
    process = start_apart([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert process.stdout
    started = psutil.Process(int(process.stdout.readline()))
    kill_tree(process)
    process.wait(30)
    process.stdout.close()
    _, left = psutil.wait_procs([started], timeout=30)

    assert not left or left[0].status() == psutil.STATUS_ZOMBIE
