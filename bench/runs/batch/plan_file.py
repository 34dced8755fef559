"""A run's plan in one file, for trials on other machines: all that they need but the images."""

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
from bench.runs.plan import Plan
from bench.runs.request import Request, request_of
from bench.system.strict_json import json_digest
from bench.training.spec import TrialSpec, as_plain, spec_of
from registry.errors import RunError, format_error

VERSION = 1
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
    """A plan as a file has it."""

    path: Path
    about: Mapping[str, Any]  # what the store of the run is to say of it
    specs: tuple[TrialSpec, ...]  # the trials, in the order of the plan
    splits: Splits

    @property
    def request(self) -> Request:
        """What was asked for."""
        return request_of(self.about["request"])

    @property
    def folder(self) -> Path:
        """Where its trials are done unless told otherwise: `plan.work` beside `plan.json`."""
        path = self.path
        return path.with_name(f"{path.stem if path.suffix == '.json' else path.name}.work")

    @property
    def id(self) -> str:
        """Digest of trials, images and software: when it was made, and where, does not matter."""
        software = software_of(self.about["environment"])
        return json_digest([[spec.id for spec in self.specs], self.splits.fingerprint, software])


def software_of(environment: Mapping[str, Any]) -> dict[str, Any]:
    """Return of an environment the versions and the networks' code: what must be the same."""
    return {name: environment.get(name) for name in _SOFTWARE}


def images_of(splits: Splits) -> tuple[CheckedImage, ...]:
    """Return all images of `splits`, each once."""
    parts = (getattr(split, part) for split in splits.each for part in _PARTS)
    return tuple(dict.fromkeys(chain.from_iterable(parts)))


def with_images(splits: Splits, images: Mapping[CheckedImage, CheckedImage]) -> Splits:
    """Return `splits` with each image replaced by what `images` has for it."""
    each = list[Split]()
    for split in splits.each:
        parts: Any = {p: tuple(images[image] for image in getattr(split, p)) for p in _PARTS}
        each.append(replace(split, **parts))
    return replace(splits, each=tuple(each))


def plan_text(plan: Plan) -> str:
    """Return `plan` as JSON, with its SHA-256; RunError where no other process can have a model."""
    for spec in plan.specs:
        if spec.architecture.constructor.startswith("__main__:"):
            raise RunError(
                f"{spec.model} is defined in a notebook, which no other process has: put it in a "
                "file, and name that"
            )
    images = images_of(plan.splits)
    numbers = {image: number for number, image in enumerate(images)}
    body = {
        _KIND: VERSION,
        "about": plan.about,
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
    body = json.loads(json.dumps(body, allow_nan=False))  # as it will be read: no tuples
    return json.dumps({**body, "sha256": json_digest(body)}) + "\n"


def read_plan(path: Path) -> PlanFile:
    """Return the plan in `path`, of which nothing is run; RunError where it is none, or damaged."""
    plain = _read_json(path)
    version = plain.get(_KIND)
    if version is None:
        raise RunError(f"{path} is no plan: `zoo plan` writes one")
    if version != VERSION:
        raise RunError(
            f"{path} is a plan of version {version}, this program reads {VERSION}: use the "
            "zoo that wrote it, or plan anew"
        )
    if plain.pop("sha256", None) != json_digest(plain):
        raise RunError(f"{path} is damaged or was altered: it is not what `zoo plan` has written")
    try:
        images = [image_of(each) for each in plain["images"]]
        found = PlanFile(
            path=path,
            about=plain["about"],
            specs=tuple(spec_of(each) for each in plain["specs"]),
            splits=_splits(plain["splits"], images),
        )
        _require_whole(found)
    except (*_DEEPEST, RunError) as error:
        raise RunError(f"{path} is no plan of this version: {format_error(error)}") from error
    return found


def _read_json(path: Path) -> dict[str, Any]:
    try:
        plain = json.loads(path.read_bytes(), parse_constant=_no_number)
    except FileNotFoundError:
        raise RunError(
            f"there is no plan {path}: `zoo plan --models lenet alexnet --out {path}` makes one"
        ) from None
    except OSError as error:
        raise RunError(f"{path} can't be read: {error.strerror or error}") from error
    except _DEEPEST as error:
        raise RunError(f"{path} is no plan, or not all of one: {format_error(error)}") from error
    return plain if isinstance(plain, dict) else {}


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


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
    """Raise ValueError where something is missing, or does not fit."""
    if set(plan.about) != _ABOUT or not isinstance(plan.about["environment"], dict):
        raise ValueError("what is to be known of the run is not there")
    plan.request  # noqa: B018  (it raises where there is none)
    if not plan.specs or len({spec.key for spec in plan.specs}) < len(plan.specs):
        raise ValueError("no trials, or one twice")
    for spec in plan.specs:
        if spec.model.strip(".") == "":
            raise ValueError(f"{spec.model!r} is no model's name")
        if plan.splits.of(spec.fold).fingerprint != spec.split_fingerprint:
            raise ValueError(f"{spec.model} is to be trained on other images")


def describe_trial(spec: TrialSpec) -> str:
    """Return which trial this is, for a person: `lenet (seed 3)`."""
    return f"{spec.model} ({spec.turn})"
