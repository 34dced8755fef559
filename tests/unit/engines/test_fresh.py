"""A new interpreter for each trial, as macOS and Windows have it; it works here, too."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import psutil
import pytest

from bench.engines import fresh
from bench.engines.fresh import FreshServer
from bench.engines.process import receive, send
from registry.processes import KILLED

_JOB = """
import json, os, signal, subprocess, time, types, sys

def run(channel, heed_stops):
    asked = json.loads(channel.recv_bytes(1000))["what"]
    stopped = []
    signal.signal(signal.SIGTERM, lambda *_: stopped.append(1))
    heed_stops()
    print("printed", flush=True)
    started = subprocess.Popen(["sleep", "600"], stdin=subprocess.DEVNULL).pid
    told = {"what": asked, "pids": [os.getpid(), started], "folder": os.getcwd()}
    channel.send_bytes(json.dumps(told).encode())
    while not stopped:
        time.sleep(0.01)
    channel.send_bytes(b'{"what": "stopped"}')

sys.modules["bench.engines.job"] = bench.engines.job = types.SimpleNamespace(run=run)
"""


@pytest.fixture
def server(monkeypatch):
    """A server of processes without torch: they begin another, say both numbers, and wait."""
    before, _, after = fresh._BOOT.partition("from ")
    monkeypatch.setattr(fresh, "_BOOT", f"{before}import bench.engines\n{_JOB}\nfrom {after}")
    server = FreshServer()
    yield server
    server.close()


def _begun(server):
    begun = server.begin()
    send(begun.connection, "job")
    assert begun.wait_for_message(), os.read(begun.output, 10_000).decode()
    return begun, receive(begun.connection)


def _end(begun):
    begun.kill()
    code = begun.wait(30)
    begun.close()
    os.close(begun.output)
    return code


def _gone(*numbers):
    until = time.monotonic() + 30
    while any(map(_runs, numbers)) and time.monotonic() < until:
        time.sleep(0.01)
    return not any(map(_runs, numbers))


def _runs(pid):
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_trial_runs_where_it_was_asked_for(server, tmp_path, monkeypatch):
    """Its paths may be relative, whatever folder its process was begun in; it prints apart."""
    monkeypatch.chdir(tmp_path)
    begun, told = _begun(server)
    printed = os.read(begun.output, 100)
    _end(begun)

    assert Path(told["folder"]) == tmp_path.resolve()
    assert printed.split() == [b"printed"]


def test_what_a_trial_has_begun_is_killed_with_it(server):
    """Its whole process group, or where there is none, all that come from it."""
    begun, told = _begun(server)
    code = _end(begun)

    assert code == KILLED
    assert _gone(*told["pids"])


def test_what_outlives_its_trial_is_killed(server):
    """The trial may have ended by itself."""
    begun, told = _begun(server)
    psutil.Process(begun.pid).kill()
    begun.wait(30)
    _end(begun)

    assert _gone(*told["pids"])


@pytest.mark.parametrize("early", [False, True])
def test_a_stop_is_a_signal_to_the_trial(server, early):
    """Also one that comes before the job."""
    if early:
        begun = server.begin()
        begun.ask_to_stop()
        send(begun.connection, "job")
        receive(begun.connection)
    else:
        begun, _ = _begun(server)
        begun.ask_to_stop()
    said = receive(begun.connection)
    _end(begun)

    assert said == {"what": "stopped"}


def test_a_trial_ends_with_its_parent(server):
    """The system closes the pipe of a parent that was killed."""
    begun, _ = _begun(server)
    begun.connection.close()
    code = begun.wait(30)
    _end(begun)

    assert code == 1


def test_a_process_that_cannot_start_ends_with_its_reason(server, monkeypatch):
    """Nobody waits for it without an end."""
    monkeypatch.setattr(fresh, "_BOOT", "raise SystemExit('no torch here')")
    server.close()
    begun = server.begin()
    with pytest.raises((OSError, EOFError)):  # noqa: PT012
        send(begun.connection, "job")
        receive(begun.connection)
    code, said = begun.wait(30), os.read(begun.output, 100)
    _end(begun)

    assert (code, said.strip()) == (1, b"no torch here")


def test_messages_pass_in_both_ways_whole(tmp_path):
    """A part of a message is none; one that is too long is an error."""
    from bench.engines.channel import PipeChannel

    (reading, theirs), (mine, writing) = os.pipe(), os.pipe()
    one = PipeChannel(os.fdopen(reading, "rb"), os.fdopen(writing, "wb"))
    other = PipeChannel(os.fdopen(mine, "rb"), os.fdopen(theirs, "wb"))
    one.send_bytes(json.dumps([1] * 100_000).encode())
    other.send_bytes(b"short")
    long, short = other.recv_bytes(10**6), one.recv_bytes(5)
    other.send_bytes(b"too long")
    with pytest.raises(OSError, match="too long"):
        one.recv_bytes(5)
    os.write(other._writing.fileno(), b"\0\0\0\0\0\0\0\x09half")
    other.close()

    assert (len(long), short) == (300_000, b"short")
    for _ in "ab":  # the end stays one
        with pytest.raises(EOFError):
            one.recv_bytes(100)
