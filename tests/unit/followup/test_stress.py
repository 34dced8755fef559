"""`bench.stress`: what corrupted tests find, and that they are resumed and repeated exactly."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from followed import trained
from safetensors.numpy import load_file

import bench
from bench.data.transform import evaluation_pixels
from bench.followup import corrupted_tests
from bench.followup.corrupted_tests import CorruptedDataset
from bench.followup.corruptions import CORRUPTIONS
from bench.followup.finished_run import FinishedRun, finished_run
from bench.runs.progress import Progress
from bench.training.weights import load_network, save_weights

_GREY = [each.name for each in CORRUPTIONS].index("grey")


@pytest.fixture(scope="module")
def run(tmp_path_factory, hastened_runs):
    """A run of two tiny networks with two seeds, which was asked."""
    folder = trained(tmp_path_factory.mktemp("stress"), seeds=(0, 1))
    return folder, bench.stress(folder, progress=False)


def _asked(monkeypatch):
    """Return a list of the tests that are made from now on: corruption, severity, networks."""
    said, made = corrupted_tests._said, []

    def count(run, asked, corruption, severity, side):
        if asked:
            made.append((corruption.name, severity, len(asked)))
        return said(run, asked, corruption, severity, side)

    monkeypatch.setattr(corrupted_tests, "_said", count)
    return made


def test_accuracies_are_those_of_the_corrupted_images(run):
    """Of each model, corruption and severity, as one computes them image by image."""
    folder, found = run
    with finished_run(folder, "runs", Progress(shown=False)) as opened:
        trials = [each for each in opened.trials if each.spec.model.endswith("Means")]
        right = []
        for trial in trials:
            network, published = load_network(opened.weights(trial), files=[trial.spec.model])
            for image in opened.images(trial):
                whole = CORRUPTIONS[_GREY](opened.plan.source.full(image.file), 3, image.sha256)
                levels = evaluation_pixels(whole, (3, 16, 16)) / 255
                how = published.normalization
                pixels = torch.tensor((levels - how.mean) / how.std).permute(2, 0, 1).float()
                right.append(int(network(pixels[None]).argmax()) == image.file.label)

    model = found.values["models"][trials[0].spec.model]
    assert model["accuracy_by_severity"]["grey"][2] == pytest.approx(np.mean(right))
    assert model["clean_accuracy"] == pytest.approx(
        np.mean([trial.record.test_accuracy for trial in trials])
    )
    assert model["corrupted_accuracy_low"] < model["corrupted_accuracy"]


def test_a_second_call_asks_nothing_and_says_the_same(run, monkeypatch):
    """Byte for byte."""
    folder, found = run
    made = _asked(monkeypatch)
    before = (folder / "followups" / "stress.json").read_bytes()

    monkeypatch.setattr(FinishedRun, "network", None)
    assert bench.stress(folder, progress=False) == found
    assert (folder / "followups" / "stress.json").read_bytes() == before
    assert made == []


def test_what_a_killed_command_lacks_is_asked_alone(run, monkeypatch):
    """Here one corruption of one network; the answers are the same bytes."""
    folder, found = run
    parts = folder / "followups" / "parts" / "stress"
    lost = next(each for each in sorted(parts.iterdir()) if "said" in load_file(each))
    content = lost.read_bytes()
    lost.unlink()
    made = _asked(monkeypatch)

    assert bench.stress(folder, progress=False) == found
    assert [(severity, count) for _, severity, count in made] == [(1, 1), (2, 1), (3, 1)]
    assert len({name for name, *_ in made}) == 1
    assert lost.read_bytes() == content


def test_the_order_of_the_images_does_not_matter(run):
    """The same pixels for each image, in any order."""
    folder, _ = run
    with finished_run(folder, "runs", Progress(shown=False)) as opened:
        images = opened.images(opened.trials[0])[:6]
        view = CorruptedDataset(images=images, source=opened.plan.source, shape=(3, 16, 16),
                                corruption=CORRUPTIONS[0], severity=2, side=18)  # fmt: skip
        turned = replace(view, images=images[::-1])

        for place in range(6):
            one = view.pixels(view.picture(place), place, 0)
            other = turned.pixels(turned.picture(5 - place), 5 - place, 0)
            assert np.array_equal(one, other)


def test_only_the_network_that_used_colour_loses_by_grey(tmp_path):
    """`Colours` gets weights that see lightness alone, `Means` some that compare red with blue."""
    folder = trained(tmp_path, epochs=1)
    files = [f"{tmp_path}/tiny.py:{name}" for name in ("Colours", "Means")]
    for path in folder.rglob("weights.safetensors"):
        network, published = load_network(path, files=files)
        state = network.state_dict()
        with torch.no_grad():
            if published.model.endswith("Colours"):  # of a pixel: its luma, whatever the class
                luma = torch.tensor([0.299 * 0.229, 0.587 * 0.224, 0.114 * 0.225])
                state["1.weight"][:] = 0
                state["1.weight"][1] = luma.repeat_interleave(256)
                state["1.bias"][:] = 0
            else:
                state["2.weight"][:] = torch.tensor([[9.0, 0, -9.0], [-9.0, 0, 9.0]])
                state["2.bias"][:] = 0
        save_weights(path, state, replace(published, logits=None))
    found = bench.stress(folder, progress=False)
    light, colour = found.values["models"].values()

    assert light["accuracy_by_severity"]["grey"] == pytest.approx(
        [light["accuracy_by_severity"]["grey"][0]] * 3, abs=0.05
    )
    assert colour["accuracy_by_severity"]["grey"][0] > 0.95
    assert colour["accuracy_by_severity"]["grey"][2] < 0.7
    worst = next(row for row in found.tables[0].rows if row[0].endswith("Means"))
    assert worst[5] == "grey"


def test_a_lead_that_turns_round_is_said(run, monkeypatch):
    """Where one model loses all its answers, the other is ahead, and it is said by corruption."""
    folder, _ = run
    answers = corrupted_tests.corrupted_answers

    def planted(run, kept):
        found = answers(run, kept)
        truth = {trial.spec.id: trial for trial in run.trials}
        ahead = _ahead(run)
        return {
            name: np.broadcast_to(
                1 - truth[name].test.labels if truth[name].spec.model == ahead
                else truth[name].test.labels, said.shape)
            for name, said in found.items()
        }  # fmt: skip

    monkeypatch.setattr("bench.followup.stress.corrupted_answers", planted)
    found = bench.stress(folder, progress=False)
    lines = [line.text for line in found.lines]

    assert "The lead turns round" in found.lead
    assert sum("under fog" in text for text in lines) == 1
    assert any("is better than" in text for text in lines)


def _ahead(run):
    answers = run.results.pairwise.answers
    return max(answers, key=lambda model: answers[model].correct.mean())


def test_the_command_prints_json_and_says_where_the_page_is(run, zoo):
    """The JSON is that of the file."""
    folder, _ = run
    code, out, _ = zoo("stress", folder, "--json")

    assert code == 0
    assert json.loads(out) == json.loads((folder / "followups" / "stress.json").read_text())
    code, out, _ = zoo("stress", folder)
    assert code == 0
    assert "Mean over 36 corrupted test sets" in out
