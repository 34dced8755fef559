"""The commands that use trained weights: `zoo predict` and `zoo export`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.system.display import join_names
from registry.errors import DataError, RunError
from registry.exit_codes import ExitCode
from zoo.cli.options import Json
from zoo.cli.output import print_json, print_path, print_rendered, say
from zoo.cli.runs import RunsDir

if TYPE_CHECKING:
    from bench.data.find import Reject
    from bench.data.given_pictures import GivenPictures
    from bench.runs.export import Export
    from bench.runs.onnx import Comparison
    from bench.runs.predict import Prediction

_RUN = "A run's number, name or folder; a trial's folder; or a weights file."
Best = Annotated[bool, typer.Option("--best", help="Use weights of the best epoch, not the last.")]

Networks = Annotated[
    list[str] | None,
    typer.Option(metavar="FILE.py:CLASS", help="Run this file, if the network comes from it."),
]


def predict(
    photos: Annotated[
        list[Path], typer.Argument(help="Photographs to classify, or folders of them.")
    ],
    run: Annotated[str, typer.Option(help=_RUN)],
    runs_dir: RunsDir = Path("runs"),
    best: Best = False,
    network: Networks = None,
    as_json: Json = False,
) -> None:
    """Classify your own photographs with the networks of a run."""
    from bench.data.given_pictures import read_given
    from bench.runs.predict import predict
    from bench.runs.trained_weights import find_weights
    from zoo.cli.list_tables import predictions_table

    weights = find_weights(run, runs_dir, best=best)
    given = read_given(photos)
    _say_what_is_left_out(given)
    found = predict(given, weights, files=network or (), say=say) if given.pictures else iter(())
    if as_json:
        print_json([*map(_answer_row, found), *map(_reject_row, given.rejects)])
    elif given.pictures:
        print_rendered(predictions_table(found))
    if not given.pictures:
        raise _nothing_readable(given)
    if given.rejects:
        raise typer.Exit(ExitCode.FAILED)


def export(
    run: Annotated[str, typer.Argument(help=_RUN)],
    runs_dir: RunsDir = Path("runs"),
    onnx: Annotated[
        str | None, typer.Option(metavar="FILE|FOLDER/", help="Write ONNX, checked against torch.")
    ] = None,
    safetensors: Annotated[
        str | None, typer.Option(metavar="FILE|FOLDER/", help="Write a copy of the weights.")
    ] = None,
    best: Best = False,
    network: Networks = None,
    model: Annotated[str | None, typer.Option(help="Only the weights of this model.")] = None,
    seed: Annotated[int | None, typer.Option(help="Only the weights of this seed.")] = None,
    fold: Annotated[int | None, typer.Option(help="Only the weights of this fold, from 1.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")] = False,
    as_json: Json = False,
) -> None:
    """Write trained weights to files for other programs; print their paths on stdout."""
    from bench.runs.export import Kind, carry_out, choose, plan
    from bench.runs.trained_weights import find_weights

    wanted: tuple[tuple[Kind, str | None], ...] = ("onnx", onnx), ("safetensors", safetensors)
    if onnx is None and safetensors is None:
        raise RunError("no format: give --onnx FILE, --safetensors FILE, or both")
    trained = choose(find_weights(run, runs_dir, best=best), model=model, seed=seed, fold=fold)
    planned = [each for kind, target in wanted if target is not None
               for each in plan(trained, kind, target, force=force)]  # fmt: skip
    rows = []
    for each in planned:
        comparison = carry_out(each, files=network or (), say=say)
        rows.append(_row(each, comparison))
        say(_outcome(each, comparison))
        if not as_json:
            print_path(each.path)
    if as_json:
        print_json(rows)


def _say_what_is_left_out(given: GivenPictures) -> None:
    """Print on stderr why each reject is not used, and how many files are no pictures."""
    if len(given.rejects) > 1 or given.pictures:  # a single one is the error
        for each in given.rejects:
            say(f"zoo: {_reason(each)}")
    if given.others:
        names = join_names([path.name for path in given.others], most=4)
        noun = "file" if len(given.others) == 1 else "files"
        say(f"{len(given.others):,} other {noun} skipped, no pictures by name: {names}")


def _nothing_readable(given: GivenPictures) -> DataError:
    if len(given.rejects) == 1:
        return DataError(_reason(given.rejects[0]))
    return DataError(f"none of these {len(given.rejects):,} pictures and folders can be read")


def _reason(reject: Reject) -> str:
    return f"cannot read {reject.name}: {reject.reason}"


def _answer_row(prediction: Prediction) -> dict[str, object]:
    return {**asdict(prediction), "error": None}


def _reject_row(reject: Reject) -> dict[str, object]:
    """Return a row with the fields of a prediction, without one."""
    nothing = dict.fromkeys(("model", "seed", "fold", "predicted", "probability", "probabilities"))
    return {"photo": reject.name, **nothing, "error": reject.reason}


def _row(export: Export, comparison: Comparison | None) -> dict[str, object]:
    trained = export.trained
    return {
        "format": export.kind,
        "path": str(export.path),
        "bytes": export.path.stat().st_size,
        "model": trained.published.model,
        "seed": trained.seed,
        "fold": trained.fold,
        "epoch": trained.published.epoch,
        "largest_difference": comparison and comparison.largest_difference,
        "relative_difference": comparison and comparison.relative_difference,
    }


def _outcome(export: Export, comparison: Comparison | None) -> str:
    published = export.trained.published
    what = f"{published.model}, epoch {published.epoch}"
    if export.kind == "safetensors":
        return f"✓ {what}: copied, identical when read back"
    if comparison is None:
        return f"{what}: valid ONNX, but not compared with torch: onnxruntime is not installed"
    return (
        f"✓ {what}: logits differ from torch's by at most {comparison.largest_difference:.1e}, "
        f"{comparison.relative_difference:.1e} of the largest"
    )
