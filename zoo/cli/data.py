"""The `zoo data` commands: check a folder, fetch a public data set, show the cache."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from bench.system.display import display
from zoo.cli.options import Json
from zoo.cli.output import print_json, print_path, print_rendered

data_app = typer.Typer(
    help="Check image folders, fetch public data sets, show the cache.", no_args_is_help=True
)


@data_app.command()
def check(
    folder: Annotated[Path, typer.Argument(help="Image folder with a folder for each class.")],
    as_json: Json = False,
    sheet: Annotated[
        Path | None, typer.Option(help="PNG file to write: the rejected files that can be drawn.")
    ] = None,
    near_duplicates: Annotated[
        str, typer.Option(help="Near-copies: group (one part of a split), note, or off.")
    ] = "group",
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Decode all images again.")] = False,
    labels: Annotated[
        Path | None, typer.Option(help="Table with a file and a label per row (CSV, TSV).")
    ] = None,
    group_by: Annotated[
        str | None, typer.Option(metavar="PATTERN", help="Finds the group in a file's name.")
    ] = None,
) -> None:
    """Show which images are usable, which are rejected and why, and which are duplicates."""
    from bench.data.check import check, require_few_rejects, require_one_label_each
    from bench.data.duplicates import NEAR_DUPLICATES
    from bench.data.find import find
    from bench.data.folds import AUTO, make_splits
    from bench.data.manifest import as_json_value, parts_line, render
    from bench.data.validation_cache import ValidationCache
    from bench.runs.progress import Progress
    from bench.system.cache_folder import own_cache_folder
    from bench.system.cpu import default_threads
    from bench.system.options import parse_choice

    near = parse_choice("--near-duplicates", near_duplicates, NEAR_DUPLICATES)
    finding = find(folder, labels=labels, group_by=group_by)
    progress = Progress()
    cache = None if no_cache else own_cache_folder(progress.say)
    with progress.counting("checking images", len(finding.images)) as bar:
        manifest = check(
            finding,
            threads=default_threads(),
            on_image=bar.update,
            ledger=ValidationCache(cache / "checked.sqlite") if cache else None,
            near_duplicates=near,
        )
    if sheet:
        from bench.report.tiles import write_sheet

        write_sheet(sheet, manifest, threads=default_threads())
    if as_json:
        print_json(as_json_value(manifest))
    else:
        print_rendered(render(manifest))
    require_one_label_each(manifest)
    require_few_rejects(manifest)
    splits = make_splits(AUTO, manifest)
    if not as_json:
        print_rendered(parts_line(splits.of(None)))


@data_app.command()
def fetch(
    name: Annotated[str, typer.Argument(help="cats-vs-dogs or oxford-iiit-pet.")],
    into: Annotated[Path, typer.Option(help="Folder for the data set.")] = Path("data"),
) -> None:
    """Download, check and unpack a public data set; resume an interrupted download."""
    from bench.data.fetch import fetch

    print_path(fetch(name, into, progress=sys.stderr.isatty()))


@data_app.command()
def cache(
    info: Annotated[bool, typer.Option("--info", help="Show the cache (the default).")] = False,
    clear: Annotated[bool, typer.Option("--clear", help="Remove it; runs rebuild it.")] = False,
    as_json: Json = False,
) -> None:
    """Show what the cache holds, where, and its size; or remove it."""
    from bench.system.cache_folder import cache_folder, clear_cache, kept_files
    from registry.errors import RunError

    if info and clear:
        raise RunError("use --info or --clear, not both")
    folder = cache_folder()
    files = kept_files(folder)
    total = sum(file.bytes for file in files)
    if clear:
        clear_cache(folder)
    if as_json:
        rows = [{"name": file.name, "bytes": file.bytes, "used": file.used} for file in files]
        print_json({"folder": str(folder), "files": rows, "cleared": clear})
        return
    if not clear:
        for file in files:
            print(f"{file.bytes / 1e6:10,.1f} MB  last used {file.used}  {display(file.name)}")
    done = "removed from" if clear else "in"
    print(f"{total / 1e6:10,.1f} MB {done} {display(str(folder))} ({len(files)} files)")


@data_app.command()
def draw(
    folder: Annotated[Path, typer.Argument(help="The folder to write; it must not exist.")],
    images: Annotated[int, typer.Option(min=2, help="Number of images, half cats.")] = 400,
    seed: Annotated[int, typer.Option(help="Seed of the drawings.")] = 0,
) -> None:
    """Write drawings of cats and dogs, like the embedded data set, to a folder."""
    from bench.data.synthetic import write_synthetic

    print_path(write_synthetic(folder, images=images, seed=seed))
