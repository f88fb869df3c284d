from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

import bertslim
from bertslim.measure import environment
from bertslim.measure.environment import default_threads, describe_environment


@pytest.fixture
def outside_git(tmp_path, monkeypatch):
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def git(*arguments):
    identity = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    done = subprocess.run(
        ["git", *identity, *arguments], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def test_describes_this_machine():
    here = describe_environment(threads=3)
    assert here.threads == 3
    assert 1 <= here.cores <= os.cpu_count()
    assert here.memory_bytes == psutil.virtual_memory().total
    assert here.python == platform.python_version()
    assert platform.release() in here.os
    assert here.cpu
    assert here.versions["bertslim"] == bertslim.__version__
    for package in ("torch", "transformers", "tokenizers", "safetensors", "numpy"):
        assert here.versions[package] == importlib.metadata.version(package)


def test_describing_imports_nothing_heavy():
    code = (
        "import sys; from bertslim.measure.environment import describe_environment as d; d(1); "
        "print([m for m in ('torch', 'transformers', 'numpy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_package_that_is_not_installed_is_left_out(monkeypatch):
    monkeypatch.setattr(environment, "PACKAGES", ("numpy", "no-such-package"))
    assert set(describe_environment(1).versions) == {"bertslim", "numpy"}


def test_git_revision_of_the_current_directory(outside_git):
    assert describe_environment(1).git is None
    git("init", "--quiet")
    assert describe_environment(1).git is None, "no commit yet"
    git("commit", "--quiet", "--allow-empty", "--message", "first")
    assert describe_environment(1).git == git("rev-parse", "HEAD")


def test_git_may_be_absent(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert describe_environment(1).git is None


def test_the_current_directory_may_be_gone(tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert describe_environment(1).git is None


def test_cpu_model_is_read_where_linux_names_it(tmp_path, monkeypatch):
    cpuinfo = tmp_path / "cpuinfo"
    monkeypatch.setattr(environment, "CPU_INFO", cpuinfo)
    cpuinfo.write_text("processor\t: 0\nmodel name\t: Fast CPU @ 3.00GHz\n\nprocessor\t: 1\n")
    assert describe_environment(1).cpu == "Fast CPU @ 3.00GHz"
    cpuinfo.write_text("processor\t: 0\nBogoMIPS\t: 50.00\n")
    assert describe_environment(1).cpu in (platform.processor(), platform.machine())


@pytest.mark.parametrize(
    ("files", "threads"),
    [
        ({}, 8),
        ({"cpu.max": "max 100000"}, 8),
        ({"cpu.max": "350000 100000"}, 3),
        ({"cpu.max": "50000 100000"}, 1),
        ({"cpu.max": "1600000 100000"}, 8),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, 8),
        ({"cpu/cpu.cfs_quota_us": "200000", "cpu/cpu.cfs_period_us": "100000"}, 2),
        ({"cpu/cpu.cfs_quota_us": "200000"}, 8),
    ],
)
def test_default_threads_honour_affinity_and_quota(files, threads, tmp_path, monkeypatch):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text + "\n")
    monkeypatch.setattr(environment, "CGROUPS", tmp_path)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    assert default_threads() == threads


@pytest.mark.parametrize(
    ("machine", "flags", "expected"),
    [
        ("x86_64", "flags\t\t: fpu avx2 avx512f", False),
        ("x86_64", "flags\t\t: fpu avx2 avx_vnni", True),
        ("x86_64", "flags\t\t: fpu avx512f avx512_vnni", True),
        ("x86_64", "", False),
        ("aarch64", "Features\t: fp asimd", True),
    ],
)
def test_which_cpus_add_int8_products_in_32_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, machine: str, flags: str, expected: bool
) -> None:
    (tmp_path / "cpuinfo").write_text(f"processor\t: 0\n{flags}\n")
    monkeypatch.setattr(environment, "CPU_INFO", tmp_path / "cpuinfo")
    monkeypatch.setattr(environment.platform, "machine", lambda: machine)
    assert environment.cpu_has_vnni() is expected
