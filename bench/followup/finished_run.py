"""A finished run, opened for a follow-up: its trained networks and its test images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import nn

from bench.data.check import CheckedImage
from bench.data.transform import MEMORY_FORMATS
from bench.report.followup_file import Followup, write_followup
from bench.runs.lost_trials import whole_trials
from bench.runs.plan import Plan, make_plan
from bench.runs.progress import Progress
from bench.runs.request import request_of
from bench.runs.resolve import resolve_request
from bench.runs.resume_changes import name_changed_pictures
from bench.runs.run_folder import RunFolder
from bench.runs.run_results import RunResults
from bench.runs.store import Store
from bench.runs.stored_runs import RunName, name_of, results_of, try_write_page
from bench.runs.trained_weights import require_weights
from bench.runs.trust import effects_of, require_trust
from bench.system.cpu import tune_allocator
from bench.system.device import choose_device, choose_precision, number_type
from bench.training.stored_trial import StoredTrial
from bench.training.trial_batches import TrialBatches
from bench.training.weights import load_network, weights_digest
from bench.training.weights_metadata import WeightsMetadata
from registry.architecture import Architecture
from registry.errors import DataError, RunError


@dataclass(kw_only=True)
class FinishedRun:
    """A run whose folder is held by this process.

    Attributes:
        folder: its folder.
        results: its table and verdicts.
        about: its description.
        trials: successful trials with predictions and weights, in the order of the plan.
        progress: receiver of progress messages.
    """

    folder: RunFolder
    results: RunResults
    about: Mapping[str, Any]
    trials: tuple[StoredTrial, ...]
    progress: Progress
    store: Store

    @property
    def covers(self) -> tuple[str, ...]:
        """The identities of the trials."""
        return tuple(trial.spec.id for trial in self.trials)

    @cached_property
    def plan(self) -> Plan:
        """The images of the run, checked to be those that it had, with their decoded pixels.

        Raises:
            DataError: images are missing or have changed; the message names the first.
        """
        plan = make_plan(resolve_request(request_of(self.about["request"])), self.progress)
        if plan.splits.fingerprint != self.about["split"]["fingerprint"]:
            which = name_changed_pictures(self.about, plan.about)
            raise DataError(
                f"the images of {self.folder.path} are not those that it had{which}: put them "
                "back, or train a new run"
            )
        return plan

    def images(self, trial: StoredTrial) -> tuple[CheckedImage, ...]:
        """Return the test images of `trial`, in the order of its predictions."""
        return self.plan.splits.of(trial.spec.fold).test

    def weights(self, trial: StoredTrial) -> Path:
        """Return the path of the weights that were tested."""
        return self.folder.path_of(trial.spec) / "weights.safetensors"

    def key(self, trial: StoredTrial) -> dict[str, str]:
        """Return what decides the answers of `trial`: its weights and its images."""
        digest = weights_digest(self.weights(trial))
        return {"weights": digest, "split": trial.spec.split_fingerprint}

    def network(self, trial: StoredTrial) -> nn.Module:
        """Return the network of `trial` in evaluation mode, on its device.

        Raises:
            RunError: the weights are damaged, or the network has changed since it was trained.
        """
        batches = self.batches(trial)
        network, _ = self.loaded(trial)
        network = network.to(batches.device)
        if number_type(batches.precision) is torch.float64:
            network = network.double()
        return network.to(memory_format=MEMORY_FORMATS[batches.layout])

    def loaded(self, trial: StoredTrial) -> tuple[nn.Module, WeightsMetadata]:
        """Return the network of `trial` as it is in its file, on the CPU, with its metadata."""
        architecture = self._architectures[trial.spec.model]
        return load_network(self.weights(trial), architecture, say=self.progress.say)

    def batches(self, trial: StoredTrial) -> TrialBatches:
        """Return the batches of `trial`, prepared as in the run; `evaluation` makes some."""
        device = choose_device(trial.spec.device)
        assert trial.record is not None
        return TrialBatches(
            spec=trial.spec,
            split=self.plan.splits.of(trial.spec.fold),
            source=self.plan.source,
            device=device,
            precision=choose_precision(trial.record.precision or trial.spec.precision, device),
            layout=trial.record.layout or "contiguous",
            recipe=trial.spec.recipe,
            training_shapes=(trial.spec.architecture.contract.input_shape,),
        )

    def publish(self, found: Followup, pictures: Mapping[str, bytes] | None = None) -> None:
        """Write what was found, and the page of the run, which shows it."""
        write_followup(self.folder.path, found, pictures)
        try_write_page(self.results, self.store, self.progress.say)

    @cached_property
    def _architectures(self) -> dict[str, Architecture]:
        """The architecture of each model, as installed here."""
        return {spec.model: spec.architecture for spec in self.plan.specs}


@contextmanager
def finished_run(
    run: RunName,
    runs: str | Path,
    progress: Progress,
    *,
    trusted: bool = False,
    needs_weights: bool = True,
) -> Iterator[FinishedRun]:
    """Yield a run, which no other process can use meanwhile.

    Args:
        run: its folder, name in `runs`, number, or results.
        runs: folder of the run folders.
        progress: receiver of progress messages.
        trusted: whether a run of somebody else may import the files that it names.
        needs_weights: whether its networks are asked again, so that their weights must be there.

    Raises:
        RunError: it does not exist, is in use, has no tested network, or has not kept weights.
    """
    tune_allocator()
    folder = RunFolder.find(name_of(run), Path(runs))
    with folder.held(), closing(Store.open(folder.database)) as store:
        about = store.about()
        effects = effects_of(request_of(about["request"]))
        if not trusted:
            require_trust(effects, f"the run {folder.path}", {})
        stored = whole_trials(folder, store)
        trials = _tested(stored, about["split"])
        results = results_of(folder, about, stored)
        if not trials or not results.pairwise.answers:
            raise RunError(
                f"{folder.path} has no tested network: `zoo bench --resume {folder.path}` trains "
                "what is left"
            )
        opened = FinishedRun(
            folder=folder,
            results=results,
            about=about,
            trials=trials,
            progress=progress,
            store=store,
        )
        if needs_weights:
            require_weights(folder.path, [opened.weights(trial) for trial in trials])
        yield opened


def _tested(trials: Sequence[StoredTrial], split: Mapping[str, Any]) -> tuple[StoredTrial, ...]:
    """Return the successful trials on the images of the run, without those on other images."""
    known = {each["fingerprint"] for each in split.get("folds", [split])}
    return tuple(
        trial
        for trial in trials
        if trial.record is not None
        and trial.record.status == "ok"
        and trial.test is not None
        and trial.spec.split_fingerprint in known
    )
