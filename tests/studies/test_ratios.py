from __future__ import annotations

import importlib.util
import json
import subprocess
import sys

import pytest
from paths import TESTS

_PATH = TESTS / "benchmarks" / "ratios.py"
_SPEC = importlib.util.spec_from_file_location("ratios", _PATH)
ratios = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(ratios)


def _saved(path, **benchmarks):
    told = {
        "datetime": "2026-01-02T03:04:05",
        "machine_info": {
            "cpu": {"brand_raw": "A processor", "count": 2},
            "system": "Linux",
            "python_version": "3.11",
        },
        "benchmarks": [{"name": "test_list", "extra_info": {}}]
        + [
            {
                "name": name,
                "extra_info": {
                    "ratio": ratio,
                    "ratios": [ratio],
                    "cpu_ratio": ratio,
                    "reference": "plain",
                },
            }
            for name, ratio in benchmarks.items()
        ],
    }
    path.write_text(json.dumps(told))
    return path


def _compare(tmp_path, before, now):
    return subprocess.run(
        [
            sys.executable,
            str(_PATH),
            "compare",
            str(_saved(tmp_path / "before.json", **before)),
            str(_saved(tmp_path / "now.json", **now)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("now", [2.0, 1.81, 5.0])
def test_a_ratio_within_ten_percent_passes(tmp_path, now):
    """Noise, and getting faster, are no regression."""
    assert _compare(tmp_path, {"test_step": 2.0}, {"test_step": now}).returncode == 0


def test_a_worse_ratio_fails_and_is_named(tmp_path):
    """Another 1 % and the comparison fails, with both ratios."""
    before = {"test_step": 2.0, "test_fine": 1.0}
    done = _compare(tmp_path, before, {"test_step": 1.79, "test_fine": 1.0})

    assert done.returncode == 1
    assert done.stderr.strip() == "test_step: 1.79, was 2.00 (-10%)"


def test_a_benchmark_that_is_gone_fails(tmp_path):
    """Nothing gets faster by not being measured."""
    done = _compare(tmp_path, {"test_step": 2.0}, {})

    assert (done.returncode, done.stderr.strip()) == (1, "test_step: not measured")


def test_a_missing_run_says_how_to_make_one(tmp_path):
    """One line instead of a traceback."""
    done = subprocess.run(
        [sys.executable, str(_PATH), "table", str(tmp_path / "none.json")],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "make one by `make benchmark`" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_table_is_put_between_its_markers(tmp_path):
    """What stands around them stays; a second time replaces the first."""
    page = tmp_path / "page.md"
    page.write_text(f"before\n{ratios._BEGIN}\nold\n{ratios._END}\nafter\n")
    run = _saved(tmp_path / "run.json", test_step=2.0)
    for _ in range(2):
        subprocess.run(
            [sys.executable, str(_PATH), "table", str(run), "--into", str(page)], check=True
        )
    text = page.read_text()

    assert "| step | plain | 2.00 | 2.00 to 2.00 | 2.00 | 1 |" in text
    assert "old" not in text
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert text.count("| step |") == 1
