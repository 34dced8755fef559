"""The options of a run: each field with its help, range and panel.

The command line, `--config run.toml` and `zoo list options` come from these fields. Needs no torch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, dataclass, field, fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from bench.engines.registry import LOCAL
from bench.system.options import parse_choice, parse_seeds, split_commas
from registry.architecture import Architecture
from registry.errors import RunError

if TYPE_CHECKING:
    from bench.training.recipe import Recipe

TRAINING = "Training"
MACHINE = "Machine and speed"
SAME_WITHIN = 2.0  # points
SAFETY = "When something goes wrong"
_KINDS: Mapping[str, type] = MappingProxyType(  # the first that an annotation names
    {"tuple[int": str, "tuple": list, "bool": bool, "str": str, "int": int, "float": float,
     "Path": Path}
)  # fmt: skip
_WORDS: Mapping[type, str] = MappingProxyType(
    {bool: "true or false", int: "a whole number", float: "a number", str: "a text",
     list: "a list", Path: "a path", dict: "a table"}
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """The command-line option of a field: its help, its values and its spelling."""

    text: str  # help, in one or two sentences
    panel: str | None = None  # panel of the help; None: the first
    shown: bool = False  # whether `zoo bench --help` shows it; `zoo list options` shows all
    flags: tuple[str, ...] = ()  # spelling on the command line; default: `--name-of-the-field`
    formerly: str | None = None  # an old spelling that still works
    metavar: str | None = None  # placeholder of its value in the help
    minimum: int | None = None  # smallest value
    choices: tuple[str, ...] = ()  # all allowed values
    also: tuple[type, ...] = ()  # further types that a file may have
    parse: Callable[[Any], Any] | None = None  # from text, or a file's value, to the value
    name: str = ""  # name of the field
    kind: type = str  # type on the command line
    default: Any = None  # default of the field

    @property
    def flag(self) -> str:
        """Return its name in messages."""
        return self.flags[0].partition("/")[0]

    @property
    def allowed(self) -> str:
        """Return the allowed values in words."""
        if self.choices:
            return ", ".join(self.choices)
        at_least = "" if self.minimum is None else f", {self.minimum} or more"
        return " or ".join(_WORDS[kind] for kind in (self.kind, *self.also)) + at_least

    @property
    def default_text(self) -> str:
        """Return the default as a person types it; "" for none."""
        if self.default is None or isinstance(self.default, bool):
            return "" if self.default is None else str(self.default).lower()
        return str(len(self.default) if isinstance(self.default, tuple) else self.default)

    def check(self, value: Any) -> None:
        """Raise RunError if `value` is not allowed; the message names the option and its values."""
        if self.choices:
            for each in value if isinstance(value, tuple) else (value,):
                parse_choice(self.flag, each, self.choices)
        if value is not None and self.kind in (int, float):
            self._check_number(value)
        if self.minimum is not None and value is not None and value < self.minimum:
            raise RunError(f"{self.flag} must be {self.minimum} or more, not {value}")

    def _check_number(self, value: Any) -> None:
        number = isinstance(value, int if self.kind is int else int | float)
        if isinstance(value, bool) or not number or not abs(value) < math.inf:
            raise RunError(f"{self.flag} takes {self.allowed}, not {value!r}")


def _option(default: Any, text: str, panel: str | None = None, **how: Any) -> Any:
    return field(default=default, metadata={"option": Option(text=text, panel=panel, **how)})


def _names(given: str | Iterable[Any]) -> tuple[Any, ...]:
    """Return the names in a text, separated by commas; or those given."""
    return tuple(split_commas([given]) if isinstance(given, str) else given)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """What to compare, and how. `own_recipes` holds the recipes that a file has for single models.

    They override `recipe`. If it is None, the recipe is `finetune` with `pretrained`, `demo` on
    the embedded data, and `default` otherwise.
    """

    models: tuple[str | Architecture, ...] = _option(
        MISSING, "Models to compare: `--models lenet alexnet`, `-m lenet -m 'vgg*'`, `-m a,b`.",
        shown=True, flags=("--models", "-m"), also=(str,), parse=_names,
    )  # fmt: skip
    data: Path | None = _option(
        None, "Folder of images, or an installed data set. Default: drawings.", shown=True
    )
    test_data: Path | None = _option(
        None, "Test on the images of this folder that are not in --data."
    )
    recipe: Recipe | str | None = _option(
        None, "default, best (of --budget), textbook, demo, finetune (--pretrained), or a file.",
        TRAINING, shown=True, also=(dict,),
    )  # fmt: skip
    own_recipes: tuple[tuple[str, Recipe], ...] = ()
    labels: Path | None = _option(
        None, "Table with a file and a label per row (CSV, TSV), and perhaps split and group.",
        metavar="FILE", shown=True,
    )  # fmt: skip
    group_by: str | None = _option(
        None, "Regular expression that finds in a file's name what belongs together: a patient.",
        metavar="PATTERN",
    )  # fmt: skip
    split: str = _option(
        "auto", "auto: given if the folder has its own (train/, test/), else stratified "
        "(70/15/15); textbook; kfold:5 (each image tested once).",
        shown=True,
    )  # fmt: skip
    within: str | None = _option(
        None, "Use only the training part of this split: stratified, textbook, given.",
        metavar="SPLIT",
    )  # fmt: skip
    near_duplicates: str = _option(
        "group", "Pictures that are nearly the same: group (one part of the split), note, or off.",
        choices=("group", "note", "off"),
    )  # fmt: skip
    epochs: int | None = _option(
        None, "Number of epochs; overrides the recipe.", TRAINING, shown=True, minimum=1
    )
    budget: str | float | None = _option(
        None, "Train each model for 60s, 5m or 1h, as suits its kind (recipe best).", TRAINING,
        shown=True, also=(float,),
    )  # fmt: skip
    patience: int | None = _option(
        None, "Stop after so many epochs without better validation accuracy; test the best epoch.",
        TRAINING, shown=True, minimum=1,
    )  # fmt: skip
    target: str | float | None = _option(
        None, "Show the training time to this validation accuracy: 75%, 0.75.",
        metavar="ACCURACY", also=(float,),
    )  # fmt: skip
    batch_size: int | None = _option(
        None, "Images per batch; overrides the recipe.", TRAINING, shown=True, minimum=1
    )
    learning_rate: float | None = _option(
        None, "Learning rate; overrides the recipe, but not Muon's rate for filters.",
        TRAINING, shown=True,
    )  # fmt: skip
    seeds: tuple[int, ...] = _option(
        (0,), "Number of seeds (3), or a list (0,7).", TRAINING, shown=True, also=(int, list),
        parse=parse_seeds,
    )  # fmt: skip
    until_clear: bool = _option(
        False, "Train 3, 6, then 12 seeds, until it is clear which model is better.", TRAINING,
        shown=True,
    )  # fmt: skip
    same_within: float = _option(
        SAME_WITHIN, "With --until-clear: points that are the same for practical purposes.",
        TRAINING, metavar="POINTS",
    )  # fmt: skip
    device: str = _option("auto", "auto, cpu, cuda, cuda:1, mps.", MACHINE, shown=True)
    precision: str = _option(
        "float32", "float32, bfloat16, float16 (GPU), float64; auto: the faster of the first two.",
        MACHINE, shown=True,
    )  # fmt: skip
    threads: int | None = _option(
        None, "CPU threads of each network. Default: all cores, divided among jobs.", MACHINE,
        minimum=1,
    )  # fmt: skip
    workers: int = _option(2, "Threads that prepare batches; 0: none.", MACHINE, minimum=0)
    limit: int | None = _option(None, "Use at most so many images.", shown=True, minimum=2)
    train_images: int | None = _option(
        None, "Train on at most so many images; those that validate and test are the same.",
        TRAINING, minimum=1,
    )  # fmt: skip
    runs: Path = _option(Path("runs"), "Folder for runs.", shown=True, flags=("--runs-dir",))
    weights: bool = _option(True, "Keep the trained weights.")
    fidelity: str = _option(
        "exact", "Resize training images: exact, or fast (up to 2 of 255 levels off).", TRAINING,
        choices=("exact", "fast"),
    )  # fmt: skip
    layout: str = _option(
        "auto", "Order of tensors in memory; auto: the faster for each network.", MACHINE,
        flags=("--memory-format",), formerly="--layout",
        choices=("auto", "channels_last", "contiguous"),
    )  # fmt: skip
    compiled: bool = _option(
        False, "Use torch.compile; its time is measured separately.", MACHINE, flags=("--compile",)
    )
    cache: bool = _option(True, "Keep decoded images for all runs.", MACHINE)
    profile: bool = _option(False, "Show where the time goes, and the maximum speed.", MACHINE)
    timeout: float | None = _option(
        None, "Stop a trial after so many seconds.", SAFETY, shown=True, metavar="SECONDS"
    )
    checkpoint_every: str = _option(
        "60s",
        "Checkpoint every 60s, 5m, 200 (steps), and at a stop; or never.",
        SAFETY,
        also=(int,),
        parse=str,
    )
    checkpoints: str | None = _option(
        None, "Also keep checkpoints in a shared folder or URL (s3://…), to resume on another "
        "machine.", SAFETY, metavar="URL",
    )  # fmt: skip
    on_oom: str = _option(
        "fail", "Out of memory: fail, or halve the batch and flag the row.", SAFETY,
        choices=("fail", "halve"),
    )  # fmt: skip
    allow_rejects: bool = _option(False, "Continue if over 1 % of images are rejected.", SAFETY)
    engine: str = _option(
        LOCAL.name, "Where trials run: local, ray (a cluster); `zoo list engines`.", MACHINE,
        shown=True,
    )  # fmt: skip
    address: str | None = _option(
        None, "With --engine ray: existing Ray cluster; default: start one locally.", MACHINE
    )
    jobs: int | None = _option(
        None, "Concurrent trials; they share the machine, so each is slower.", MACHINE, shown=True,
        flags=("--jobs", "-j"), minimum=1,
    )  # fmt: skip
    isolate: bool = _option(True, "Run each trial in its own process.", SAFETY)
    aa: bool = _option(
        False, "Compare one model with itself under other seeds, to show the noise.", TRAINING
    )
    pretrained: bool = _option(
        False, "Start from a family's trained weights; downloads missing ones.", TRAINING,
        shown=True,
    )  # fmt: skip
    frozen: bool = _option(
        False, "With --pretrained: train only the head.", TRAINING, flags=("--freeze-backbone",)
    )
    log: tuple[str, ...] = _option(
        (), "Also log trials to tensorboard, mlflow or both. A failing tracker prints one warning.",
        metavar="NAMES", choices=("tensorboard", "mlflow"), also=(str,),
        parse=lambda given: tuple(dict.fromkeys(_names(given))),
    )  # fmt: skip


def require_named_once(models: Iterable[str | Architecture]) -> None:
    """Raise RunError if a name is given twice; a pattern may match what is named, too."""
    names = [name for name in models if isinstance(name, str)]
    for name in names:
        if names.count(name) > 1:
            raise RunError(
                f"{name!r} is named {names.count(name)} times: name it once; --seeds 2 trains it "
                "with two seeds, --aa compares it with itself"
            )


def require_one_rule(given: Mapping[str, Any]) -> None:
    """Raise RunError if both a number of seeds and a rule for it are given."""
    if given.get("until_clear") and "seeds" in given:
        raise RunError("--until-clear sets the number of seeds: leave out --seeds")


def displaced_by(given: Iterable[str]) -> dict[str, Any]:
    """Return the fields, with their defaults, that the `given` fields override."""
    displaced = {"epochs": ("budget",), "budget": ("epochs",), "recipe": ("own_recipes",),
                 "engine": ("address",), "seeds": ("until_clear", "same_within")}  # fmt: skip
    others = (other for name in given for other in displaced.get(name, ()))
    return {other: OPTIONS[other].default if other in OPTIONS else () for other in others}


def _complete(option: Option, name: str, annotation: str, default: Any) -> Option:
    kind = next(kind for start, kind in _KINDS.items() if start in annotation)
    flag = f"--{name.replace('_', '-')}"
    flags = (f"{flag}/--no{flag[1:]}" if default is True else flag,)
    value = None if default is MISSING or default == () else default
    return replace(option, name=name, kind=kind, default=value, flags=option.flags or flags)


OPTIONS: Mapping[str, Option] = MappingProxyType(
    {
        each.name: _complete(each.metadata["option"], each.name, str(each.type), each.default)
        for each in fields(RunOptions)
        if each.metadata
    }
)
