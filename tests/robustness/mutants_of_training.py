"""Faults in what trains and tests: the modules of bench/, and bench/engines/."""

from __future__ import annotations

from code_mutant import Mutant

MUTANTS = (
    Mutant(
        name="the best weights are a reference that trains on",
        file="bench/training/weight_averaging.py",
        old="return {name: tensor.cpu().clone() for name, tensor",
        new="return {name: tensor.cpu() for name, tensor",
        tests=("tests/unit/training/test_trial.py::test_the_best_weights_are_a_copy",),
    ),
    Mutant(
        name="a mean of weights begins at a tenth of them",
        file="bench/training/weight_averaging.py",
        old="share = (1 - self._decay) / (1 - self._decay**self._steps)",
        new="share = 1 - self._decay",
        tests=(
            "tests/unit/training/test_weight_averaging.py::test_a_step_counts_less_by_the_same_share_each_step",
        ),
    ),
    Mutant(
        name="a checkpoint's digest is not compared",
        file="bench/training/checkpoint.py",
        old='if hashlib.file_digest(file, "sha256").hexdigest() != digest:',
        new='if not hashlib.file_digest(file, "sha256").hexdigest():',
        tests=(
            "tests/unit/training/test_resume.py::test_a_damaged_checkpoint_falls_back_to_the_one_before",
        ),
    ),
    Mutant(
        name="one checkpoint is kept, not two",
        file="bench/training/checkpoint.py",
        old="before = self._listed()[:1]",
        new="before = self._listed()[:0]",
        tests=("tests/unit/training/test_checkpoint.py::test_two_are_kept",),
    ),
    Mutant(
        name="minutes between checkpoints are seconds",
        file="bench/training/checkpoint.py",
        old='number * (60 if unit == "m" else 1)',
        new='number * (60 if unit == "min" else 1)',
        tests=("tests/unit/training/test_checkpoint.py::test_cadences",),
    ),
    Mutant(
        name="a checkpoint may run code",
        file="bench/training/checkpoint.py",
        old="weights_only=True",
        new="weights_only=False",
        tests=(
            "tests/unit/training/test_checkpoint.py::test_a_command_in_a_checkpoint_is_not_run",
        ),
    ),
    Mutant(
        name="a checkpoint is written however long that takes",
        file="bench/training/checkpoint.py",
        old="max(self._cadence.seconds, _COST * self._cost)",
        new="self._cadence.seconds",
        tests=(
            "tests/unit/training/test_checkpoint.py::test_checkpoints_take_a_fiftieth_of_the_time_at_most",
        ),
    ),
    Mutant(
        name="two trials at a time have all cores each",
        file="bench/system/cpu.py",
        old="return threads or cores // jobs",
        new="return threads or cores",
        tests=("tests/unit/engines/test_jobs.py::test_threads_are_shared_out",),
    ),
    Mutant(
        name="a file is named before it is synced",
        file="bench/system/atomic_files.py",
        old="        _sync(partial)\n        put_in_place(partial, path)",
        new="        put_in_place(partial, path)",
        tests=(
            (
                ""
                "tests/unit/system/test_atomic_files.py::test_a_file_is_synced_before_it_has_its_name_and_its_folder_after"
            ),
        ),
    ),
    Mutant(
        name="a file's new name is not synced",
        file="bench/system/atomic_files.py",
        old="        _sync(path.parent)",
        new="        path.parent.stat()",
        tests=(
            (
                ""
                "tests/unit/system/test_atomic_files.py::test_a_file_is_synced_before_it_has_its_name_and_its_folder_after"
            ),
        ),
    ),
    Mutant(
        name="a network is evaluated in training mode",
        file="bench/training/evaluate.py",
        old="    network.eval()\n",
        new="    network.train()\n",
        tests=(
            "tests/unit/training/test_evaluate.py::test_a_network_is_evaluated_in_evaluation_mode",
        ),
    ),
    Mutant(
        name="want of memory is not told where it is an error's cause",
        file="bench/training/stop.py",
        old='return "out-of-memory" if any(map(_is_memory, _chain(error))) else "failed"',
        new='return "out-of-memory" if _is_memory(error) else "failed"',
        tests=(
            "tests/unit/training/test_trial.py::test_want_of_memory_is_told_whatever_is_made_of_it",
        ),
    ),
    Mutant(
        name="the 95th percentile is the 94th",
        file="bench/training/latency.py",
        old='method="inclusive")[share - 1]',
        new='method="inclusive")[share - 2]',
        tests=("tests/unit/training/test_latency.py::test_percentiles_are_numpys",),
    ),
    Mutant(
        name="the first answers are timed, too",
        file="bench/training/latency.py",
        old="    for _ in range(2):\n",
        new="    for _ in range(0):\n",
        tests=("tests/unit/training/test_latency.py::test_the_warm_up_is_thrown_away",),
    ),
    Mutant(
        name="the memory order of other threads is taken",
        file="bench/training/memory_format.py",
        old="str(precision), threads]",
        new="str(precision)]",
        tests=(
            "tests/unit/training/test_memory_format.py::test_another_version_or_number_of_threads_is_tried_anew",
        ),
    ),
    Mutant(
        name="a container's limit of memory is ignored",
        file="bench/system/memory.py",
        old="return min(machine, limit - used + cached)",
        new="return max(machine, limit - used + cached)",
        tests=("tests/unit/training/test_fast_path.py::test_a_containers_limit_bounds_the_memory",),
    ),
    Mutant(
        name="a peak of memory is in kilobytes",
        file="bench/system/memory.py",
        old="int(line[1]) * 1024 for line",
        new="int(line[1]) for line",
        tests=(
            "tests/unit/system/test_memory.py::test_the_peak_is_what_the_process_held_in_bytes",
        ),
    ),
    Mutant(
        name="a prediction names the least probable class",
        file="bench/runs/predict.py",
        old="predicted=published.classes[int(row.argmax())]",
        new="predicted=published.classes[int(row.argmin())]",
        tests=("tests/unit/zoo/test_cli.py::test_predict_answers_for_a_persons_own_pictures",),
    ),
    Mutant(
        name="a bad picture among good ones is no failure",
        file="zoo/cli/weights.py",
        old="raise typer.Exit(ExitCode.FAILED)",
        new="raise typer.Exit(ExitCode.OK)",
        tests=("tests/unit/zoo/test_predict.py::test_a_bad_picture_does_not_stop_the_others",),
    ),
    Mutant(
        name="Python's generator is not seeded",
        file="registry/checks/settings.py",
        old="    random.seed(seed)\n",
        new="",
        tests=(
            "tests/unit/training/test_resume.py::test_the_seed_decides_what_a_network_draws_from_any_generator",
        ),
    ),
    Mutant(
        name="the warm-up is a step longer",
        file="bench/training/schedule.py",
        old="peak=recipe.warmup * steps - 1",
        new="peak=recipe.warmup * steps",
        tests=("tests/unit/training/test_schedule.py::test_one_cycle_by_steps_is_that_of_torch",),
    ),
    Mutant(
        name="of two checkpoints the older is gone on from",
        file="bench/training/remote_checkpoints.py",
        old='return max(names, default="")',
        new='return min(names, default="")',
        tests=("tests/unit/training/test_remote_checkpoints.py::test_the_newer_of_both_is_taken",),
    ),
    Mutant(
        name="a trial that is gone on with forgets its optimiser",
        file="bench/training/train_state.py",
        old='self._optimizer.load_state_dict(state["optimizer"])',
        new="self._optimizer.load_state_dict(self._optimizer.state_dict())",
        tests=("tests/unit/training/test_resume.py::test_a_trial_goes_on_on_another_machine",),
    ),
    Mutant(
        name="a trial that is gone on with forgets the mean of its weights",
        file="bench/training/train_state.py",
        old='self._average.load(state["average"])',
        new="self._average.load(self._average.state())",
        tests=(
            (
                ""
                "tests/unit/training/test_weight_averaging.py::test_an_averaged_trial_stopped_outside_of_a_step_ends_the_same"
            ),
        ),
    ),
    Mutant(
        name="label smoothing is left out",
        file="bench/training/train_state.py",
        old="smoothing = self.recipe.label_smoothing",
        new="smoothing = 0.0",
        tests=("tests/unit/training/test_trial.py::test_label_smoothing_is_in_the_loss",),
    ),
    Mutant(
        name="multiply-adds are counted as two operations",
        file="bench/training/layer_summary.py",
        old="multiply_adds=flops // 2",
        new="multiply_adds=flops",
        tests=("tests/unit/training/test_layer_summary.py::test_multiply_adds_are_half_the_flops",),
    ),
    Mutant(
        name="biases and gains decay, too",
        file="bench/training/optimizer.py",
        old="decay = recipe.weight_decay if parameter.ndim > 1 else 0.0",
        new="decay = recipe.weight_decay if parameter.ndim > 0 else 0.0",
        tests=(
            "tests/unit/training/test_schedule.py::test_weight_decay_leaves_biases_and_gains_alone",
        ),
    ),
    Mutant(
        name="weight decay is left out",
        file="bench/training/optimizer.py",
        old='"weight_decay": decay, "share"',
        new='"weight_decay": 0.0, "share"',
        tests=(
            "tests/unit/training/test_schedule.py::test_weight_decay_leaves_biases_and_gains_alone",
        ),
    ),
    Mutant(
        name="a trial that is gone on with draws other random numbers",
        file="bench/training/loop.py",
        old='        set_random_state(saved["random"], self._device)',
        new="        self._at.random = None",
        tests=("tests/unit/training/test_resume.py::test_a_trial_goes_on_on_another_machine",),
    ),
    Mutant(
        name="patience lasts an epoch longer",
        file="bench/training/loop.py",
        old="self._at.epoch - best.epoch >= patience",
        new="self._at.epoch - best.epoch > patience",
        tests=(
            (
                ""
                "tests/unit/training/test_patience.py::test_training_ends_after_so_many_epochs_without_a_better_one"
            ),
        ),
    ),
    Mutant(
        name="a budget has one step more",
        file="bench/training/loop.py",
        old="return self._spent() >= self._recipe.seconds",
        new="return self._spent() > self._recipe.seconds",
        tests=(
            "tests/unit/training/test_budget.py::test_training_ends_after_the_step_that_reaches_the_budget",
        ),
    ),
    Mutant(
        name="a smaller side is rounded down",
        file="bench/training/train_resolution.py",
        old="return min(side, round(side * share / _MULTIPLE) * _MULTIPLE) or side",
        new="return min(side, int(side * share / _MULTIPLE) * _MULTIPLE) or side",
        tests=(
            "tests/unit/training/test_train_resolution.py::test_the_nearest_multiple_may_be_the_larger",
        ),
    ),
    Mutant(
        name="images are augmented in evaluation",
        file="bench/training/trial_batches.py",
        old="""        dataset = EvaluationDataset(
            files=[image.file for image in images],
            source=self.source,
            shape=self.spec.architecture.contract.input_shape,
        )""",
        new="""        dataset = TrainingDataset(
            files=[image.file for image in images],
            source=self.source,
            shape=self.spec.architecture.contract.input_shape,
            seed=0,
            augmentation=self.spec.recipe.augmentation,
        )""",
        tests=(
            "tests/unit/training/test_trial.py::test_test_images_are_seen_as_they_are_and_in_their_order",
        ),
    ),
    Mutant(
        name="a recipe's augmentation is not used",
        file="bench/training/trial_batches.py",
        old="augmentation=recipe.augmentation,",
        new="augmentation=type(recipe.augmentation)(),",
        tests=(
            "tests/unit/training/test_trial.py::test_training_images_are_cut_and_ordered_as_the_recipe_says",
        ),
    ),
    Mutant(
        name="batches have the classes as they come, whatever the recipe says",
        file="bench/training/trial_batches.py",
        old="stratified=recipe.stratified_batches,",
        new="",
        tests=(
            "tests/unit/training/test_trial.py::test_training_images_are_cut_and_ordered_as_the_recipe_says",
        ),
    ),
    Mutant(
        name="the first weights are those of seed 0, whatever the seed",
        file="bench/training/trial.py",
        old="seed_everything(self._spec.seed)\n        network",
        new="seed_everything(0)\n        network",
        tests=("tests/unit/training/test_trial.py::test_the_seed_decides_the_first_weights",),
    ),
    Mutant(
        name="weights that can't be written are a trial that is done",
        file="bench/engines/in_process.py",
        old='why = {"status": "interrupted", "phase": "publish"',
        new='why = {"status": "ok", "phase": "publish"',
        tests=(
            (
                ""
                "tests/unit/runs/test_execute.py::test_weights_that_can_not_be_written_leave_the_trial_to_be_gone_on_with"
            ),
        ),
    ),
    Mutant(
        name="SIGTERM is not heeded",
        file="bench/engines/executor.py",
        old="for number in (signal.SIGINT, signal.SIGTERM):",
        new="for number in (signal.SIGINT,):",
        tests=("tests/unit/training/test_stop.py::test_both_signals_stop_and_are_given_back",),
    ),
    Mutant(
        name="a trial may hold more than it was given",
        file="bench/engines/job.py",
        old='limit_memory(plain["memory_bytes"])',
        new='plain["memory_bytes"] = None',
        tests=("tests/unit/engines/test_process.py::test_a_trial_holds_no_more_than_it_may",),
    ),
    Mutant(
        name="the next trial waits until the last one's files are written",
        file="bench/engines/local.py",
        old='            if record.status == "ok":  # its files',
        new='            if record.status == "stale":  # its files',
        tests=(
            "tests/unit/engines/test_jobs.py::test_the_next_trial_begins_while_a_result_is_stored",
        ),
    ),
    Mutant(
        name="a trial is begun though there is no memory for it",
        file="bench/engines/local.py",
        old="if self._running and wanted > free:",
        new="if self._running and free < 0:",
        tests=(
            "tests/unit/engines/test_jobs.py::test_a_trial_is_begun_when_there_is_memory_for_it",
        ),
    ),
    Mutant(
        name="each trial may hold all of the memory",
        file="bench/engines/local.py",
        old="free = self._available() - sum(map(_outstanding, self._running.values()))",
        new="free = self._available()",
        tests=("tests/unit/engines/test_jobs.py::test_what_the_last_held_is_expected_of_the_next",),
    ),
    Mutant(
        name="a timeout is ignored",
        file="bench/engines/process.py",
        old="        if job.timeout is not None:\n            timer.start()",
        new="        if job.timeout is None:\n            timer.start()",
        tests=("tests/unit/engines/test_process.py::test_a_trial_that_takes_too_long_is_ended",),
    ),
    Mutant(
        name="a trial that is lost again and again is sent for ever",
        file="bench/engines/ray.py",
        old="        sent.lost += 1\n",
        new="        sent.lost = 1\n",
        tests=("tests/unit/engines/test_ray.py::test_what_is_lost_again_and_again_is_recorded",),
    ),
    Mutant(
        name="a node with other images takes a trial",
        file="bench/engines/ray_node.py",
        old="if _digest(Path(path)) != digest]",
        new="if not Path(path)]",
        tests=("tests/unit/engines/test_ray.py::test_a_node_with_other_images_refuses",),
    ),
)
