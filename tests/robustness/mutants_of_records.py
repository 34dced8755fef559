"""Faults in what is asked, kept and said of it: the modules of bench/."""

from __future__ import annotations

from code_mutant import Mutant

MUTANTS = (
    Mutant(
        name="models that answered other images are compared",
        file="bench/analysis/predictions.py",
        old="        if first != second:\n",
        new="        if first is None:\n",
        tests=("tests/unit/analysis/test_verdict.py::test_other_photographs_are_refused",),
    ),
    Mutant(
        name="times of another number of threads are compared",
        file="bench/analysis/comparable.py",
        old='_TIMED = ("device", "precision", "threads", "workers"',
        new='_TIMED = ("device", "precision", "workers"',
        tests=(
            "tests/unit/runs/test_compare_times.py::test_times_of_another_machine_are_not_compared",
        ),
    ),
    Mutant(
        name="code that nobody finds is the same",
        file="bench/training/reproducibility.py",
        old="if before == present and before is not None:",
        new="if before == present:",
        tests=(
            "tests/unit/training/test_reproducibility.py::test_code_that_is_not_found_is_not_the_same",
        ),
    ),
    Mutant(
        name="a network that answers differently is loaded",
        file="bench/training/unchanged.py",
        old="if now is None or not is_alike(published.logits, now):",
        new="if now is None:",
        tests=(
            "tests/unit/training/test_unchanged.py::test_a_network_that_answers_differently_is_refused",
        ),
    ),
    Mutant(
        name="another number of threads is no other run",
        file="bench/training/reproducibility.py",
        old='field.name in ("workers", "model"',
        new='field.name in ("workers", "threads", "model"',
        tests=("tests/unit/training/test_reproducibility.py::test_what_changes_a_result_is_named",),
    ),
    Mutant(
        name="small folds count as much as large ones",
        file="bench/analysis/cross_validation.py",
        old="weighted = (value * count for value, count in",
        new="weighted = (value * sum(images) / len(images) for value, count in",
        tests=(
            "tests/unit/analysis/test_cross_validation.py::test_folds_make_one_record_of_all_images",
        ),
    ),
    Mutant(
        name="answers of folds stand in the order in which they ended",
        file="bench/analysis/cross_validation.py",
        old="_concatenate([each[fold] for fold in sorted(each)])",
        new="_concatenate([each[fold] for fold in each])",
        tests=(
            "tests/unit/analysis/test_cross_validation.py::test_answers_of_folds_stand_in_the_order_of_the_folds",
        ),
    ),
    Mutant(
        name="a run of which trials are missing ends with exit code 0",
        file="bench/runs/batch/gather.py",
        old="return self.results.exit_code or (ExitCode.FAILED if self.missing else ExitCode.OK)",
        new="return self.results.exit_code",
        tests=("tests/unit/runs/test_work_folder.py::test_what_is_missing_is_in_the_exit_code",),
    ),
    Mutant(
        name="a model whose rows are marked is compared",
        file="bench/analysis/pairwise.py",
        old="marked = {record.model for record in records if record.marks}",
        new="marked = {record.model for record in records if not record.spec}",
        tests=("tests/unit/analysis/test_pairwise.py::test_failed_and_marked_trials_are_left_out",),
    ),
    Mutant(
        name="groups are stored in the order of the training images",
        file="bench/runs/description.py",
        old="groups = [image.file.group for image in splits.test]",
        new="groups = [image.file.group for image in splits.each[0].train]",
        tests=(
            "tests/unit/runs/test_grouped_runs.py::test_a_run_keeps_the_group_of_each_test_image",
        ),
    ),
    Mutant(
        name="the majority class is that of the test images",
        file="bench/runs/description.py",
        old="for split in splits.each for image in split.train]",
        new="for split in splits.each for image in split.test]",
        tests=(
            "tests/unit/runs/test_execute.py::test_the_majority_class_is_that_of_the_training_images",
        ),
    ),
    Mutant(
        name="a plan's digest is not compared",
        file="bench/runs/batch/plan_file.py",
        old='if plain.pop("sha256", None) != json_digest(plain):',
        new='if plain.pop("sha256", None) is None:',
        tests=("tests/unit/runs/test_plan_file.py::test_an_altered_plan_is_refused",),
    ),
    Mutant(
        name="results of two versions are gathered into one run",
        file="bench/runs/batch/plan_file.py",
        old="self.splits.fingerprint, software])",
        new="self.splits.fingerprint])",
        tests=("tests/unit/runs/test_work_folder.py::test_a_plan_of_other_software_is_another",),
    ),
    Mutant(
        name="75 % is a share of 75",
        file="bench/system/options.py",
        old="share = float(found[1]) / (100 if found[2] else 1)",
        new="share = float(found[1])",
        tests=("tests/unit/training/test_budget.py::test_a_target_is_a_share",),
    ),
    Mutant(
        name="a target that is just reached is not",
        file="bench/training/record.py",
        old="if e.validation_accuracy >= accuracy), None)",
        new="if e.validation_accuracy > accuracy), None)",
        tests=(
            "tests/unit/analysis/test_target.py::test_a_trial_reaches_an_accuracy_at_the_end_of_an_epoch",
        ),
    ),
    Mutant(
        name="the wait for data is in percent twice",
        file="bench/training/record.py",
        old="return self.data_wait_seconds / self.spent_seconds if",
        new="return 100 * self.data_wait_seconds / self.spent_seconds if",
        tests=(
            "tests/unit/report/test_table.py::test_the_wait_for_data_is_a_share_of_the_training",
        ),
    ),
    Mutant(
        name="a run in which all failed is one in which some did",
        file="bench/runs/run_results.py",
        old="return ExitCode.NOTHING_MEASURED",
        new="return ExitCode.FAILED",
        tests=("tests/unit/runs/test_execute.py::test_only_failures_measure_nothing",),
    ),
    Mutant(
        name="a run that a signal has stopped ends with the signal's number",
        file="bench/runs/run_results.py",
        old="return ExitCode.of_signal(self.stopped_by)",
        new="return self.stopped_by",
        tests=(
            "tests/unit/training/test_stop.py::test_a_stop_while_weights_are_written_comes_after",
        ),
    ),
    Mutant(
        name="a run in use is taken by a second process",
        file="bench/runs/run_folder.py",
        old="lock.acquire(timeout=0)\n            self._note",
        new="lock.is_locked\n            self._note",
        tests=("tests/unit/runs/test_stored_runs.py::test_a_run_in_use_is_left_alone",),
    ),
    Mutant(
        name="records are committed without a sync",
        file="bench/runs/schema.py",
        old="PRAGMA synchronous = FULL",
        new="PRAGMA synchronous = OFF",
        tests=("tests/unit/runs/test_store.py::test_what_is_committed_is_synced",),
    ),
    Mutant(
        name="the digest of a trial is not of its answers",
        file="bench/runs/store.py",
        old="sha256_of(json.dumps(trial))",
        new="sha256_of(json.dumps([*trial[:-1], len(trial[-1])]))",
        tests=("tests/unit/runs/test_store.py::test_whatever_was_altered_is_noticed",),
    ),
    Mutant(
        name="JSON has a NaN in it",
        file="bench/system/strict_json.py",
        old="json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)",
        new="json.dumps(value, indent=2, ensure_ascii=False)",
        tests=("tests/unit/system/test_display.py::test_json_tells_no_number_that_is_none",),
    ),
    Mutant(
        name="a digest hangs on the order of names",
        file="bench/system/strict_json.py",
        old="json.dumps(value, sort_keys=True)",
        new="json.dumps(value)",
        tests=(
            "tests/unit/analysis/test_cross_validation.py::test_a_specification_without_folds_is_who_it_was",
        ),
    ),
    Mutant(
        name="verdicts are not corrected for the number of pairs",
        file="bench/analysis/verdict.py",
        old="corrected = holm([each.p for each in pairs.values()])",
        new="corrected = [each.p for each in pairs.values()]",
        tests=("tests/unit/analysis/test_verdict.py::test_each_p_is_corrected_for_all_pairs",),
    ),
    Mutant(
        name="folds do not widen the part of images",
        file="bench/analysis/pairwise.py",
        old="answers_of(model, images, each, image_groups, folds)",
        new="answers_of(model, images, each, image_groups)",
        tests=("tests/unit/analysis/test_cross_validation.py::test_folds_widen_intervals",),
    ),
    Mutant(
        name="a weights file's digest is not compared",
        file="bench/training/weights.py",
        old="if found != metadata[_DIGEST_KEY]:",
        new="if not metadata[_DIGEST_KEY]:",
        tests=("tests/unit/training/test_weights.py::test_one_flipped_bit_is_noticed",),
    ),
    Mutant(
        name="a weights file's digest hangs on the order of its tensors",
        file="bench/training/weights.py",
        old="    for name, tensor in sorted(state.items()):\n        found.update",
        new="    for name, tensor in state.items():\n        found.update",
        tests=("tests/unit/training/test_weights.py::test_what_is_saved_comes_back",),
    ),
    Mutant(
        name="the last trial of a share is in the next one, too",
        file="bench/runs/batch/work.py",
        old="(number + 1) * trials // shares)",
        new="(number + 1) * trials // shares + 1)",
        tests=("tests/unit/runs/test_plan_file.py::test_each_trial_is_in_one_share",),
    ),
    Mutant(
        name="weights are gathered without a look at their digest",
        file="bench/runs/batch/work_folder.py",
        old="if _file_digest(where / name) != sha256:",
        new="if not _file_digest(where / name):",
        tests=("tests/unit/runs/test_work_folder.py::test_other_weights_are_damaged",),
    ),
    Mutant(
        name="an altered record is gathered",
        file="bench/runs/batch/work_folder.py",
        old='plain.pop("sha256") != json_digest(plain)',
        new='plain.pop("sha256") is None',
        tests=("tests/unit/runs/test_work_folder.py::test_an_altered_record_is_damaged",),
    ),
    Mutant(
        name="a database that lacks a stored trial is read",
        file="bench/runs/store.py",
        old="if store.loss and not lossy:",
        new="if store.loss and lossy:",
        tests=("tests/unit/runs/test_lost_trials.py::test_a_lost_trial_is_told_by_name",),
    ),
    Mutant(
        name="a database under way needs its log",
        file="bench/runs/schema.py",
        old="PRAGMA wal_checkpoint(TRUNCATE)",
        new="PRAGMA wal_autocheckpoint",
        tests=(
            "tests/unit/runs/test_lost_trials.py::test_a_database_alone_is_whole_after_each_trial",
        ),
    ),
    Mutant(
        name="a trial that an operator killed is finished",
        file="bench/training/record.py",
        old="status in FINISHED and not self.killed_from_outside",
        new="status in FINISHED",
        tests=(
            "tests/unit/runs/test_lost_trials.py::test_a_trial_killed_from_outside_is_tried_again",
        ),
    ),
    Mutant(
        name="a trial far beyond its budget is compared",
        file="bench/training/budget.py",
        old="TOLERANCE = 1.05",
        new="TOLERANCE = 10.5",
        tests=("tests/unit/training/test_budget.py::test_a_trial_beyond_its_budget_is_marked",),
    ),
    Mutant(
        name="a worker's folder says what was asked",
        file="bench/runs/batch/work_folder.py",
        old="        if record.spec != asked:\n",
        new="        if record.spec is None:\n",
        tests=(
            "tests/unit/runs/test_received_runs.py::test_a_trial_of_another_specification_is_refused_by_name",
        ),
    ),
    Mutant(
        name="a database of another user is written",
        file="bench/runs/run_folder.py",
        old="if not is_own(self.database):",
        new="if not self.database:",
        tests=(
            "tests/unit/runs/test_files_of_others.py::test_a_database_elsewhere_or_of_another_user_is_not_written",
        ),
    ),
    Mutant(
        name="a run that cannot be read is left out of the list",
        file="bench/runs/run_folder.py",
        old="    except PermissionError:\n        return True",
        new="    except PermissionError:\n        return False",
        tests=(
            "tests/unit/runs/test_files_of_others.py::test_a_run_that_cannot_be_read_is_listed_with_the_reason",
        ),
    ),
)
