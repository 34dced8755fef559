from __future__ import annotations

import os
import subprocess
import sys
import time

import psutil
import pytest
from drawn_folder import noise
from PIL import Image

from bench.data.check import check
from bench.data.decode_pool import examine, thumbnails
from bench.data.facts import Facts, Flaw
from bench.data.find import find
from bench.data.given_pictures import read_given
from bench.data.sandbox import SandboxedProcess
from bench.data.validation_cache import ValidationCache
from registry.errors import DataError

# An examiner's Python runs `sitecustomize` from our sys.path: a decoder that does what a file's
# last bytes say, with nothing in the shipped code that knows of it.
_STAND_IN = """
import ctypes, os, signal, subprocess, time
from PIL import Image
real, poisoned = Image.open, []

def open_(fp, *args, **kwargs):
    end = fp.getvalue()[-6:]
    if end == b"_HANG_":
        if mark := os.environ.get("HANGING"):
            os.close(os.open(mark, os.O_CREAT))
        while True:
            pass
    if end == b"SLEEP_":
        time.sleep(600)
    if end == b"_STOP_":  # as a shell or a scheduler may stop a process, and have it go on
        subprocess.Popen(["sh", "-c", f"sleep 1; kill -CONT {os.getpid()}"])
        os.kill(os.getpid(), signal.SIGSTOP)
    if end == b"_ONCE_":
        try:
            os.close(os.open(os.environ["SLEPT"], os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            pass
        else:
            time.sleep(600)
    if end == b"CRASH_" or poisoned:
        ctypes.string_at(0)
    if end == b"ABORT_":
        os.abort()
    if end == b"_EXIT_":
        os._exit(7)
    if end == b"POISON":
        poisoned.append(1)
    if end == b"_HUGE_":
        bytes(2_000_000_000)  # of zeros: refused at once, or as quickly granted
    if end == b"_EAT__":
        eaten = []
        while True:
            eaten.append(b"x" * 10_000_000)
    return real(fp, *args, **kwargs)

Image.open = open_
"""
_CHECK_FOR_EVER = """
import sys
from pathlib import Path
from bench.data.decode_pool import examine
examine([Path(sys.argv[1])], seconds=600)
"""


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """Makes a readable photograph whose last bytes tell the stand-in decoder what to do."""
    (tmp_path / "stand-in").mkdir()
    (tmp_path / "stand-in" / "sitecustomize.py").write_text(_STAND_IN)
    monkeypatch.syspath_prepend(tmp_path / "stand-in")

    def make(end=b"", path=tmp_path / "a.jpg"):
        noise(1).save(path)
        path.write_bytes(path.read_bytes() + end)
        return path

    return make


def _reason(path, seconds=600.0):
    (found,) = examine([path], seconds=seconds)
    assert isinstance(found.verdict, Flaw)
    assert not found.verdict.lasts
    return found.verdict.reason


@pytest.fixture
def impatient(monkeypatch):
    """Half a second without CPU time is a hang."""
    monkeypatch.setattr("bench.data.sandbox.PATIENCE_SECONDS", 0.5)


def test_a_decoder_that_spins_is_killed_and_named(stand_in):
    """It is given up after its CPU time."""
    assert _reason(stand_in(b"_HANG_"), seconds=0.5) == "took over 0.5 s of CPU time to decode"


def test_decoder_that_sleeps_is_killed_and_named(stand_in, impatient):
    """It uses no CPU time, so the time that it waits is limited, too."""
    reason = _reason(stand_in(b"SLEEP_"))

    assert reason.startswith("its decoder did not answer in ")
    assert reason.endswith(" s, twice: is its drive slow?")


def test_decoder_that_wakes_now_and_then_is_killed(stand_in, monkeypatch):
    """What sleeps for ever in short naps has a limit as well."""
    monkeypatch.setattr("bench.data.sandbox._MOST_SECONDS", 0.5)

    assert "did not answer in 0.5 s" in _reason(stand_in(b"SLEEP_"))


def test_photograph_of_a_stopped_decoder_is_used(stand_in):
    """A second without a processor does not count: no CPU time is used."""
    (found,) = examine([stand_in(b"_STOP_")], seconds=0.4)

    assert isinstance(found.verdict, Facts)


