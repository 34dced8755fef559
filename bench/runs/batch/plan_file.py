"""Plan files: everything that trials on other machines need, except images."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any, NoReturn

from bench.data.check import CheckedImage
from bench.data.folds import Splits
from bench.data.split import Split, image_as_plain, image_of
from bench.runs.description import digests_of
from bench.runs.plan import Plan
from bench.runs.request import Request, request_of
from bench.runs.stored_values import check_about, check_numbers, check_plan, require_described
from bench.system.received_files import read_regular
from bench.system.strict_json import json_digest
from bench.training.spec import TrialSpec, as_plain, spec_of
from registry.errors import RunError, format_error

VERSION = 1
_MOST_BYTES = 1_000_000_000  # a plan takes about 300 bytes an image
_KIND = "zoo_plan"
_PARTS = ("train", "validation", "test")
_ABOUT = frozenset({
    "title", "request", "environment", "recipe", "data", "classes", "manifest", "rejects", "split",
    "baseline",
})  # fmt: skip
_SOFTWARE = ("python", "packages", "code")
_DEEPEST = (TypeError, ValueError, LookupError, AttributeError, RecursionError)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanFile:
    """A plan read from a file."""

    path: Path
    about: Mapping[str, Any]  # the description for the store of the run
    specs: tuple[TrialSpec, ...]  # the trials, in the order of the plan
    splits: Splits

    @property
    def request(self) -> Request:
        """The request of the run."""
        return request_of(self.about["request"])

    @property
    def folder(self) -> Path:
        """The default folder of its trials: `plan.work` beside `plan.json`."""
        path = self.path
        return path.with_name(f"{path.stem if path.suffix == '.json' else path.name}.work")

    @property
    def id(self) -> str:
        """Digest of trials, images and software, independent of time and machine."""
        software = software_of(self.about["environment"])
        return json_digest([[spec.id for spec in self.specs], self.splits.fingerprint, software])

    @property
    def first(self) -> str:
        """Digest of the plan that began the run: this one's, or that to which it adds seeds."""
        return str(self.about["environment"].get("plan", self.id))


def software_of(environment: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parts of an environment that must be equal: versions and network code."""
    return {name: environment.get(name) for name in _SOFTWARE}


def images_of(splits: Splits) -> tuple[CheckedImage, ...]:
    """Return all images of `splits`, each once."""
    parts = (getattr(split, part) for split in splits.each for part in _PARTS)
    return tuple(dict.fromkeys(chain.from_iterable(parts)))


def with_images(splits: Splits, images: Mapping[CheckedImage, CheckedImage]) -> Splits:
    """Return `splits` with each image replaced by its value in `images`."""
    each = list[Split]()
    for split in splits.each:
        parts: Any = {p: tuple(images[image] for image in getattr(split, p)) for p in _PARTS}
        each.append(replace(split, **parts))
    return replace(splits, each=tuple(each))


def plan_text(plan: Plan) -> str:
    """Return `plan` as JSON with its SHA-256. Raises RunError for a network of a notebook."""
    for spec in plan.specs:
        if spec.architecture.constructor.startswith("__main__:"):
            raise RunError(
                f"{spec.model} is defined in a notebook, which other processes cannot import: "
                "move it to a file, and name that"
            )
    images = images_of(plan.splits)
    numbers = {image: number for number, image in enumerate(images)}
    body = {
        _KIND: VERSION,
        "about": {name: value for name, value in plan.about.items() if name in _ABOUT},
        "specs": as_plain(plan.specs),
        "images": [image_as_plain(image) for image in images],
        "splits": {
            "name": plan.splits.name,
            "within": plan.splits.within,
            "each": [
                {"name": split.name, "within": split.within}
                | {part: [numbers[image] for image in getattr(split, part)] for part in _PARTS}
                for split in plan.splits.each
            ],
        },
    }
    body = json.loads(json.dumps(body, allow_nan=False))  # as read from a file: lists, not tuples
    return json.dumps({**body, "sha256": json_digest(body)}) + "\n"


def read_plan(path: Path) -> PlanFile:
    """Return the plan in `path` without running code of it. Raises RunError if it is invalid."""
    plain = _read_json(path)
    version = plain.get(_KIND)
    if version is None:
        raise RunError(f"{path} is not a plan: `zoo plan` writes one")
    if version != VERSION:
        raise RunError(
            f"{path} is a plan of version {version}, this zoo reads version {VERSION}: use the "
            "zoo that wrote it, or make a new plan"
        )
    if plain.pop("sha256", None) != json_digest(plain):
        raise RunError(f"{path} is damaged or was altered: make it again with `zoo plan`")
    try:
        images = [image_of(each) for each in plain["images"]]
        found = PlanFile(
            path=path,
            about={**plain["about"], "pictures": digests_of(images)},
            specs=tuple(spec_of(each) for each in plain["specs"]),
            splits=_splits(plain["splits"], images),
        )
        _require_whole(found)
    except (*_DEEPEST, RunError) as error:
        raise RunError(f"{path} is not a valid plan: {format_error(error)}") from error
    return found


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = read_regular(path, most=_MOST_BYTES, follow=True)
        plain = json.loads(content, parse_constant=_no_number)
        check_numbers(plain, "plan")
    except FileNotFoundError:
        raise RunError(
            f"no plan {path}: `zoo plan --models lenet alexnet --out {path}` makes one"
        ) from None
    except OSError as error:
        raise RunError(f"cannot read {path}: {error.strerror or error}") from error
    except _DEEPEST as error:
        raise RunError(f"{path} is not a plan, or not complete: {format_error(error)}") from error
    return plain if isinstance(plain, dict) else {}


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _splits(plain: Mapping[str, Any], images: list[CheckedImage]) -> Splits:
    each = tuple(
        Split(
            name=split["name"],
            within=split["within"],
            **{part: tuple(images[number] for number in split[part]) for part in _PARTS},
        )
        for split in plain["each"]
    )
    return Splits(name=plain["name"], each=each, within=plain["within"])


def _require_whole(plan: PlanFile) -> None:
    """Raise ValueError if a part is missing or inconsistent."""
    if set(plan.about) != {*_ABOUT, "pictures"} or not isinstance(plan.about["environment"], dict):
        raise ValueError("the description of the run is incomplete")
    require_described(plan.about)
    check_about(plan.about)
    check_plan(plan.about, [(spec, None) for spec in plan.specs])
    plan.request  # noqa: B018  (raises if it is invalid)
    if not plan.specs or len({spec.key for spec in plan.specs}) < len(plan.specs):
        raise ValueError("no trials, or a duplicate trial")
    for spec in plan.specs:
        if spec.model.strip(".") == "":
            raise ValueError(f"{spec.model!r} is not a model name")
        if plan.splits.of(spec.fold).fingerprint != spec.split_fingerprint:
            raise ValueError(f"{spec.model} belongs to another split")


def describe_trial(spec: TrialSpec) -> str:
    """Return the name of a trial in messages: `lenet (seed 3)`."""
    return f"{spec.model} ({spec.turn})"
