from __future__ import annotations

from dataclasses import replace

import pytest
from layout_mutants import layout_mutants

from bench.data.find import find
from registry.errors import DataError


def _drops_an_image(folder):
    finding = find(folder)
    return replace(finding, images=finding.images[:-1])


def _trains_on_the_test(folder):
    finding = find(folder)
    images = [replace(each, part=each.part and "train") for each in finding.images]
    return replace(finding, images=tuple(images))


def _names_a_class_for_a_split(folder):
    finding = find(folder)
    return replace(finding, classes=("test", *finding.classes[1:]))


def _mixes_two_classes(folder):
    finding = find(folder)
    images = [replace(each, label=min(each.label, 1)) for each in finding.images]
    return replace(finding, images=tuple(images))


def _refuses_all(folder):
    raise DataError("it is unclear")


def _refuses_at_length(folder):
    raise DataError("it is\nunclear")


def _breaks_down(folder):
    raise KeyError("train")


def test_random_layouts_are_read_alike_or_refused():
    """Each layout ends in one reading, that of a reader written apart, or in a refusal."""
    outcome = layout_mutants(150, seed=0)

    assert [(line, layout.told()) for line, layout in outcome.wrong] == []
    assert 0.25 < outcome.counts["read"] / 150 < 0.6


@pytest.mark.parametrize(
    ("liar", "fault"),
    [
        (_drops_an_image, "nothing tells of"),
        (_trains_on_the_test, "read otherwise"),
        (_names_a_class_for_a_split, "the name of a split"),
        (_mixes_two_classes, "read otherwise"),
        (_refuses_all, "but the second reader reads"),
        (_refuses_at_length, "several lines"),
        (_breaks_down, "KeyError"),
    ],
)
def test_a_wrong_reader_is_caught(liar, fault):
    """A reader that loses, mixes, renames or refuses too much differs from the second one."""
    outcome = layout_mutants(40, seed=0, finder=liar)

    assert any(fault in line for line, _ in outcome.wrong)
