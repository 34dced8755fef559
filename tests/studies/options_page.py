"""docs/options.md, written from the fields of the options and the commands' own: `make options`."""

from __future__ import annotations

from collections.abc import Iterator

import typer
from paths import ROOT

from bench.runs.run_options import OPTIONS, Option
from zoo.cli.app import app

PAGE = ROOT / "docs" / "options.md"
_HEAD = """# Options of `zoo bench` and `zoo plan`

Written by `make options` from the fields in `bench/runs/run_options.py`. `zoo bench --help` shows
those in **bold**; the command line takes all. `zoo plan` has none of `--jobs`, `--engine`,
`--address` and `--runs-dir`, which say how and where a run is done, and ignores them in a file.

## A run from a file

`zoo bench --config run.toml` takes them from a file:

```toml
models = ["lenet5", "lenet"]
data = "photographs"
epochs = 5
seeds = 3
memory-format = "channels_last"
isolate = false
```

A key is the name in the second column, or the option's without `--`; `-` and `_` are the same.
Paths are from where the command runs, not from where the file is. The command line wins:
`zoo bench --config run.toml --epochs 20`; there, `--epochs` takes the place of a `budget` in the
file, and `--budget` that of `epochs`. A key or a value that is none ends the command with one line.

A run folder, or its `config.json`, is such a file: `zoo bench --config runs/0001-lenet5` asks for
the same run again, from wherever. It has whole paths, and the recipe in full.

"""
_TITLES = {None: "What is compared"}


def page() -> str:
    """Return the whole page."""
    panels = dict.fromkeys(option.panel for option in OPTIONS.values())
    tables = (_table(panel) for panel in panels)
    return _HEAD + "\n".join(tables) + "\n## On the command line alone\n\n" + _own()


def _table(panel: str | None) -> str:
    rows = (_row(option) for option in OPTIONS.values() if option.panel == panel)
    title = _TITLES.get(panel, panel)
    head = "| option | in a file | allowed | default | |\n| --- | --- | --- | --- | --- |\n"
    return f"## {title}\n\n{head}{''.join(rows)}"


def _row(option: Option) -> str:
    flags = ", ".join(f"`{each}`" for each in option.flags)
    flags = f"**{flags}**" if option.shown else flags
    cells = flags, f"`{option.name}`", option.allowed, _default(option), _cell(option.text)
    return f"| {' | '.join(cells)} |\n"


def _default(option: Option) -> str:
    text = option.default_text
    return text if not text or isinstance(option.default, bool) else f"`{text}`"


def _own() -> str:
    return "| option | of | |\n| --- | --- | --- |\n" + "".join(_own_rows())


def _own_rows() -> Iterator[str]:
    """Yield the options that are not of a run but of a command."""
    found: dict[str, tuple[list[str], str]] = {}
    for name in ("bench", "plan"):
        for each in typer.main.get_command(app).commands[name].params:
            named = each.name.removeprefix("formerly_")
            if each.param_type_name == "option" and named not in OPTIONS:
                flags = ", ".join(f"`{flag}`" for flag in each.opts)
                found.setdefault(flags, ([], each.help or ""))[0].append(f"`zoo {name}`")
    for flags, (commands, text) in found.items():
        yield f"| {flags} | {', '.join(commands)} | {_cell(text)} |\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
