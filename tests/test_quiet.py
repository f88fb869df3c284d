"""Nothing that is said inside reaches the user, and everything said after does."""

from __future__ import annotations

import logging
import os
import sys
import warnings

import pytest

from bertslim.quiet import quiet_process


def chatter(log: logging.Logger) -> None:
    sys.stdout.write("text\n")
    sys.stderr.write("text\n")
    log.critical("log")
    warnings.warn("warning", stacklevel=1)
    os.write(1, b"native\n")
    os.write(2, b"native error\n")


def logger() -> logging.Logger:
    """A logger whose handler holds the standard error of before."""
    log = logging.getLogger("some.library")
    log.handlers = [logging.StreamHandler(sys.stderr)]
    log.propagate = False
    return log


def test_nothing_reaches_the_user(capfd: pytest.CaptureFixture[str]) -> None:
    log = logger()

    with quiet_process():
        chatter(log)

    assert capfd.readouterr() == ("", "")


def test_all_is_as_before_after_an_error(
    capfd: pytest.CaptureFixture[str],
) -> None:
    log = logger()
    with pytest.raises(KeyboardInterrupt), quiet_process():
        raise KeyboardInterrupt
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208

    with quiet_process():
        pass
    log.critical("log")
    os.write(1, b"native\n")
    sys.stdout.write("text\n")

    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208
    out, err = capfd.readouterr()
    assert sorted(out.split()) == ["native", "text"]
    assert err == "log\n"
