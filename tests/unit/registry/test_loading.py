"""Plugins whose import hangs, or changes the process that all share."""

from __future__ import annotations

import os
import sys
import threading
import time
from contextlib import redirect_stderr, suppress
from dataclasses import replace
from io import StringIO
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from claims import claim

from registry.catalog import ARCHITECTURES, Catalog
from registry.errors import ConstructionError, RegistryError
from registry.import_changes import undone_changes
from registry.import_process import innermost
from registry.loading import Loader
from registry.patience import Patience

_NET = (
    "\nfrom registry import Architecture, Contract\nNET = Architecture(name='{name}', "
    "constructor='{name}:Net', contract=Contract(input_shape=(3, 8, 8), output_shape=(2,), "
    "parameters=1))\n"
)
_HANGING = {
    "sleeping": "import time\ntime.sleep(3600)",
    "deadlocked": "import threading\nlock = threading.Lock()\nlock.acquire()\nlock.acquire()",
    "spinning": "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
    "blocking": "import ctypes\nctypes.PyDLL(None).sleep(3600)",  # it holds Python's lock
    "joining": "import threading, time\nother = threading.Thread(target=time.sleep, args=[3600])\n"
    "other.start()\nother.join()",
}
_CHANGING = {
    "setter": (
        "import os, random, signal\nos.environ['OMP_NUM_THREADS'] = '77'\n"
        "os.environ['MINE'] = 'x'\ndel os.environ['THEIRS']\nos.chdir('/')\nos.umask(0)\n"
        "signal.signal(signal.SIGTERM, lambda *found: None)\nrandom.seed = lambda *seed: None",
        "environment variables of threads and devices: OMP_NUM_THREADS; "
        "environment variables: MINE, THEIRS; the working directory: FOLDER, now /; "
        "signal handlers; the umask: 022, now 000; "
        "functions of Python that it replaced: random.seed",
    ),
    "closer": ("import os\nos.close(1)", "the descriptors 0 to 2"),
    "turner": (
        "import os\nos.dup2(os.open(os.devnull, os.O_WRONLY), 2)",
        "the descriptors 0 to 2",
    ),
    "starter": (
        "import threading, time\n"
        "threading.Thread(target=time.sleep, args=[3600], name='mine').start()",
        "threads that still run: mine",
    ),
}
_ENDING = {
    "asking": ("input()", "EOFError: EOF when reading a line"),
    "leaving": (
        "import os\nos._exit(7)",
        "its import ends the process that loads it (exit code 7)",
    ),
    "interrupting": ("raise KeyboardInterrupt", "KeyboardInterrupt"),
    "closing_all": (
        "import os\nos.closerange(0, 4096)",
        "its import ends the process that loads it (exit code 1)",
    ),
}
_SOUND = ("first", "last")


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """What a list of all these plugins has: entries by name, lines on stderr, changes here."""
    folder = tmp_path_factory.mktemp("nasty")
    codes = {name: code for name, (code, _) in {**_CHANGING, **_ENDING}.items()}
    codes |= _HANGING | dict.fromkeys(_SOUND, "")
    for name, code in codes.items():
        (folder / f"{name}.py").write_text(code + _NET.format(name=name))
    said, umask = StringIO(), os.umask(0o022)
    with pytest.MonkeyPatch.context() as patch, redirect_stderr(said):
        patch.syspath_prepend(folder)
        patch.chdir(folder)
        patch.setenv("THEIRS", "x")
        patch.setenv("ZOO_IMPORT_SECONDS", "0.2")
        before = _shared()
        claims = [claim(name, f"{name}:NET", name, ARCHITECTURES.group) for name in codes]
        entries = {entry.name: entry for entry in Catalog(claims).entries()}
        after = _shared()
        held = psutil.Process().children()
    os.umask(umask)
    lines = said.getvalue().replace(str(folder), "FOLDER").splitlines()
    return SimpleNamespace(entries=entries, lines=lines, before=before, after=after, held=held)


def _shared() -> tuple[object, ...]:
    files = tuple((os.fstat(each).st_dev, os.fstat(each).st_ino) for each in range(3))
    streams = sys.stdout, sys.stderr
    return Path.cwd(), dict(os.environ), files, streams, threading.enumerate(), list(sys.path)


@pytest.mark.parametrize("name", _HANGING)
def test_a_plugin_whose_import_hangs_is_a_row_with_the_line(loaded, name):
    """However it hangs: asleep, locked, computing, in C, or waiting for a thread."""
    broken = loaded.entries[name].broken

    assert broken.startswith("its import does not end: it did nothing new for 0.2 s")
    assert "if it is only slow, set ZOO_IMPORT_SECONDS to more" in broken
    assert f"({name}.py:" in broken


