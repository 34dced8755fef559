"""Faults planted in what is asked after the table."""

from __future__ import annotations

from code_mutant import Mutant

MUTANTS = (
    Mutant(
        name="a follow-up asks about images that have changed",
        file="bench/followup/finished_run.py",
        old='if plan.splits.fingerprint != self.about["split"]["fingerprint"]:',
        new="if not plan.splits.fingerprint:",
        tests=("tests/unit/followup/test_finished_run.py::test_a_changed_image_is_named",),
    ),
    Mutant(
        name="parts of other settings count as done",
        file="bench/followup/kept_parts.py",
        old='return self._place / f"{json_digest(dict(key))[:32]}.safetensors"',
        new='return self._place / "part.safetensors"',
        tests=(
            "tests/unit/followup/test_finished_run.py::"
            "test_kept_parts_come_back_for_their_key_alone",
        ),
    ),
    Mutant(
        name="a corruption depends on what was corrupted before",
        file="bench/followup/corruptions.py",
        old="draws = keyed_generator(int(digest[:16], 16), number)",
        new="draws = np.random.default_rng()",
        tests=("tests/unit/followup/test_corruptions.py::test_draws_depend_on_the_content_alone",),
    ),
    Mutant(
        name="a network answers clean images when it is stressed",
        file="bench/followup/corrupted_tests.py",
        old="return evaluation_pixels(changed, self.shape)",
        new="return evaluation_pixels(picture, self.shape)",
        tests=(
            "tests/unit/followup/test_stress.py::test_only_the_network_that_used_colour_loses_by_grey",
        ),
    ),
    Mutant(
        name="half of the answers in time are enough to be sure",
        file="bench/followup/limits.py",
        old="slow is not None and slow <= most",
        new="slow is None or slow <= 2 * most",
        tests=(
            "tests/unit/followup/test_choose.py::test_limits_are_met_as_certainly_as_the_weakest",
            "tests/unit/followup/test_choose.py::test_a_latency_without_slow_answers_is_never_sure",
        ),
    ),
    Mutant(
        name="a layer on which the logits do not depend explains a network",
        file="bench/followup/spatial_layer.py",
        old="if gradient is not None and bool(layer.read(gradient).any())",
        new="if gradient is not None",
        tests=(
            "tests/unit/followup/test_spatial_layer.py::test_the_last_layer_with_places_is_found",
        ),
    ),
    Mutant(
        name="gradients explain a network though covering places does it better",
        file="bench/followup/heat_map.py",
        old="return layer if left[0] <= left[1] + _AS_GOOD else None",
        new="return layer",
        tests=(
            "tests/unit/followup/test_heat_map.py::test_places_are_covered_where_tokens_mislead",
        ),
    ),
    Mutant(
        name="maps are read though they are like those of random weights",
        file="bench/followup/explain_report.py",
        old="self.passed = self._better and self._like < _MOST_LIKE",
        new="self.passed = self._better",
        tests=(
            "tests/unit/followup/test_explain.py::test_maps_that_fail_a_check_are_not_to_be_read",
        ),
    ),
    Mutant(
        name="classes of which networks are less sure look mislabelled",
        file="bench/analysis/label_issues.py",
        old="shifted = probabilities - thresholds + thresholds.max()",
        new="shifted = probabilities",
        tests=("tests/unit/analysis/test_label_issues.py::test_the_ranking_is_that_of_cleanlab",),
    ),
    Mutant(
        name="an ambiguous image is scored",
        file="bench/followup/corrections.py",
        old="kept = np.array([image not in left_out for image in answers.images])",
        new="kept = np.array([True for _ in answers.images])",
        tests=("tests/unit/followup/test_labels.py::test_corrections_are_applied",),
    ),
    Mutant(
        name="training subsets lose the shares of the classes",
        file="bench/data/train_subset.py",
        old="turns[place] = (number + 0.5) / len(found), label",
        new="turns[place] = (number + 0.5) / len(images), label",
        tests=("tests/unit/data/test_train_subset.py::test_classes_keep_their_shares",),
    ),
    Mutant(
        name="seeds add nothing to the spread of a learning curve",
        file="bench/analysis/stats/power_law.py",
        old="seeds += [pooled / each.seeds for each in found]",
        new="seeds += [0.0 for each in found]",
        tests=("tests/unit/analysis/test_power_law.py::test_seeds_vary_alone",),
    ),
    Mutant(
        name="a flat learning curve promises a gain",
        file="bench/followup/error_curve.py",
        old="if slope.low <= 0:",
        new="if slope.high <= 0:",
        tests=("tests/unit/followup/test_error_curve.py::test_a_refused_model_hinders_no_other",),
    ),
    Mutant(
        name="what is trained on a subset is trained again",
        file="bench/followup/subset_runs.py",
        old="if folder is None:",
        new="if True:",
        tests=(
            "tests/unit/followup/test_learn_curve.py::test_a_second_call_trains_nothing_and_says_the_same",
        ),
    ),
)
