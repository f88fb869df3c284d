"""Whether there is a GPU, and what a run does on it."""

from __future__ import annotations

from bertslim.devices import Device, DeviceChoice, Devices
from bertslim.errors import InputError


def resolve_devices(choice: DeviceChoice) -> Devices:
    """Return the devices of a run; "auto" takes a GPU for work where PyTorch has one.

    Raises:
        InputError: A GPU is asked for, and PyTorch has none.
    """
    if choice == "cpu":
        return Devices()
    if has_cuda():
        return Devices("cuda", "cuda" if choice == "cuda" else "cpu")
    if choice == "cuda":
        raise InputError(
            "PyTorch finds no GPU here",
            where="--device cuda",
            remedy="leave it out, or install a driver and a build of PyTorch for CUDA",
        )
    return Devices()


def has_cuda() -> bool:
    """Whether PyTorch has a GPU."""
    import torch

    return torch.cuda.is_available()


def gpu_name(device: Device) -> str | None:
    """Return the name of the GPU, if that is the device."""
    if device == "cpu":
        return None
    import torch

    return torch.cuda.get_device_name()
