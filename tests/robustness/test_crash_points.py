from __future__ import annotations

from paths import TESTS, run_python

_LIAR = """
import crash_points, torch
from bench.training import checkpoint
torch.set_num_threads(1)
checkpoint.write_text = lambda path, text: path.write_text(text)  # in place: may be half there
crash_points.crash_points()
"""


def test_every_point_leaves_the_old_or_the_new():
    """Killed, or without room, before each write: nothing acknowledged is lost, nothing is torn."""
    done = run_python(str(TESTS / "robustness" / "crash_points.py"))
    tried = [int(line.split()[0].replace(",", "")) for line in done.stdout.splitlines()]

    assert done.returncode == 0, done.stderr
    assert len(tried) == 10
    assert min(tried) > 3
    assert sum(tried) > 300


def test_a_file_written_in_place_is_noticed():
    """With a liar in the place of the durable writer a point is found where something is torn."""
    done = run_python("-c", _LIAR)

    assert done.returncode == 1
    assert "AssertionError: checkpoints, point " in done.stderr
