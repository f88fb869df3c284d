"""The program `bertslim`, also as `python -m bertslim`, which launchers such as accelerate need."""

from __future__ import annotations

import sys

from bertslim.brief_spinning import spin_briefly
from bertslim.interrupts import INTERRUPTED, catch_signals, end_with, exit_with
from bertslim.terminal import open_closed_streams


def main() -> None:
    """Run the command line of this process and end it with the exit code."""
    open_closed_streams()
    catch_signals()  # before anything is imported that takes time
    spin_briefly()
    try:
        from bertslim.cli import run

        code = run(sys.argv[1:])
        end_with(code)
    except KeyboardInterrupt:  # a second one, while the first was told
        code = INTERRUPTED
    exit_with(code)


if __name__ == "__main__":
    main()