def test_photograph_that_hung_once_is_tried_again(stand_in, impatient, monkeypatch, tmp_path):
    """Alone, in a process of its own, once; the others are told in their order."""
    monkeypatch.setenv("SLEPT", str(tmp_path / "slept"))
    first, second = stand_in(b"_ONCE_", tmp_path / "1.jpg"), stand_in(b"", tmp_path / "2.jpg")
    seen = []
    found = examine([first, second], threads=1, on_file=lambda: seen.append(1))

    assert [isinstance(each.verdict, Facts) for each in found] == [True, True]
    assert len(seen) == 2


def test_killed_process_that_never_ends_is_left(monkeypatch):
    """One that waits for a dead drive cannot even be killed: the check goes on."""
    monkeypatch.setattr("bench.data.sandbox._END_SECONDS", 0.01)
    with SandboxedProcess(8.0) as one:
        process = one._start()
        monkeypatch.setattr("os.killpg", lambda *_: None)
        monkeypatch.setattr(process, "kill", lambda: None)
        one.end()
        left = process.poll()
        monkeypatch.undo()
        process.kill()
        process.wait()

    assert left is None


@pytest.mark.parametrize(
    ("end", "how"), [(b"CRASH_", "SIGSEGV"), (b"ABORT_", "SIGABRT"), (b"_EXIT_", "exit code 7")]
)
def test_a_decoder_that_crashes_is_named(stand_in, end, how):
    """The signal that ended it, or its exit code, is the reason."""
    assert _reason(stand_in(end)) == f"crashed the decoder ({how})"


def test_a_decoder_that_eats_memory_is_stopped_and_named(stand_in):
    """It gets no more than the cap."""
    assert _reason(stand_in(b"_EAT__")) == "needs more memory than the cap of 1 GB"


def test_the_stand_in_decodes_what_has_no_mark(stand_in):
    """The tests above fail for their marks, not for the stand-in."""
    (found,) = examine([stand_in()])

    assert isinstance(found.verdict, Facts)


def test_after_each_death_the_others_are_used(drawn, stand_in, impatient):
    """Four bad files of 28: 24 used, each of the four named, in one check."""
    for number, end in enumerate((b"SLEEP_", b"CRASH_", b"_HUGE_", b"_EXIT_")):
        stand_in(end, drawn / "Cat" / f"bad.{number}.jpg")

    manifest = check(find(drawn))

    assert len(manifest.images) == 24
    first, *others = (reject.reason for reject in manifest.rejects)
    assert "did not answer" in first
    assert others == [
        "crashed the decoder (SIGSEGV)",
        "needs more memory than the cap of 1 GB",
        "crashed the decoder (exit code 7)",
    ]


def test_harm_done_by_one_file_does_not_cost_the_next(stand_in, tmp_path):
    """What crashes an examiner that has seen others is tried once more in a new one."""
    first = stand_in(b"POISON", tmp_path / "first.jpg")
    second = stand_in(b"", tmp_path / "second.jpg")
    found = examine([first, second], threads=1)

    assert all(isinstance(each.verdict, Facts) for each in found)


def test_an_examiner_takes_less_than_a_gigabyte(stand_in):
    """Resident memory at its peak, as the system counts it, of the one that eats what it can."""
    code = (
        "import resource, sys; from pathlib import Path;"
        "from bench.data.decode_pool import examine;"
        "examine([Path(sys.argv[1])], seconds=600);"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)"
    )
    command = [sys.executable, "-c", code, str(stand_in(b"_EAT__"))]
    path = os.pathsep.join(sys.path)
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env=os.environ | {"PYTHONPATH": path}
    )

    assert 5e8 < int(done.stdout) < 1e9


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere an alarm ends it, later")
def test_an_examiner_dies_with_its_parent(stand_in, tmp_path):
    """Even one that hangs, so that a killed command leaves nothing running."""
    command = [sys.executable, "-c", _CHECK_FOR_EVER, str(stand_in(b"_HANG_"))]
    mark = tmp_path / "it-hangs"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "HANGING": str(mark)}
    with subprocess.Popen(command, env=environment) as parent:
        while not mark.exists():  # one that does not hang yet would end by itself
            time.sleep(0.05)
        children = psutil.Process(parent.pid).children()
        parent.kill()

    gone, alive = psutil.wait_procs(children, timeout=10)
    for each in alive:
        each.kill()
    assert (len(gone), alive) == (1, [])


