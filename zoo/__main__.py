"""The `zoo` command, also as `python -m zoo`."""

import atexit
import os
import sys
from contextlib import suppress

from zoo_bench_start import require_rooms


def main() -> None:
    """Run the command, and end at once: to take torch apart takes Python another second."""
    try:
        _run()
    except SystemExit as error:
        if not isinstance(error.code, int):
            raise
        atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError, AttributeError):  # closed, or there is none
                stream.flush()
        os._exit(error.code)


def _run() -> None:
    """Run the command; Ctrl-C during its import prints one line, too."""
    require_rooms(command=True)
    try:
        from zoo.cli.app import main as run
    except KeyboardInterrupt:
        from registry.exit_codes import ExitCode

        sys.stderr.write("zoo: interrupted before anything was started\n")
        sys.exit(ExitCode.INTERRUPTED)
    run()


if __name__ == "__main__":
    main()
