"""What the figures were measured on: the machine and the versions."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
from collections.abc import Sequence
from pathlib import Path

import psutil

from bertslim.records import Environment
from bertslim.version import __version__

PACKAGES = ("torch", "transformers", "tokenizers", "safetensors", "numpy")

_BFLOAT16_INSTRUCTIONS = frozenset({"avx512_bf16", "amx_bf16"})

_VNNI_INSTRUCTIONS = frozenset({"avx512_vnni", "avx_vnni", "amx_int8"})

CPU_INFO = Path("/proc/cpuinfo")
CGROUPS = Path("/sys/fs/cgroup")


def describe_environment(
    threads: int, packages: Sequence[str] | None = None, *, gpu: str | None = None
) -> Environment:
    """Describe this machine, the installed versions and the git revision of the current directory.

    Args:
        threads: How many the figures are measured with.
        packages: Whose versions are listed; None: those that `cut` goes by.
        gpu: The GPU that work is done on, if one is.
    """
    return Environment(
        cpu=_cpu_model(),
        cores=_usable_cores(),
        threads=threads,
        memory_bytes=psutil.virtual_memory().total,
        gpu=gpu,
        os=_operating_system(),
        python=platform.python_version(),
        versions={"bertslim": __version__} | _versions(PACKAGES if packages is None else packages),
        git=_git_revision(),
    )


def default_threads() -> int:
    """The cores that this process may use, by its affinity and its container's CPU quota."""
    quota = _cpu_quota()
    cores = _usable_cores()
    return cores if quota is None else max(1, min(cores, int(quota)))


def usable_threads(threads: int | None) -> int:
    """Return the number of threads that is asked for, or of cores that may be used."""
    return default_threads() if threads is None else threads


def cpu_multiplies_bfloat16() -> bool:
    """Whether the CPU has instructions for products of bfloat16."""
    return not _BFLOAT16_INSTRUCTIONS.isdisjoint(_cpu_flags())


def cpu_has_vnni() -> bool:
    """Whether the CPU adds products of int8 in 32 bits, as all but older x86 ones do."""
    x86 = platform.machine().lower() in ("x86_64", "amd64")
    return not x86 or not _VNNI_INSTRUCTIONS.isdisjoint(_cpu_flags())


def _cpu_flags() -> list[str]:
    lines = _read(CPU_INFO).splitlines()
    return next((line for line in lines if line.startswith("flags")), "").split()


def _usable_cores() -> int:
    return len(os.sched_getaffinity(0))


def _cpu_quota() -> float | None:
    """Cores' worth of time that the control group (version 2, else 1) allows; None: no limit."""
    both = _read(CGROUPS / "cpu.max") or " ".join(
        _read(CGROUPS / "cpu" / name) for name in ("cpu.cfs_quota_us", "cpu.cfs_period_us")
    )
    match both.split():
        case [quota, period] if quota.isdecimal() and period.isdecimal():
            return int(quota) / int(period)
        case _:
            return None


def _cpu_model() -> str:
    for line in _read(CPU_INFO).splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.processor() or platform.machine()


def _operating_system() -> str:
    kernel = f"{platform.system()} {platform.release()}"
    try:
        return f"{platform.freedesktop_os_release()['PRETTY_NAME']}, {kernel}"
    except (OSError, KeyError):
        return kernel


def _versions(packages: Sequence[str]) -> dict[str, str]:
    versions = {}
    for package in packages:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def _git_revision() -> str | None:
    command = ["git", "rev-parse", "--verify", "HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
