"""A request: the models, data, recipe and options of a comparison."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

import msgspec

from bench.analysis.look_sizes import LOOKS
from bench.data.batch_options import LAYOUTS, Layout
from bench.data.dataset_plugins import names_dataset
from bench.data.folds import check_within, parse_folds
from bench.engines.registry import LOCAL
from bench.runs.config_file import GONE
from bench.runs.run_options import OPTIONS, SAME_WITHIN, RunOptions, require_one_rule
from bench.system.credentials import has_credentials, hide_credentials
from bench.system.options import parse_seconds, parse_seeds, parse_share
from bench.training.recipe import Recipe, with_present_names
from bench.training.remote_checkpoints import whole_place
from registry.architecture import Architecture
from registry.errors import RunError, format_error

LAYOUT_CHOICES: tuple[Layout | Literal["auto"], ...] = ("auto", *LAYOUTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request(RunOptions):
    """The options of a run, checked.

    Raises:
        RunError: an option is out of its range, or two options exclude each other.
    """

    def __post_init__(self) -> None:
        for name, option in OPTIONS.items():
            option.check(getattr(self, name))
        object.__setattr__(self, "seeds", parse_seeds(self.seeds))
        if self.timeout is not None and not 0 < self.timeout < math.inf:
            raise RunError(f"--timeout must be above 0 seconds, not {self.timeout:g}")
        from bench.training.checkpoint import Cadence  # which needs torch

        Cadence.parse(self.checkpoint_every)
        if self.checkpoints is not None:
            whole_place(self.checkpoints)
        if self.address is not None and has_credentials(self.address):
            raise RunError(
                f"--address {hide_credentials(self.address)} has a password or key, which the run "
                "would store: put it into $RAY_ADDRESS, and pass --address auto"
            )
        self._require_looks()
        parse_folds(self.split)
        check_within(self.within)
        if self.epochs is not None and self.budget is not None:
            raise RunError("--epochs and --budget both set the training length: pass one of them")
        if self.budget is not None:
            parse_seconds(self.budget)
        if self.target is not None:
            parse_share(self.target)
        if self.shares and self.profile:
            raise RunError("--profile measures times without other trials: it needs --jobs 1")
        if self.frozen and not self.pretrained:
            raise RunError("--freeze-backbone requires --pretrained")

    def _require_looks(self) -> None:
        """Set the seeds of the first look; a later look has its own."""
        if not self.until_clear:
            if self.same_within != SAME_WITHIN:
                raise RunError("--same-within is for --until-clear: add that")
            return
        if not 0 < self.same_within < 100:
            raise RunError(f"--same-within takes points above 0, not {self.same_within:g}")
        looks = [tuple(range(each)) for each in LOOKS]
        if self.seeds not in [(0,), *looks]:
            require_one_rule({"until_clear": True, "seeds": self.seeds})
        object.__setattr__(self, "seeds", looks[0] if self.seeds == (0,) else self.seeds)

    @property
    def rule(self) -> dict[str, Any]:
        """The fields, as they are stored, that say how many seeds there are."""
        return {
            "seeds": [*self.seeds],
            "until_clear": self.until_clear,
            "same_within": self.same_within,
        }

    @property
    def shares(self) -> bool:
        """Whether trials may share the machine, which affects their times."""
        return self.jobs != 1 if self.engine != LOCAL.name else (self.jobs or 1) > 1

    @property
    def names_data(self) -> bool:
        """Whether `data` names a data set; a folder of that name takes precedence."""
        return self.data is not None and names_dataset(self.data)

    @property
    def data_told(self) -> str:
        """The name of the data set, or the absolute path of the folder."""
        data = self.data or Path()
        return str(data if self.names_data else data.resolve())


def as_plain(request: Request) -> dict[str, Any]:
    """Return `request` as JSON values; paths are absolute."""
    values = {field.name: getattr(request, field.name) for field in fields(request)}
    data = None if request.data is None else request.data_told
    test_data = None if request.test_data is None else str(request.test_data.resolve())
    labels = None if request.labels is None else str(_labels_path(request))
    values |= {"data": data, "test_data": test_data, "labels": labels}
    values |= {"runs": str(request.runs.resolve())}
    plain: dict[str, Any] = json.loads(json.dumps(msgspec.to_builtins(values)))  # no tuples
    return plain


def request_of(plain: dict[str, Any]) -> Request:
    """Return the request from the values of `as_plain`.

    Raises:
        RunError: this version does not support the values.
    """
    try:
        recipe, data = plain["recipe"], plain["data"]
        _require_supported(plain)
        values = {name: value for name, value in plain.items() if name not in GONE} | {
            "models": tuple(_model(model) for model in plain["models"]),
            "seeds": tuple(plain["seeds"]),
            "recipe": _recipe(recipe) if isinstance(recipe, dict) else recipe,
            "own_recipes": tuple((model, _recipe(own)) for model, own in plain["own_recipes"]),
            "data": None if data is None else Path(data),
            "test_data": None if plain.get("test_data") is None else Path(plain["test_data"]),
            "labels": None if plain.get("labels") is None else Path(plain["labels"]),
            "runs": Path(plain["runs"]),
            "log": tuple(plain.get("log", ())),
        }
        return Request(**values)
    except (KeyError, TypeError, ValueError) as error:
        raise RunError(f"the request does not fit this version: {format_error(error)}") from error


def _labels_path(request: Request) -> Path:
    """Return the absolute path of the labels; a relative path within the data folder stays."""
    assert request.labels is not None
    return request.labels.resolve() if request.labels.exists() else request.labels


def _require_supported(plain: dict[str, Any]) -> None:
    """Raise RunError if a run of an earlier version needs a removed feature."""
    if plain.get("processes") is not None:
        raise RunError(
            f"the run trains each network with {plain['processes']} processes (--strategy ddp), "
            "which this version does not support: resume with the older version, or start a new "
            "run. --engine ray runs one trial per device"
        )


def _recipe(plain: dict[str, Any]) -> Recipe:
    return msgspec.convert(with_present_names(plain), Recipe)


def _model(plain: object) -> str | Architecture:
    return plain if isinstance(plain, str) else msgspec.convert(plain, Architecture)