@pytest.mark.parametrize("name", _ENDING)
def test_a_plugin_that_ends_its_process_or_asks_is_a_row(loaded, name):
    """It has no input to read, and cannot end ours."""
    assert loaded.entries[name].broken == _ENDING[name][1]


@pytest.mark.parametrize("name", _CHANGING)
def test_a_change_at_import_is_said_in_one_line(loaded, name):
    """The line names the plugin and all that it changed; its network can be used."""
    (line,) = [line for line in loaded.lines if f" {name} 1.0 " in line]

    assert line == (
        f"zoo: {name} 1.0 changed its process at import, which is undone: {_CHANGING[name][1]}"
    )
    assert loaded.entries[name].value.name == name


@pytest.mark.parametrize("name", _SOUND)
def test_innocent_plugins_beside_them_are_loaded_in_silence(loaded, name):
    """Whether they come before or after."""
    assert loaded.entries[name].value.constructor == f"{name}:Net"
    assert not [line for line in loaded.lines if name in line]


def test_this_process_is_as_before(loaded):
    """Folder, environment, descriptors, streams, threads and paths."""
    assert loaded.after == loaded.before


def test_no_plugin_is_imported_in_this_process(loaded):
    """So what one leaves behind is in no run, and no check, of another model."""
    assert not {*_HANGING, *_CHANGING, *_ENDING, *_SOUND} & sys.modules.keys()


def test_a_sound_plugin_is_not_imported_here_either(tmp_path, monkeypatch):
    """What comes back is its value."""
    (tmp_path / "sound.py").write_text("NUMBER = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    found = Loader().load(
        claim("sound", "sound:NUMBER", "sound", ARCHITECTURES.group), "sound", int
    )

    assert found.found == 1
    assert "sound" not in sys.modules


