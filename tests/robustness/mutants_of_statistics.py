"""Faults of the statistics of batch normalisation."""

from __future__ import annotations

from code_mutant import Mutant

MUTANTS = (
    Mutant(
        name="batch normalisation is evaluated with late statistics",
        file="bench/training/loop.py",
        old="                self._steps.refresh()\n                validated",
        new="                validated",
        tests=(
            "tests/unit/training/test_fresh_statistics.py::test_a_network_with_late_running_means_learns",
        ),
    ),
    Mutant(
        name="fresh statistics are those of the last batches",
        file="bench/training/batch_statistics.py",
        old="layer.momentum = None",
        new="pass",
        tests=(
            "tests/unit/training/test_batch_statistics.py::test_statistics_are_the_mean_of_all_batches",
        ),
    ),
    Mutant(
        name="layers are dropped while statistics are made",
        file="bench/training/batch_statistics.py",
        old="layer.training = True",
        new="layer.train()",
        tests=("tests/unit/training/test_batch_statistics.py::test_nothing_is_dropped",),
    ),
    Mutant(
        name="a momentum is lost with the first validation",
        file="bench/training/batch_statistics.py",
        old="layer.momentum = momenta[layer]",
        new="pass",
        tests=("tests/unit/training/test_batch_statistics.py::test_all_else_is_as_it_was",),
    ),
    Mutant(
        name="a network trains on with the statistics of its validation",
        file="bench/training/train_state.py",
        old="else keep_statistics(self.network)",
        new="else nullcontext()",
        tests=(
            "tests/unit/training/test_fresh_statistics.py::test_a_network_trains_on_with_its_own_statistics",
        ),
    ),
    Mutant(
        name="what is frozen gets other statistics after a resume",
        file="bench/training/train_state.py",
        old='if self._backbone and state.get("frozen"):',
        new="if False:",
        tests=(
            "tests/unit/training/test_fresh_statistics.py::test_a_frozen_backbone_keeps_its_statistics",
        ),
    ),
    Mutant(
        name="all parts of a training have the images of the first",
        file="bench/training/loop.py",
        old="return min(int(share * parts), parts - 1)",
        new="return 0",
        tests=(
            "tests/unit/training/test_train_resolution.py::test_sizes_of_several_parts_follow_each_other",
        ),
    ),
    Mutant(
        name="bfloat16 is taken though it learns otherwise",
        file="bench/training/precision.py",
        old="if not agrees or taken",
        new="if taken",
        tests=(
            "tests/unit/training/test_precision.py::test_bfloat16_is_taken_where_it_is_faster_and_learns_the_same",
        ),
    ),
    Mutant(
        name="first weights take all of a budget",
        file="bench/training/first_weights.py",
        old="return most - seconds()",
        new="return most",
        tests=(
            "tests/unit/training/test_budget.py::test_the_first_weights_take_a_share_of_the_budget_at_most",
        ),
    ),
    Mutant(
        name="statistics are made of the images of one class",
        file="bench/training/trial_batches.py",
        old="replace(images, stratified=True).order(0)",
        new="range(len(self.split.train))",
        tests=(
            "tests/unit/training/test_fresh_statistics.py::test_the_images_are_training_images_seen_as_in_the_test",
        ),
    ),
    Mutant(
        name="a run with fresh statistics has the digest of one without",
        file="bench/training/spec.py",
        old=" or value != FIELDS_SINCE[name]",
        new="",
        tests=(
            "tests/unit/training/test_spec.py::test_a_later_field_that_says_something_else_is_in_the_digest",
        ),
    ),
)
