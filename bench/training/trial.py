"""One trial: a specification in, a record out."""

from __future__ import annotations

import signal
import sys
import time
from contextlib import redirect_stdout
from typing import Any, cast

import torch
from torch import nn

from bench.data.batch_options import Layout
from bench.data.loader import DataLoader
from bench.data.pixel_source import InputShape
from bench.data.split import Split
from bench.data.transform import MEMORY_FORMATS
from bench.system.cache_folder import own_cache_folder
from bench.system.clock import Phases, Stopwatch
from bench.system.device import AUTO, choose_device, choose_precision, number_type
from bench.system.display import join_names
from bench.system.random_state import preserve_random_state
from bench.training.callbacks import Callback, RecordBuilder, TrialContext
from bench.training.checkpoint import digest_of
from bench.training.compile import compile_network
from bench.training.finetune import is_trained, new_head
from bench.training.first_weights import fit_first_weights
from bench.training.kind import normalizes, suited
from bench.training.latency import SIZES
from bench.training.layer_summary import count_multiply_adds
from bench.training.loop import TrainingLoop
from bench.training.memory_format import black_images, choose_layout, require_true_strides
from bench.training.precision import faster_precision
from bench.training.record import Status, TrialResult
from bench.training.reproducibility import code_digest
from bench.training.sample_answer import with_answer
from bench.training.spec import TrialSpec
from bench.training.stop import reason_of, status_of, traceback_of
from bench.training.suitable import require_pictures, require_trainable
from bench.training.train_resolution import takes, training_shapes
from bench.training.train_state import TrainState
from bench.training.trial_batches import TrialBatches
from bench.training.trial_evaluation import TrialEvaluation
from registry.checks.settings import seed_everything
from registry.errors import ContractError
from registry.verify import verify

_CONTRACT_WORDS = {"author": "verified", "frozen": "verified as frozen", "measured": "measured"}


def run_trial(
    spec: TrialSpec, split: Split, callback: Callback, context: TrialContext | None = None
) -> TrialResult:
    """Return the result of training and testing `spec` on `split`; a failure is a result too.

    The same specification gives the same numbers on one machine, even if the trial was interrupted
    and resumed. The global random state and the number of threads stay as they were.
    """
    context = context or TrialContext()
    trial, stop = _Trial(spec, split, callback, context), context.stop
    threads = torch.get_num_threads()
    with (
        stop.deferred(),  # a late stop must not discard the result
        preserve_random_state(),
        redirect_stdout(sys.stderr),  # stdout is for tables and JSON
    ):
        try:
            with stop.heeded():
                result = trial.run()
        except BaseException as error:
            # without our signal handler, Python's own one raises KeyboardInterrupt
            unheeded = signal.getsignal(signal.SIGINT) is signal.default_int_handler
            if stop.requested and isinstance(error, KeyboardInterrupt) and error.args:
                raise  # the second signal ends it at once
            if isinstance(error, KeyboardInterrupt) and (stop.requested or unheeded):
                if trial.training is not None and context.cadence.saves:
                    trial.training.save()
                result = trial.result("interrupted", "stopped by the user")
            else:
                why = reason_of(error, spec.architecture)
                result = trial.result(status_of(error), why, traceback_of(error))
        finally:
            torch.set_num_threads(threads)
    callback.on_end(result.record)
    return result


