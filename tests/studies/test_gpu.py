"""`make gpu` without a GPU: the script's own steps, with a tiny network."""

from __future__ import annotations

import json
import os
import time

import gpu
import gpu_page
import pytest
from gpu_process import NotRunError, in_a_process
from paths import ROOT
from warm import warm


@pytest.mark.usefixtures("all_cores")
def test_the_steps_run_on_a_cpu(tmp_path, drawn):
    """Each is ok or says why not; figures and page have the same."""
    script = ROOT / "tests" / "studies" / "gpu.py"
    arguments = ["--device", "cpu", "--data", drawn, "--into", tmp_path]
    done = warm().run([script, *arguments], cwd=tmp_path)
    whole = json.loads((tmp_path / "gpu.json").read_text())
    statuses = {name: outcome["status"] for name, outcome in whole["steps"].items()}
    found = {name: outcome["found"] for name, outcome in whole["steps"].items()}
    skipped = {"out_of_memory", "target"}

    assert done.returncode == 0, done.stdout + done.stderr
    assert statuses == {name: "not run" if name in skipped else "ok" for name in statuses}
    assert found["repeat"]["same_weights"]
    assert found["resume"]["same_weights"]
    assert found["resume"]["resumed"] == 1
    assert [row["loop"] for row in found["throughput"]] == ["zoo", "plain", "timm"]
    assert "### throughput" in (tmp_path / "gpu.md").read_text()


def _break(given):
    raise ValueError(f"{given} is broken\nand more")


def _leave(given):
    raise NotRunError(given)


@pytest.mark.parametrize(
    ("step", "status", "why"),
    [
        (_break, "failed", "ValueError: this is broken"),
        (_leave, "not run", "this"),
        (lambda given: os._exit(7), "failed", "its process ended with exit code 7"),
        (lambda given: time.sleep(60), "failed", "stopped after 0 s"),
        (lambda given: given, "ok", ""),
    ],
    ids=["raises", "makes no sense", "ends", "hangs", "works"],
)
def test_a_step_that_fails_ends_nothing_else(step, status, why):
    """Whatever it does, it is one row with its reason."""
    outcome = in_a_process(step, "this", seconds=0.2 if "stopped" in why else 30)

    assert (outcome["status"], outcome["why"]) == (status, why)


def test_the_page_says_that_nothing_was_measured():
    """Until somebody runs it where there is a GPU."""
    page = (ROOT / "docs" / "gpu.md").read_text(encoding="utf-8")

    assert page.startswith(gpu_page.HEAD)
    assert (page == gpu_page.page(None)) is not (ROOT / "docs" / "gpu.json").exists()


def test_what_a_bare_machine_lacks_is_named(monkeypatch, capsys):
    """By the names of packages, before anything of theirs is imported."""
    monkeypatch.setattr(gpu.importlib.util, "find_spec", lambda name: name != "cv2" or None)

    assert gpu.main([]) == 2
    assert "not installed: opencv-python; docs/gpu.md" in capsys.readouterr().out
