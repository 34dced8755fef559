"""How sure a measured accuracy is, and a difference of two: arrays in, figures out.

Every function takes what was right as booleans of shape (S, N): S seeds, the same N images in the
same order for each. Seeds are never counted as if they were new images.

```text
interval   one model: between what bounds its accuracy lies
variance_components
           the mean of (S, N) values, and how much of its variance is of seeds, how much of images
paired     two models on the same images and seeds; many pairs
ranks      two samples that are not paired
groups     models that can't be told apart share a letter
power      how large a difference would have shown at all
metrics    other figures of one run
```
"""

from bench.analysis.stats.groups import rank_groups
from bench.analysis.stats.interval import accuracy_interval, wilson_interval
from bench.analysis.stats.metrics import Metrics, calibration_error, majority_class, metrics
from bench.analysis.stats.paired import (
    Difference,
    holm,
    mcnemar_p,
    paired_difference,
    seeds_needed,
    sign_flip_p,
)
from bench.analysis.stats.power import minimum_detectable_difference
from bench.analysis.stats.ranks import least_rank_sum_p, rank_sum_p
from bench.analysis.stats.variance_components import Components, MeanEstimate, estimate_mean

__all__ = [
    "Components",
    "Difference",
    "MeanEstimate",
    "Metrics",
    "accuracy_interval",
    "calibration_error",
    "estimate_mean",
    "holm",
    "least_rank_sum_p",
    "majority_class",
    "mcnemar_p",
    "metrics",
    "minimum_detectable_difference",
    "paired_difference",
    "rank_groups",
    "rank_sum_p",
    "seeds_needed",
    "sign_flip_p",
    "wilson_interval",
]