def test_a_second_check_of_known_content_starts_no_process(drawn, tmp_path, monkeypatch):
    """Flaws of content are known as well as pictures."""
    (drawn / "Cat" / "page.jpg").write_text("<html>")
    (drawn / "Cat" / "empty.jpg").touch()
    ledger = ValidationCache(tmp_path / "checked.sqlite")
    first = check(find(drawn), ledger=ledger)
    monkeypatch.setattr(SandboxedProcess, "_start", lambda self: pytest.fail("started one"))

    assert check(find(drawn), ledger=ledger) == first
    assert len(first.rejects) == 2


def test_a_ledger_does_not_keep_what_may_pass(drawn, stand_in, tmp_path):
    """A time-out or a crash says nothing that lasts: the next check decodes again."""
    path = stand_in(b"_HANG_", drawn / "Cat" / "slow.jpg")
    ledger = ValidationCache(tmp_path / "checked.sqlite")
    assert check(find(drawn), ledger=ledger, seconds=0.5).rejects
    (tmp_path / "stand-in" / "sitecustomize.py").unlink()

    assert path.exists()
    assert check(find(drawn), ledger=ledger).rejects == ()


def test_examiners_that_cannot_start_are_one_error(drawn, monkeypatch):
    """Not every image is blamed for a broken installation."""
    monkeypatch.setattr("bench.data.sandbox._MODULE", "bench.data.no_such_module")

    with pytest.raises(DataError, match=r"cannot start .* exit code 1"):
        check(find(drawn))


def test_note_tells_a_transparent_picture(tmp_path):
    """Whoever checks a folder can tell how many are shown on white."""
    picture = noise(1)
    picture.save(tmp_path / "opaque.png")
    picture.putalpha(Image.linear_gradient("L").resize(picture.size))
    picture.save(tmp_path / "clear.png")
    found = examine([tmp_path / "opaque.png", tmp_path / "clear.png"])

    assert [each.note for each in found] == ["", "transparent, shown on white"]


def test_thumbnail_of_line_is_one_pixel_high(tmp_path):
    """A sheet of rejects draws what has an extreme shape, too."""
    Image.new("RGB", (20_000, 1)).save(tmp_path / "line.png")
    (line,) = thumbnails([tmp_path / "line.png"], size=100)

    assert line.size == (100, 1)


def test_names_need_not_be_utf8(tmp_path):
    """A name of any bytes reaches the examiner as it is."""
    path = os.fsencode(tmp_path) + b"/\xff\xfe\n.jpg"
    noise(1).save(tmp_path / "a.jpg")
    os.rename(tmp_path / "a.jpg", path)  # noqa: PTH104 - bytes are no Path
    (found,) = examine([tmp_path / os.fsdecode(b"\xff\xfe\n.jpg")])

    assert isinstance(found.verdict, Facts)


def test_thumbnails_show_what_can_be_drawn(tmp_path):
    """Half a photograph has a picture, a text has none."""
    noise(1, 400, 300).save(tmp_path / "whole.jpg")
    content = (tmp_path / "whole.jpg").read_bytes()
    (tmp_path / "half.jpg").write_bytes(content[: len(content) // 2])
    (tmp_path / "text.jpg").write_text("no picture")
    half, text = thumbnails([tmp_path / "half.jpg", tmp_path / "text.jpg"], size=100)

    assert (half.size, text) == ((100, 75), None)


def test_a_photo_to_predict_is_examined_first(stand_in):
    """What would crash the command is a reject with its reason, before any prediction."""
    given = read_given([stand_in(b"CRASH_")])

    assert given.pictures == ()
    assert given.rejects[0].reason == "crashed the decoder (SIGSEGV)"
