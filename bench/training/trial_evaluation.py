"""What the network of one trial is asked: validation, test, doubts and times."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from torch import nn

from bench.data.check import CheckedImage
from bench.system.clock import Stopwatch
from bench.training.callbacks import RecordBuilder
from bench.training.evaluate import evaluate
from bench.training.evaluation import Evaluation
from bench.training.latency import SIZES, inference_times
from bench.training.stop import DivergedError
from bench.training.suitable import ASKED, PROBABILITIES, doubts, gives_probabilities
from bench.training.trial_batches import TrialBatches


@dataclass(slots=True, kw_only=True)
class TrialEvaluation:
    """Asks `network` for the images of `batches`; `builder` notes what is found."""

    network: nn.Module
    batches: TrialBatches
    builder: RecordBuilder

    def validate(self) -> Evaluation:
        """Return the predictions for the validation images."""
        return self._evaluate(self.batches.split.validation)

    def test(self) -> Evaluation:
        """Return the predictions for the test images, and note their accuracy."""
        self.builder.phase("test")
        with Stopwatch(self.batches.device) as stopwatch:
            test = self._evaluate(self.batches.split.test)
        self.builder.add(evaluation_seconds=stopwatch.seconds)
        self.builder.note(
            test_loss=test.loss, test_accuracy=test.accuracy, test_images=len(test.labels)
        )
        return test

    def ask_twice(self) -> None:
        """Mark answers that depend on more than the picture; remark on probabilities."""
        self.builder.phase("inference")  # as its timing, it asks for one picture alone
        spec, precision = self.batches.spec, self.batches.precision
        images = self.batches.first_of(self.batches.split.test[:ASKED])
        found = doubts(self.network, images, precision)
        self.builder.note(marks=(*self.builder.record.marks, *found))
        known = (each.check == "logits" for each in spec.architecture.deviations)
        if not any(known) and gives_probabilities(self.network, images, precision):
            self.builder.callback.say(f"{spec.model}: {PROBABILITIES}")

    def time_inference(self) -> None:
        """Note how long the network takes for an answer."""
        self.builder.phase("inference")
        images = self.batches.first_of(self.batches.split.test[: max(SIZES)])
        layout, precision = self.batches.layout, self.batches.precision
        self.builder.note(inference=inference_times(self.network, images, layout, precision))

    def _evaluate(self, images: Sequence[CheckedImage]) -> Evaluation:
        evaluation = evaluate(
            self.network,
            self.batches.evaluation(images).epoch(),
            device=self.batches.device,
            precision=self.batches.precision,
        )
        if not math.isfinite(evaluation.loss):
            raise DivergedError(f"the loss in evaluation is {evaluation.loss}")
        return evaluation
