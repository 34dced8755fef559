"""The commands that use trained weights: `zoo predict` and `zoo export`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from registry.errors import RunError
from zoo.cli.options import Json
from zoo.cli.output import print_found, print_json, print_path, say

if TYPE_CHECKING:
    from bench.runs.export import Export
    from bench.runs.onnx import Comparison

Best = Annotated[bool, typer.Option("--best", help="Use weights of the best epoch, not the last.")]

Networks = Annotated[
    list[str] | None,
    typer.Option(metavar="FILE.py:CLASS", help="Run this file, if the network comes from it."),
]


def predict(
    photos: Annotated[list[Path], typer.Argument(help="Photographs to classify.")],
    run: Annotated[Path, typer.Option(help="A run folder, a trial's, or a weights file.")],
    best: Best = False,
    network: Networks = None,
    as_json: Json = False,
) -> None:
    """Classify your own photographs with the networks of a run."""
    from bench.runs.predict import find_weights, predict
    from zoo.cli.list_tables import predictions_table

    found = list(predict(photos, find_weights(run, best=best), files=network or ()))
    print_found([asdict(each) for each in found], predictions_table(found), as_json=as_json)


def export(
    run: Annotated[Path, typer.Argument(help="A run folder, a trial's, or a weights file.")],
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
    from bench.runs.predict import find_weights

    wanted: tuple[tuple[Kind, str | None], ...] = ("onnx", onnx), ("safetensors", safetensors)
    if onnx is None and safetensors is None:
        raise RunError("no format: give --onnx FILE, --safetensors FILE, or both")
    trained = choose(find_weights(run, best=best), model=model, seed=seed, fold=fold)
    planned = [each for kind, target in wanted if target is not None
               for each in plan(trained, kind, target, force=force)]  # fmt: skip
    rows = []
    for each in planned:
        comparison = carry_out(each, files=network or ())
        rows.append(_row(each, comparison))
        say(_outcome(each, comparison))
        if not as_json:
            print_path(each.path)
    if as_json:
        print_json(rows)


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