def test_another_model_needs_no_plugin(tmp_path, monkeypatch):
    """Who asks for one model loads no other plugin, in no process."""
    (tmp_path / "marking.py").write_text("open('imported', 'w')\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    theirs = claim("marking", "marking:NET", "marking", ARCHITECTURES.group)
    ours = claim("lenet", "zoo:LENET", "zoo-bench", ARCHITECTURES.group)
    Catalog([theirs, ours]).get("lenet")

    assert not Path("imported").exists()


def test_a_loader_leaves_no_process(tmp_path, monkeypatch):
    """Nor what a plugin has started."""
    code = "import subprocess\nCHILD = subprocess.Popen(['sleep', '1000']).pid\n"
    (tmp_path / "bearing.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    loader = Loader()
    before = psutil.Process().children()
    loader.load(claim("bearing", "bearing:CHILD", "bearing", ARCHITECTURES.group), "bearing", int)
    (started,) = [each for each in psutil.Process().children() if each not in before]
    (left,) = started.children()
    loader.close()

    assert not psutil.pid_exists(started.pid)
    assert _has_ended(left)


def _has_ended(process):
    """Wait for a process that was killed; what adopted it may not have heard of it."""
    for _ in range(100):
        with suppress(psutil.NoSuchProcess):
            if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                time.sleep(0.05)
                continue
        return True
    return False


def test_the_next_plugin_gets_a_process_of_its_own(tmp_path, monkeypatch):
    """What one has changed is no part of what another finds, even a thread."""
    monkeypatch.syspath_prepend(tmp_path)
    codes = {"runner": _CHANGING["starter"][0], "counter": "import threading"}
    for name, code in codes.items():
        (tmp_path / f"{name}.py").write_text(f"{code}\nCOUNT = threading.active_count()\n")
    loader = Loader()
    claims = [claim(name, f"{name}:COUNT", name, ARCHITECTURES.group) for name in codes]
    found = [loader.load(each, each.name, int).found for each in claims]

    assert found[1] == found[0] - 1


def test_a_value_with_parts_of_the_plugins_own_is_loaded_here(tmp_path, monkeypatch):
    """Its class is known in the plugin alone; what it changes here is undone."""
    code = (
        "import os\nos.environ['OWN'] = 'x'\nfrom registry import Contract\n"
        "class Own(Contract): pass\n"
        "NET = Own(input_shape=(3, 8, 8), output_shape=(2,), parameters=1)\n"
    )
    (tmp_path / "owning.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    from registry import Contract

    owning = claim("owning", "owning:NET", "owning", ARCHITECTURES.group)
    found = Loader().load(owning, "owning", Contract)

    assert type(found.found).__name__ == "Own"
    assert found.changes == ("environment variables: OWN",)
    assert "OWN" not in os.environ


def test_a_limit_that_is_no_number_is_refused(monkeypatch):
    """It is one line that says what is wrong."""
    monkeypatch.setenv("ZOO_IMPORT_SECONDS", "soon")
    theirs = claim("theirs", "nowhere:NET", "theirs", ARCHITECTURES.group)

    with pytest.raises(RegistryError, match="ZOO_IMPORT_SECONDS must be a number of seconds above"):
        Catalog([theirs]).entries()


def _process(monkeypatch, status, computed):
    """Let any process have this status, and a new processor time at each look."""
    times = iter(computed)
    process = SimpleNamespace(
        status=lambda: status, cpu_times=lambda: SimpleNamespace(user=next(times), system=0.0)
    )
    clock = iter(range(0, 1000, 10))
    monkeypatch.setattr(psutil, "Process", lambda pid: process)
    monkeypatch.setattr("registry.patience.time.monotonic", lambda: next(clock))


@pytest.mark.parametrize(
    ("status", "computed", "spent"),
    [
        ("sleeping", (1, 1, 1), 30),
        ("disk-sleep", (1, 1, 1), 0),
        ("running", (1, 1.5, 2), 1),
        ("running", (1, 99, 199), 20),
    ],
    ids=["asleep", "disk", "loaded", "computing"],
)
def test_only_what_a_process_wastes_itself_counts(monkeypatch, status, computed, spent):
    """A slow import on a loaded machine is not taken for one that hangs."""
    _process(monkeypatch, status, computed)
    patience = Patience(1)
    for _ in computed:
        found = patience.after_a_look()

    assert found == spent


def test_a_new_module_begins_the_count_anew(monkeypatch):
    """An import of many modules may take long."""
    _process(monkeypatch, "sleeping", (1, 1, 1))
    patience = Patience(1)
    patience.after_a_look()
    patience.renew()

    assert patience.after_a_look() == 10


def test_the_place_is_that_of_the_main_thread():
    """Lines of Python's own library, and other threads, do not count."""
    text = (
        'Thread 0x1 (most recent call first):\n  File "/x/other.py", line 1 in f\n'
        "Thread 0x2 (most recent call first):\n"
        f'  File "{threading.__file__}", line 9 in join\n'
        '  File "/x/mine.py", line 3 in <module>\n  File "/x/above.py", line 4 in <module>\n'
    )

    assert innermost(text) == " (mine.py:3)"


def test_changes_of_torch_are_told_and_undone():
    """Settings and functions are as before; a seed cannot be put back, and is told."""
    import torch

    forward, threads = torch.nn.Linear.forward, torch.get_num_threads()
    with torch.random.fork_rng(devices=[]), undone_changes() as changes:
        torch.set_num_threads(threads + 1)
        torch.set_default_dtype(torch.float64)
        torch.nn.Linear.forward = lambda self, images: images
    told = "; ".join(changes)

    assert torch.nn.Linear.forward is forward
    assert (torch.get_num_threads(), torch.get_default_dtype()) == (threads, torch.float32)
    assert f"torch's threads: {threads}, now {threads + 1}" in told
    assert "the default dtype: torch.float32, now torch.float64" in told
    assert "functions of torch or NumPy that it replaced: " in told
    assert "torch.nn.Linear.forward" in told


def test_what_a_library_changes_at_its_own_import_is_not_told(tmp_path, monkeypatch):
    """What the plugin changes before and after is."""
    (tmp_path / "sklearn.py").write_text("import os\nos.environ['THEIRS'] = 'x'\n")
    monkeypatch.syspath_prepend(tmp_path)
    kept = sys.modules.pop("sklearn", None)
    with undone_changes() as changes:
        os.environ["BEFORE"] = "x"
        __import__("sklearn")
        os.environ["AFTER"] = "x"
    del sys.modules["sklearn"]
    sys.modules.update({"sklearn": kept} if kept else {})

    assert changes == ["environment variables: AFTER, BEFORE"]
    assert os.environ.pop("THEIRS") == "x"


def test_a_network_that_changes_the_folder_at_import_is_undone_and_said(
    tmp_path, monkeypatch, capsys
):
    """Its module is imported where it is built, and other networks are built there, too."""
    (tmp_path / "moving.py").write_text(
        "import os\nos.chdir('/')\nos.environ['KEPT'] = 'x'\nNet = 1"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KEPT", "")
    architecture = replace(Catalog.installed().get("lenet").value, constructor="moving:Net")
    with pytest.raises(ConstructionError, match="is a int, not callable"):
        architecture.load()

    assert Path.cwd() == tmp_path
    assert os.environ["KEPT"] == "x"  # a library of its own may need it
    assert "moving:Net changed its process at import, which is undone: the working directory" in (
        capsys.readouterr().err
    )
