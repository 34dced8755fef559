"""The `zoo` command: arguments in, text out.

Only a command that builds a network imports torch, so that `zoo list` is fast.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from registry.catalog import Catalog
from registry.errors import ContractError, UnknownNameError, ZooError
from registry.exit_codes import ExitCode
from zoo import __version__
from zoo.cli.bench import bench
from zoo.cli.check import check
from zoo.cli.choose import choose
from zoo.cli.compare import compare
from zoo.cli.contract import contract_app
from zoo.cli.data import data_app
from zoo.cli.demo import demo
from zoo.cli.doctor import doctor
from zoo.cli.explain import explain
from zoo.cli.labels import labels
from zoo.cli.learn_curve import learn_curve
from zoo.cli.list import list_architectures
from zoo.cli.new import new
from zoo.cli.options import Json, complete
from zoo.cli.output import accept_any_text, end_when_interrupted, print_json, print_rendered, say
from zoo.cli.plan import gather, plan, work
from zoo.cli.runs import report, runs_app
from zoo.cli.stress import stress
from zoo.cli.tune import tune
from zoo.cli.weights import export, predict

_PANELS = _COMPARE, _AFTER, _EXPLORE, _YOURS, _DATA, _SCALE = (
    "Compare", "After the table", "Explore", "Your own", "Data", "Scale"
)  # fmt: skip
_UsageError: type[Exception] = typer.BadParameter.__bases__[0]  # Click's, which typer contains
_OUTPUT_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)
_MORE = "`zoo list options` shows all options, also those for --config."


class _Commands(TyperGroup):
    """The commands in the order of their panels; Ctrl-C prints one line."""

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]
        """Return the names of the commands."""
        panels = [getattr(command, "rich_help_panel", "") for command in self.commands.values()]
        order = dict(zip(self.commands, map(_PANELS.index, panels), strict=True))
        return sorted(order, key=order.__getitem__)

    def invoke(self, ctx: typer.Context) -> Any:  # type: ignore[override]
        """Return the result of the command."""
        with end_when_interrupted("interrupted"):
            return super().invoke(ctx)


app = typer.Typer(
    name="zoo",
    cls=_Commands,
    help="Compare image classifiers under identical, reproducible conditions.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> None:
    """Run the command; an error becomes one line on stderr and an exit code."""
    accept_any_text()
    try:
        code = _run()
        if sys.stdout is not None:
            sys.stdout.flush()  # at exit Python would only print a warning
    except BrokenPipeError:  # `zoo list | head`
        code = ExitCode.OK
        _drop_output()
    except OSError as error:
        if error.filename is None and error.errno not in _OUTPUT_ERRORS:
            raise
        code = ExitCode.FAILED
        if error.filename is None:  # `zoo list >/dev/full`
            _drop_output()
            say(f"zoo: cannot write the output: {error.strerror}")
        else:  # a file that is another user's, or on a disk that is gone
            say(f"zoo: cannot use {os.fsdecode(error.filename)}: {error.strerror}")
    sys.exit(code)


def _run() -> int:
    """Run the command and return its exit code."""
    try:
        return int(app(standalone_mode=False) or ExitCode.OK)
    except _UsageError as error:
        return _say_usage(error)
    except typer.Abort:  # Ctrl-C, or no more input, at a question
        say("Aborted.")
        return ExitCode.DECLINED
    except UnknownNameError as error:
        say(f"zoo: {error.with_others(_of_libraries(error))}")
        return int(error.exit_code)
    except ZooError as error:
        say(f"zoo: {error}")
        return int(error.exit_code)


def _of_libraries(error: UnknownNameError) -> list[str]:
    """Return the networks of libraries that have the unknown name after their prefix."""
    if error.noun != "architecture" or set(error.name) & set(":/*?"):
        return []
    from zoo.library_names import library_names

    known = [each for names in library_names().values() for each in names]
    return [each for each in known if each.partition(":")[2] == error.name]


def _drop_output() -> None:
    """Send what is left in the buffer of stdout nowhere: it would fail again at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _say_usage(error: Any) -> int:
    """Print what is wrong with the command line in one line, and return the exit code."""
    if str(error):
        said = error.format_message().rstrip(".")
        where = error.ctx.command_path if error.ctx else "zoo"
        end = "" if said.endswith("?") else "."
        say(f"zoo: {said[:1].lower()}{said[1:]}{end} See `{where} --help`.")
    else:  # no command was given
        error.show()
    return int(error.exit_code)


def _print_version(context: typer.Context, wanted: bool) -> None:
    if not wanted:
        return
    print(f"zoo {__version__}")
    if context.params.get("verbose"):
        from zoo.diagnostics.doctor import versions

        for each in versions():
            print(f"{each.about} {each.text}")
    raise typer.Exit


@app.callback()
def zoo(
    verbose: Annotated[
        bool,
        typer.Option("-v", is_eager=True, help="With --version: also of what zoo uses."),
    ] = False,
    version: Annotated[  # not eager: `-v` is read before it
        bool, typer.Option("--version", callback=_print_version, help="Show the version.")
    ] = False,
) -> None:
    """Compare image classifiers under identical, reproducible conditions."""


def show(
    name: Annotated[str, typer.Argument(autocompletion=complete)], as_json: Json = False
) -> None:
    """Show an architecture layer by layer, and whether it keeps its contract."""
    entry, broken = Catalog.installed().get(name), None
    from registry.verify import verify  # after an unknown name: it needs torch
    from zoo.cli.show_tables import as_json_value, render

    try:
        verify(entry.value)
    except ContractError as error:
        broken = error
    if as_json:
        print_json(as_json_value(entry, broken))
    else:
        print_rendered(render(entry, broken))
    if broken:
        raise broken


_COMMANDS: tuple[tuple[str, tuple[Callable[..., None], ...]], ...] = (
    (_COMPARE, (demo, bench, compare, tune, report)),
    (_AFTER, (explain, stress, labels, learn_curve, choose)),  # of a finished run, as on the page
    (_EXPLORE, (list_architectures, show, predict, export)),
    (_YOURS, (new, check, doctor)),
    (_SCALE, (plan, work, gather)),
)
for _panel, _commands in _COMMANDS:
    for _command in _commands:
        app.command(
            _command.__name__.removesuffix("_architectures").replace("_", "-"),
            rich_help_panel=_panel,
            epilog=_MORE if _command in (bench, plan) else None,
        )(_command)
app.add_typer(runs_app, name="runs", rich_help_panel=_COMPARE)
app.add_typer(contract_app, name="contract", rich_help_panel=_YOURS)
app.add_typer(data_app, name="data", rich_help_panel=_DATA)