class _Trial:
    """One running trial."""

    def __init__(
        self, spec: TrialSpec, split: Split, callback: Callback, context: TrialContext
    ) -> None:
        self._spec, self._split, self._context = spec, split, context
        self._shape = spec.architecture.contract.input_shape
        self._builder = RecordBuilder(spec, callback, context.jobs)
        self.training: TrainingLoop | None = None

    def run(self) -> TrialResult:
        code = code_digest(self._spec.architecture)  # before it is imported
        started = time.perf_counter()
        torch.set_num_threads(self._spec.threads)
        self._verify()
        self._device = choose_device(self._spec.device)
        self._precision = choose_precision(self._spec.precision, self._device)
        saved = self._saved()
        self._builder.add(startup_seconds=time.perf_counter() - started)
        self._layout = self._choose_layout(saved)
        self._builder.note(layout=self._layout)
        self._batches = TrialBatches(
            spec=self._spec,
            split=self._split,
            source=self._context.source,
            device=self._device,
            precision=self._precision,
            layout=self._layout,
            recipe=self._spec.recipe,
            training_shapes=(self._shape,),
        )
        self._network = self._build()
        counted = self._builder.record.multiply_adds
        self._recipe = self._batches.recipe = suited(self._spec.recipe, self._network, counted)
        self._choose_training_shapes()
        self._precision = self._batches.precision = self._choose_precision(saved)
        batches = self._batches.training()
        if saved is None:
            self._initialize()
        if self._spec.compiled:
            self._compile(batches)
        state = TrainState(
            self._network,
            self._recipe,
            device=self._device,
            precision=self._precision,
            phases=Phases(self._device) if self._context.profile else None,
            head=new_head(self._spec, self._network),
            seen=self._batches.seen() if self._recipe.fresh_statistics else None,
        )
        evaluation = TrialEvaluation(
            network=self._network, batches=self._batches, builder=self._builder
        )
        training = TrainingLoop(state, batches, evaluation.validate, self._builder, self._context)
        self.training = training
        if saved is not None:
            training.restore(saved)
            self._builder.note(trained_by=saved["record"].get("trained_by", ""))
        training.run()
        last, best = training.weights(), training.best
        made = state.state()
        self._builder.note(digest=digest_of({n: made[n] for n in ("network", "optimizer")}))
        test = evaluation.test()
        evaluation.ask_twice()
        evaluation.time_inference()
        if self._context.profile:
            self._builder.phase("profile")
            self._builder.note(profile=state.profile(batches, training.epochs))
        is_one = best is last
        last = with_answer(last, self._network, self._shape, code)
        best = last if is_one else with_answer(best, self._network, self._shape, code)
        self._builder.note(status="ok")
        self._builder.phase("done")
        record = self._builder.record
        return TrialResult(record=record, test=test, last_weights=last, best_weights=best)

    def result(self, status: Status, why: str, trace: str = "") -> TrialResult:
        """Return the result of a trial that ended early."""
        self._builder.note(status=status, error=why, traceback=trace)
        return TrialResult(record=self._builder.record)

    def _verify(self) -> None:
        self._builder.phase("contract")
        seed_everything(self._spec.seed)
        require_pictures(self._spec.architecture)
        try:
            device = verify(self._spec.architecture)
        except ContractError:
            self._builder.note(contract="broken")
            raise
        word = _CONTRACT_WORDS[self._spec.architecture.contract_by]
        counted = count_multiply_adds(self._spec.architecture, len(self._spec.classes))
        self._builder.note(contract=f"{word} ({device})", multiply_adds=counted)

    def _saved(self) -> dict[str, Any] | None:
        """Return the saved state of this trial, or None."""
        if self._context.checkpoints is None:
            return None
        saved = self._context.checkpoints.load(self._builder.callback.say)
        if saved is not None and saved.get("task") != self._spec.task_id:
            why = "ignoring a checkpoint of a different task"
            self._builder.callback.say(f"{self._spec.model}: {why}")
            return None
        return saved

    def _choose_layout(self, saved: dict[str, Any] | None) -> Layout:
        asked = self._spec.layout
        if asked != "auto" or saved is not None:
            return cast("Layout", saved["layout"] if saved and asked == "auto" else asked)
        self._builder.phase("layout")
        return choose_layout(
            self._spec.architecture,
            self._spec.origin,
            device=self._device,
            precision=self._precision,
            threads=self._spec.threads,
            folder=own_cache_folder(),
        )

    def _build(self) -> nn.Module:
        self._builder.phase("build")
        started = time.perf_counter()
        seed_everything(self._spec.seed)
        network = self._spec.architecture.build(num_classes=len(self._spec.classes))
        parameters = require_trainable(network, self._spec.model)
        network = network.double() if self._precision is torch.float64 else network
        layout = MEMORY_FORMATS[self._layout]
        network.to(device=self._device, memory_format=layout)  # type: ignore[call-overload]
        if self._shape[0] == 1:
            blank = black_images(2, self._shape).to(self._device, number_type(self._precision))
            require_true_strides(network, blank, self._precision)
        self._builder.note(parameters=parameters)
        self._builder.add(startup_seconds=time.perf_counter() - started)
        return network

    def _choose_training_shapes(self) -> None:
        """Choose the recipe's sizes of training images, as far as the network accepts them."""
        blank = self._batches.blank
        shapes = training_shapes(
            self._shape,
            self._recipe.train_resolution,
            lambda shape: takes(self._network, blank(2, shape), self._precision),
        )
        self._batches.training_shapes = shapes
        self._builder.note(
            training_shape=shapes[-1], trained_by=self._in_place_of_the_recipe(shapes)
        )

    def _in_place_of_the_recipe(self, shapes: tuple[InputShape, ...]) -> str:
        """Return what suits the network's kind in place of the recipe, in words; "" if nothing."""
        if self._recipe == self._spec.recipe:
            return ""
        sides = join_names([f"{height}" for _, height, _ in dict.fromkeys(shapes)])
        return f"{self._recipe.settings}, images of {sides} px"

    def _choose_precision(self, saved: dict[str, Any] | None) -> torch.dtype:
        """Return the requested precision; for `auto` that of the checkpoint, or the faster one."""
        name = self._spec.precision
        if name == AUTO and saved is not None:
            name = saved["precision"]
        elif name == AUTO:
            self._builder.phase("precision")
            shapes = self._batches.training_shapes
            name = faster_precision(
                self._spec.architecture,
                self._spec.origin,
                shape=shapes[len(shapes) // 2],
                batch_size=self._recipe.batch_size,
                layout=self._layout,
                device=self._device,
                threads=self._spec.threads,
                folder=own_cache_folder(),
            )
        self._builder.note(precision=name)
        return choose_precision(name, self._device)

    def _initialize(self) -> None:
        """Fit the first weights to the images, unless they are trained or `own`."""
        own = self._recipe.initialization == "own" or normalizes(self._network)
        if own or is_trained(self._spec.architecture):
            return
        self._builder.phase("initialize")
        with Stopwatch(self._device, self._context.clock) as stopwatch:
            told = fit_first_weights(self._network, self._batches, lambda: stopwatch.seconds)
        self._builder.note(trained_by=told)
        self._builder.add(initialization_seconds=stopwatch.seconds)

    def _compile(self, batches: DataLoader) -> None:
        self._builder.phase("compile")
        parts = (self._split.validation, self._split.test)
        evaluated = [size for part in parts for size in self._batches.evaluation(part).sizes]
        blank = self._batches.blank
        seconds = compile_network(
            self._network,
            training=(
                blank(count, shape)
                for shape in dict.fromkeys(self._batches.training_shapes)
                for count in sorted({*batches.sizes})
            ),
            evaluation=(blank(n, self._shape) for n in sorted({*evaluated, *SIZES})),
            device=self._device,
            precision=self._precision,
        )
        self._builder.note(compile_seconds=seconds)
