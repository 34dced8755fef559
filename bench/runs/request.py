"""What is asked of a comparison, and what that means: models, recipe, choices."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

import msgspec

from bench.data.dataset_plugins import names_dataset
from bench.data.folds import check_within, parse_folds
from bench.data.transform import FIDELITIES, Layout
from bench.engines.registry import LOCAL
from bench.report.trackers import TRACKERS
from bench.system.options import parse_choice, parse_seconds, parse_share
from bench.training.checkpoint import Cadence
from bench.training.memory_format import LAYOUTS
from bench.training.recipe import Recipe, with_present_names
from bench.training.remote_checkpoints import whole_place
from registry.architecture import Architecture
from registry.errors import RunError, format_error

LAYOUT_CHOICES: tuple[Layout | Literal["auto"], ...] = ("auto", *LAYOUTS)
_GONE = ("processes",)  # fields of earlier versions


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is to be compared, and how.

    Attributes:
        data: a folder of images, or the name of an installed data set; None for the drawings.
        test_data: a folder whose images are tested instead of the split's test part; those that
            are pictures of `data` are left out.
        recipe: a recipe, the name of one, or a file (`recipe.toml`); None is `finetune`
            with `pretrained`, else `demo` on the embedded data and `default` on others.
        own_recipes: those that a file has for models by name; they take the place of `recipe`.
        split: `stratified`, `textbook`, or `kfold:5`: five trainings a seed, so that every image
            is tested once; any number of folds from 2.
        within: the name of an outer split, of whose training part alone `split` is made: what it
            validates and tests on stays unseen.
        epochs, budget: how long each model is trained, instead of the recipe's: passes, or wall
            seconds of training (`60s`, `5m`, `1h`, or a number of seconds), to which the schedule
            is fitted; one of the two.
        patience: end training after so many epochs without a better validation accuracy, and test
            the weights of the best.
        target: a validation accuracy (`75%`, 0.75): the table says after which training seconds
            it was reached.
        seeds: one trial of every model for each.
        limit: use so many images at most.
        threads, workers: of the CPU: for the network, and for making batches.
        weights: keep the trained weights in the run folder.
        fidelity: `exact` resizes training images by Pillow, `fast` by torch, 2 of 255 away.
        layout: `channels_last`, `contiguous`, or `auto`: the faster one for each network.
        compiled: by `torch.compile`; its time is counted apart.
        cache: keep decoded pixels in the cache folder and read them from there.
        profile: measure where the time goes.
        timeout: seconds that a trial may take in one run of the command, or None.
        checkpoint_every: `60s`, `5m`, `200` (steps) or `never`.
        checkpoints: a folder or URL where every machine reaches the checkpoints, too.
        on_oom: `fail`, or `halve`: try again at half the batch, and mark the row.
        allow_rejects: take the rest where more than 1 % of the images can't be used.
        engine: what has the trials done: `local`, `ray`, or what a package adds.
        address: of a cluster that is there, for an engine that uses one.
        jobs: so many trials at a time at most; `threads` of each are then its share of the
            cores. None is one on this machine, and as many as a cluster has room for, of one
            thread each if nothing is said.
        isolate: run each trial in a process of its own.
        aa: compare one architecture with itself, under other seeds: what differs is noise.
        pretrained: begin with the trained weights of members of families; only this may fetch.
        frozen: with `pretrained`, train the head alone.
        log: what finished trials are told to beside: `tensorboard`, `mlflow`.
    """

    models: tuple[str | Architecture, ...]
    data: Path | None = None
    test_data: Path | None = None
    recipe: Recipe | str | None = None
    own_recipes: tuple[tuple[str, Recipe], ...] = ()
    split: str = "stratified"
    within: str | None = None
    epochs: int | None = None
    budget: str | float | None = None
    patience: int | None = None
    target: str | float | None = None
    batch_size: int | None = None
    learning_rate: float | None = None
    seeds: tuple[int, ...] = (0,)
    device: str = "auto"
    precision: str = "float32"
    threads: int | None = None
    workers: int = 2
    limit: int | None = None
    runs: Path = Path("runs")
    weights: bool = True
    fidelity: str = "exact"
    layout: str = "auto"
    compiled: bool = False
    cache: bool = True
    profile: bool = False
    timeout: float | None = None
    checkpoint_every: str = "60s"
    checkpoints: str | None = None
    on_oom: str = "fail"
    allow_rejects: bool = False
    engine: str = LOCAL.name
    address: str | None = None
    jobs: int | None = None
    isolate: bool = True
    aa: bool = False
    pretrained: bool = False
    frozen: bool = False
    log: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.timeout is not None and self.timeout <= 0:
            raise RunError(f"--timeout must be above 0 seconds, not {self.timeout:g}")
        Cadence.parse(self.checkpoint_every)
        if self.checkpoints is not None:
            whole_place(self.checkpoints)
        parse_choice("fidelity", self.fidelity, FIDELITIES)
        parse_choice("layout", self.layout, LAYOUT_CHOICES)
        parse_choice("--on-oom", self.on_oom, ("fail", "halve"))
        parse_folds(self.split)
        check_within(self.within)
        if self.epochs is not None and self.budget is not None:
            raise RunError("--epochs and --budget both say how long to train: give one of them")
        if self.budget is not None:
            parse_seconds(self.budget)
        if self.target is not None:
            parse_share(self.target)
        self._check_jobs()
        for each in self.log:
            parse_choice("--log", each, TRACKERS)
        if self.frozen and not self.pretrained:
            raise RunError("a frozen backbone is one that was trained: give --pretrained, too")

    def _check_jobs(self) -> None:
        if self.jobs is not None and self.jobs < 1:
            raise RunError(f"--jobs must be 1 or more, not {self.jobs}")
        if self.shares and self.profile:
            raise RunError("--profile measures where time goes: it needs --jobs 1")

    @property
    def shares(self) -> bool:
        """Whether trials may have others beside them, so that their times hang on those, too."""
        return self.jobs != 1 if self.engine != LOCAL.name else (self.jobs or 1) > 1

    @property
    def names_data(self) -> bool:
        """Whether `data` is the name of a data set; a folder of that name wins."""
        return self.data is not None and names_dataset(self.data)

    @property
    def data_told(self) -> str:
        """The name of the data set, or the folder with its whole path."""
        data = self.data or Path()
        return str(data if self.names_data else data.resolve())


