from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

from bertslim.measure import contention
from bertslim.measure.contention import waited_ms

SPIN = """
    import os, subprocess, sys, time
    from bertslim.measure.contention import waited_ms
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    other = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    start = waited_ms()
    while time.process_time() < 0.5:
        pass
    print(waited_ms() - start)
    other.kill()
    other.wait()
"""


def test_a_process_that_shares_its_core_waits_for_about_as_long_as_it_runs():
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(SPIN)], capture_output=True, text=True, check=True
    )
    assert 100 < float(done.stdout) < 10_000


def test_threads_are_added_up(tmp_path, monkeypatch):
    for number, waited_ns in ((1, 1_500_000), (2, 500_000)):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "schedstat").write_text(f"9000000 {waited_ns} 12\n")
    monkeypatch.setattr(contention, "_THREADS", tmp_path)
    assert waited_ms() == pytest.approx(2.0)


def test_no_thread_waits_where_the_kernel_does_not_say(tmp_path, monkeypatch):
    (tmp_path / "1").mkdir()
    monkeypatch.setattr(contention, "_THREADS", tmp_path)
    assert waited_ms() == 0
