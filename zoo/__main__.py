"""The `zoo` command, also as `python -m zoo`."""

import sys

from zoo_bench_start import require_rooms


def main() -> None:
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
