from __future__ import annotations

import shutil
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from followed import trained
from PIL import Image

import bench
from bench.data.find import ImageFile
from bench.followup import explain as module
from bench.followup.explain_report import Explained, report_explanations
from bench.followup.explained_images import explained_images
from bench.followup.explanations import Explanations
from bench.followup.heat_picture import heat_layer, shown_picture
from bench.report.followup_file import read_followup
from registry.errors import DataError, RunError


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of two tiny networks with one seed."""
    return trained(tmp_path_factory.mktemp("explained"))


@pytest.fixture(scope="module")
def found(run):
    """What `bench.explain` returns of it."""
    return bench.explain(run, progress=False, trust=True)


@pytest.mark.pages
def test_each_model_has_a_map_of_each_contested_image(run, found):
    """And of its own mistakes; the page shows each beside the image."""
    wanted = explained_images(bench.load(run))
    made = {(each["model"], each["image"]) for each in found.values["maps"]}

    assert wanted.contested
    assert made == {(model, image) for model in wanted.models for image in wanted.of(model)}
    assert 'class="over"' in (run / "report.html").read_text()
    assert read_followup(run, "explain") == found


def test_both_checks_are_told_of_each_model(found):
    """Deletion beside a random order, and the likeness to random weights."""
    (table,) = found.tables

    assert table.head[3:] == ("left", "in random order", "like random")
    assert len(table.rows) == len(found.lines) == 2


def test_what_was_explained_is_not_explained_again(run, found, monkeypatch):
    """As after a kill: the maps are kept by the weights and the images."""
    monkeypatch.setattr(module, "explain_images", None)

    assert bench.explain(run, progress=False, trust=True) == found


def test_a_killed_command_does_the_rest(run, tmp_path, monkeypatch):
    """The first model is kept before the second is asked."""
    copy = shutil.copytree(run, tmp_path / run.name)
    shutil.rmtree(copy / "followups", ignore_errors=True)
    asked = []

    def explain_images(*arguments):
        if asked:
            raise KeyboardInterrupt
        asked.append(arguments)
        return kept(*arguments)

    kept = module.explain_images
    monkeypatch.setattr(module, "explain_images", explain_images)
    with pytest.raises(KeyboardInterrupt):
        bench.explain(copy, progress=False, trust=True)
    bench.explain(run=copy, progress=False, trust=True) if False else None
    monkeypatch.setattr(
        module, "explain_images", lambda *given: asked.append(given) or kept(*given)
    )
    bench.explain(copy, progress=False, trust=True)

    assert len(asked) == 2


def test_own_photographs_come_first(run, tmp_path):
    """Each with a map of every model; what is no picture is refused by its name."""
    mine = tmp_path / "mine.png"
    Image.new("RGB", (40, 30), "orange").save(mine)
    found = bench.explain(run, [mine], progress=False, trust=True)
    text = tmp_path / "text.jpg"
    text.write_text("no picture")

    assert found.galleries[0].title == f"Your photograph {mine}"
    assert len(found.galleries[0].pictures) == 3
    with pytest.raises(DataError, match=r"cannot read .*text\.jpg"):
        bench.explain(run, [text], progress=False, trust=True)


def test_folds_are_explained_by_the_network_that_tested_the_image(tmp_path):
    """Each image by one of them, which did not train on it."""
    run = trained(tmp_path, each=12, split="kfold:2", epochs=1)
    found = bench.explain(run, progress=False, trust=True)
    made = [(each["model"], each["image"]) for each in found.values["maps"]]

    assert len(made) == len({*made})


def test_missing_weights_are_refused(run, tmp_path):
    """In one line."""
    copy = shutil.copytree(run, tmp_path / run.name)
    next(copy.rglob("weights.safetensors")).unlink()

    with pytest.raises(RunError, match="lacks the weights of 1 of 2 networks"):
        bench.explain(copy, progress=False, trust=True)


def _explained(model, left, at_random, like):
    """Return explanations of as many images, whose checks have these values."""
    count = len(left)
    files = [ImageFile(path=Path(f"{n}.jpg"), label=0, name=f"{n}.jpg") for n in range(count)]
    numbers = (np.array(each, np.float32) for each in (left, at_random, like))
    checks = dict(zip(("left", "left_at_random", "like_random"), numbers, strict=True))
    found = Explanations(
        method="made",
        maps=np.ones((count, 2, 2), np.float32),
        predicted=np.zeros(count, np.int64),
        probability=np.ones(count, np.float32),
        **checks,
    )
    return Explained(model=model, images=tuple(files), found=found)


@pytest.mark.parametrize(
    ("left", "at_random", "like", "kind", "told"),
    [
        ([0.2, 0.3, 0.2], [0.6, 0.7, 0.7], [0.1, 0, 0], "better", "23 % of the probability"),
        ([0.6, 0.7, 0.6], [0.6, 0.6, 0.7], [0.1, 0, 0], "failed", "no better than a random order"),
        ([0.2, 0.3, 0.2], [0.6, 0.7, 0.7], [0.9, 1, 1], "failed", "like those of random weights"),
    ],
)
def test_maps_that_fail_a_check_are_not_to_be_read(run, left, at_random, like, kind, told):
    """A line says so, for each model."""
    results = bench.load(run)
    wanted = explained_images(results)
    model, label = next(iter(wanted.models.items()))
    wanted = replace(wanted, models={model: label}, mistakes={model: ()})
    explained = _explained(model, left, at_random, like)
    followup, _ = report_explanations(
        results, (), wanted, [explained], lambda file: np.zeros((20, 20, 3), np.uint8)
    )

    assert followup.lines[0].kind == kind
    assert told in followup.lines[0].text
    assert ("passes both" in followup.title) is (kind == "better")


def test_a_layer_is_red_where_the_map_is_highest():
    """Clear where nothing speaks for the class, or something against it."""
    layer = Image.open(BytesIO(heat_layer(np.array([[1.0, -1.0]], np.float32), (3, 32, 64))))
    colours = np.asarray(layer.convert("RGBA"))

    assert layer.size == (40, 20)
    assert colours[0, 0].tolist() == [214, 40, 40, 191]
    assert colours[0, -1, 3] == 0


def test_the_picture_is_what_the_network_sees():
    """Its middle, in the proportions of the input."""
    picture = np.zeros((100, 300, 3), np.uint8)
    picture[:, 100:200] = 255
    shown = np.asarray(Image.open(BytesIO(shown_picture(picture, (3, 32, 32)))))

    assert shown.shape == (160, 160, 3)
    assert shown.min() > 200