def as_plain(request: Request) -> dict[str, Any]:
    """Return `request` as values that JSON has; paths are absolute."""
    values = {field.name: getattr(request, field.name) for field in fields(request)}
    data = None if request.data is None else request.data_told
    test_data = None if request.test_data is None else str(request.test_data.resolve())
    values |= {"data": data, "test_data": test_data, "runs": str(request.runs.resolve())}
    plain: dict[str, Any] = json.loads(json.dumps(msgspec.to_builtins(values)))  # no tuples
    return plain


def request_of(plain: dict[str, Any]) -> Request:
    """Return the request that `as_plain` was given.

    Raises:
        RunError: it is none of this version.
    """
    try:
        recipe, data = plain["recipe"], plain["data"]
        _require_supported(plain)
        values = {name: value for name, value in plain.items() if name not in _GONE} | {
            "models": tuple(_model(model) for model in plain["models"]),
            "seeds": tuple(plain["seeds"]),
            "recipe": _recipe(recipe) if isinstance(recipe, dict) else recipe,
            "own_recipes": tuple((model, _recipe(own)) for model, own in plain["own_recipes"]),
            "data": None if data is None else Path(data),
            "test_data": None if plain.get("test_data") is None else Path(plain["test_data"]),
            "runs": Path(plain["runs"]),
            "log": tuple(plain.get("log", ())),
        }
        return Request(**values)
    except (KeyError, TypeError, ValueError) as error:
        raise RunError(f"no request of this version: {format_error(error)}") from error


def _require_supported(plain: dict[str, Any]) -> None:
    """Raise RunError where a run of an earlier version asks for what is no longer done."""
    if plain.get("processes") is not None:
        raise RunError(
            f"it trains each network by {plain['processes']} processes together (--strategy ddp), "
            "which this version no longer does: go on with the version that began it, or begin a "
            "new run; --engine ray uses several devices, a trial each"
        )


def _recipe(plain: dict[str, Any]) -> Recipe:
    return msgspec.convert(with_present_names(plain), Recipe)


def _model(plain: object) -> str | Architecture:
    return plain if isinstance(plain, str) else msgspec.convert(plain, Architecture)
