"""The next place to look, by Optuna, from what was tried: a function of seed and history alone.

The study is made anew each time, in memory, and the sampler of each configuration has a seed of
its own, so that a search that was killed goes on as if it had not been.
Source: T. Akiba et al. 2019, KDD, 2623-2631; the sampler: J. Bergstra et al. 2011, NeurIPS 24.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from bench.tune.space import Choice, Position, Space
from registry.errors import RunError

_AT_RANDOM = 8  # before the sampler learns anything from what was tried


def require_optuna() -> None:
    """Raise RunError, which says how to install it, where Optuna is not installed."""
    try:
        import optuna  # noqa: F401
    except ImportError as error:
        raise RunError(
            "zoo tune needs Optuna, which is not installed: pip install 'zoo-bench[tune]'"
        ) from error


def suggest(
    space: Space, tried: Sequence[tuple[Position, float]], seed: int, attempt: int = 0
) -> Position:
    """Return where to look after what was `tried`, in that order: positions with what they gave.

    The more a position gave the better. Another `attempt` gives another, where one was of no use.
    """
    import optuna
    from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution

    distributions: dict[str, BaseDistribution] = {
        name: CategoricalDistribution(tuple(range(len(each.values))))
        if isinstance(each, Choice)
        else FloatDistribution(0.0, 1.0)
        for name, each in space.items()
    }
    number = int(np.random.SeedSequence((seed, len(tried), attempt)).generate_state(1)[0])
    shown = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # multivariate sampling is called experimental
            sampler = optuna.samplers.TPESampler(
                seed=number, n_startup_trials=_AT_RANDOM, multivariate=True
            )
            study = optuna.create_study(direction="maximize", sampler=sampler)
            for position, value in tried:
                trial = optuna.trial.create_trial(
                    params=position, distributions=distributions, value=value
                )
                study.add_trial(trial)
            params: dict[str, Any] = study.ask(distributions).params
            return {name: params[name] for name in space}
    finally:
        optuna.logging.set_verbosity(shown)
