from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest
from fuzz_images import Fuzzed, fuzz, mutant, sound_images, write_mutants

from bench.data.check import check
from bench.data.facts import Facts
from bench.data.find import find
from bench.data.validation_cache import ValidationCache
from bench.system.display import display


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory) -> Fuzzed:
    """What became of 200 mutants, in a process that has begun no other ones before."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(fuzz, 200, tmp_path_factory.mktemp("fuzz")).result()


def test_no_mutant_is_lost(fuzzed):
    """Of 200 each is used or named; some are either, else the mutants would be too tame."""
    assert (fuzzed.mutants, fuzzed.lost) == (200, 0)
    assert 10 < fuzzed.used < 190


def test_no_mutant_hangs_or_takes_a_gigabyte(fuzzed):
    """Time and memory are bounded for each file."""
    assert fuzzed.longest_seconds < 10
    assert fuzzed.peak_bytes < 1e9


def test_sound_images_are_all_used(tmp_path):
    """What is rejected of the mutants is so for what was done to them."""
    write_mutants(tmp_path, range(0), seed=0)
    for number, content in enumerate(sound_images()):
        (tmp_path / "Cat" / f"sound.{number}.jpg").write_bytes(content)

    assert check(find(tmp_path)).rejects == ()


def test_mutants_are_the_same_each_time():
    """A mutant that does harm can be had again by its number."""
    sound, again = sound_images(), sound_images()
    made = [mutant(sound, number, seed=0) for number in range(50)]

    assert made == [mutant(again, number, seed=0) for number in range(50)]
    assert len(set(made)) > 45


def test_a_verdict_hangs_on_the_content_alone(tmp_path):
    """Alone or among others, by one examiner or two, known before or not: the same manifest."""
    write_mutants(tmp_path / "images", range(120), seed=1)
    ledger = ValidationCache(tmp_path / "checked.sqlite")
    first = check(find(tmp_path / "images"), threads=1, ledger=ledger)

    assert check(find(tmp_path / "images"), threads=3) == first
    assert check(find(tmp_path / "images"), ledger=ledger) == first


def test_reasons_of_mutants_can_be_shown(tmp_path):
    """One line each, not too long, whatever a broken file puts into a decoder's message."""
    write_mutants(tmp_path, range(120), seed=2)
    manifest = check(find(tmp_path))

    assert all(isinstance(image.facts, Facts) for image in manifest.images)
    assert all(display(each.reason) == each.reason for each in manifest.rejects)
    assert all(0 < len(each.reason) < 300 for each in manifest.rejects)
