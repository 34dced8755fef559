"""The next place to look, by Optuna, from what was tried: a function of seed and history alone.

The study is made anew each time, in memory, and the sampler of each configuration has a seed of
its own, so that a search that was killed goes on as if it had not been.
Source: T. Akiba et al. 2019, KDD, 2623-2631; the sampler: J. Bergstra et al. 2011, NeurIPS 24.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.tune.space import Choice, Position, Space
from registry.errors import RunError

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

_AT_RANDOM = 8  # before the sampler learns anything from what was tried


def require_optuna() -> None:
    """Do nothing where Optuna is installed.

    Raises:
        RunError: it is not; the message says how to install it.
    """
    try:
        import optuna  # noqa: F401
    except ImportError as error:
        raise RunError(
            "zoo tune needs Optuna, which is not installed: pip install 'zoo-bench[tune]'"
        ) from error


def suggest(
    space: Space, tried: Sequence[tuple[Position, float]], seed: int, attempt: int = 0
) -> Position:
    """Return where to look after all that was `tried`, positions with what they gave.

    Args:
        space: what may differ.
        tried: in the order of trying; the more a position gave the better.
        seed: of the search.
        attempt: another gives another position, where one was of no use.
    """
    import optuna

    shown = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # multivariate sampling is called experimental
            study = optuna.create_study(
                direction="maximize",
                sampler=optuna.samplers.TPESampler(
                    seed=_number(seed, len(tried), attempt),
                    n_startup_trials=_AT_RANDOM,
                    multivariate=True,
                ),
            )
            distributions = {name: _distribution(each) for name, each in space.items()}
            for position, value in tried:
                study.add_trial(
                    optuna.trial.create_trial(
                        params=position, distributions=distributions, value=value
                    )
                )
            params: dict[str, Any] = study.ask(distributions).params
            return {name: params[name] for name in space}
    finally:
        optuna.logging.set_verbosity(shown)


def _distribution(each: Any) -> BaseDistribution:
    from optuna.distributions import CategoricalDistribution, FloatDistribution

    if isinstance(each, Choice):
        return CategoricalDistribution(tuple(range(len(each.values))))
    return FloatDistribution(0.0, 1.0)


def _number(*parts: int) -> int:
    return int(np.random.SeedSequence(parts).generate_state(1)[0])
