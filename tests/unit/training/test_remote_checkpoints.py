from __future__ import annotations

import fsspec
import pytest
import torch

import bench
from bench.runs.request import Request
from bench.runs.resolve import resolve_request
from bench.training.checkpoint import Checkpoints
from registry.errors import RunError


@pytest.fixture(params=["{}/place/trial", "memory://{}/trial"])
def url(request, tmp_path):
    """A mounted folder, and a store that is none."""
    return request.param.format(tmp_path)


def _state(number):
    return {"weights": torch.full((3,), float(number)), "number": number}


def _silent(text):
    raise AssertionError(text)


def test_another_machine_goes_on(url, tmp_path):
    """What one machine has saved, another with an empty folder loads, the newest first."""
    here = Checkpoints(tmp_path / "here", url)
    for number in range(4):
        here.save(_state(number))
    there = Checkpoints(tmp_path / "there", url)

    found = there.load(_silent)
    assert found["number"] == 3
    assert torch.equal(found["weights"], _state(3)["weights"])
    assert len(list((tmp_path / "there").glob("*.pt"))) == 2


def test_the_newer_of_both_is_taken(url, tmp_path):
    """A trial that came back to a machine does not go on from what it had there before."""
    here, there = (Checkpoints(tmp_path / name, url) for name in ("here", "there"))
    here.save(_state(1))
    there.load(_silent)
    there.save(_state(2))

    assert here.load(_silent)["number"] == 2
    alone = Checkpoints(tmp_path / "there")
    alone.save(_state(3))  # newer than what is shared
    assert there.load(_silent)["number"] == 3


def test_two_are_kept_and_none_after_the_end(url, tmp_path):
    """Old ones go from the place as from the folder; an ended trial leaves nothing there."""
    here = Checkpoints(tmp_path / "here", url)
    for number in range(5):
        here.save(_state(number))
    system, root = fsspec.url_to_fs(url)
    names = sorted(path.rsplit("/", 1)[-1] for path in system.ls(root, detail=False))

    assert len(names) == 3
    assert names[-1] == "last.json"
    here.clear()
    assert not system.exists(root)


def test_what_was_altered_there_is_passed_over(url, tmp_path):
    """A flipped bit in the newest costs the steps since the one before, and is said."""
    here = Checkpoints(tmp_path / "here", url)
    for number in range(2):
        here.save(_state(number))
    system, root = fsspec.url_to_fs(url)
    newest = max(path for path in system.ls(root, detail=False) if path.endswith(".pt"))
    content = bytearray(system.cat_file(newest))
    content[len(content) // 2] ^= 1
    system.pipe_file(newest, bytes(content))
    said = []

    assert Checkpoints(tmp_path / "there", url).load(said.append)["number"] == 0
    assert "damaged" in said[0]


def test_a_place_that_fails_costs_no_checkpoint(tmp_path):
    """Where it can't be written to, that is an error, and the trial's own folder has it all."""
    (tmp_path / "file").write_text("no folder")
    here = Checkpoints(tmp_path / "here", str(tmp_path / "file"))

    with pytest.raises(OSError, match="file"):
        here.save(_state(1))
    said = []
    assert here.load(said.append)["number"] == 1


def test_a_pointer_that_leads_elsewhere_leads_nowhere(tmp_path):
    """Names from a place are of files in the trial's own folder, whatever they say."""
    place = tmp_path / "place"
    Checkpoints(tmp_path / "here", str(place)).save(_state(1))
    pointer = place / "last.json"
    pointer.write_text(pointer.read_text().replace('"file": "', '"file": "../../'))
    said = []

    assert Checkpoints(tmp_path / "there", str(place)).load(said.append) is None
    assert not list(tmp_path.glob("*.pt"))
    assert said


@pytest.mark.parametrize("url", ["nowhere://bucket/x", "s3://bucket/x"])
def test_an_unknown_place_is_one_line(url):
    """What fsspec does not know, or lacks the package for, is told before anything is trained."""
    with pytest.raises(RunError, match="--checkpoints "):
        Request(models=("lenet5",), checkpoints=url)


def test_a_folder_is_kept_whole(tmp_path, monkeypatch):
    """The run goes on with the same place from another folder."""
    monkeypatch.chdir(tmp_path)
    request = resolve_request(Request(models=("lenet5",), checkpoints="place")).request

    assert request.checkpoints == str(tmp_path / "place")
    assert (
        resolve_request(Request(models=("lenet5",), checkpoints="memory://x")).request.checkpoints
        == "memory://x"
    )


def test_a_run_leaves_nothing_there(drawn, tmp_path):
    """Checkpoints are written to the place while a trial runs, by its own process, and then go."""
    place = tmp_path / "place"
    results = bench.run(
        ["lenet5"],
        drawn,
        runs=tmp_path / "runs",
        epochs=2,
        checkpoints=str(place),
        checkpoint_every="1",
        progress=False,
    )

    assert results.exit_code == 0
    (run,) = place.iterdir()
    assert run.name == results.folder.name
    assert list(run.iterdir()) == []
