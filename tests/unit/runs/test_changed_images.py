from __future__ import annotations

import pytest
from drawn_folder import draw_folder, noise

from bench.runs import execute as execution
from bench.runs.execute import run
from registry.exit_codes import ExitCode

_GIVEN = {"epochs": 1, "progress": False, "cache": False, "split": "kfold:2", "batch_size": 4}


@pytest.fixture
def result_of(tmp_path, monkeypatch):
    """Runs two folds without a cache; `harm` meets the images once they are planned."""

    def make(harm, **options):
        plan = execution.make_plan

        def harmed(*arguments):
            made = plan(*arguments)
            harm(made.splits)
            return made

        monkeypatch.setattr(execution, "make_plan", harmed)
        folder = draw_folder(tmp_path / "drawn")
        return run(["lenet5"], folder, runs=tmp_path / "runs", **_GIVEN, **options)

    return make


def _replace(image):
    noise(99).save(image.file.path, "JPEG")


@pytest.mark.parametrize("isolate", [True, False])
def test_a_trial_whose_image_is_replaced_fails_by_name(result_of, isolate):
    """With a process of its own or without, and the exit code says that none succeeded."""
    changed = []
    results = result_of(
        lambda splits: (changed.append(splits.of(1).test[0]), _replace(changed[0])),
        isolate=isolate,
    )

    assert {record.status for record in results.records} == {"failed"}
    assert len(results.records) == 2
    for record in results.records:
        assert f"{changed[0].file.name} changed after it was checked: " in record.error
    assert results.exit_code == ExitCode.NOTHING_MEASURED


def test_a_trial_whose_image_is_removed_fails_by_name(result_of):
    """The system's reason is told."""
    results = result_of(lambda splits: splits.of(1).test[0].file.path.unlink(), isolate=False)

    assert all("cannot read Cat/cat." in record.error for record in results.records)
    assert all("No such file" in record.error for record in results.records)


def test_an_image_replaced_after_its_trial_costs_only_the_picture(result_of, tmp_path, monkeypatch):
    """The predictions are of the checked image, so they stay; no grid shows another."""
    write = execution.write_trial

    def harmful(*given):
        write(*given)
        for path in tmp_path.glob("drawn/*/*.jpg"):
            noise(99).save(path, "JPEG")

    monkeypatch.setattr(execution, "write_trial", harmful)
    results = result_of(lambda splits: None, isolate=False)

    assert [record.status for record in results.records] == ["ok", "failed"]
    assert results.exit_code == ExitCode.FAILED
    assert not list(results.folder.rglob("test-images.png"))
