"""A second device on a machine that has one: tensors on it are the CPU's, but mix with none of its.

It stands for CUDA where there is none. What is worked out is the same to the last bit; what is
checked is that every operation has all its tensors on one device, as PyTorch would.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

AWAY = torch.device("cuda")
_INDEXING = (Tensor.__getitem__, Tensor.__setitem__)  # by tensors of the CPU, which is allowed
_AS_IT_IS = (Tensor.copy_, Tensor.item, Tensor.tolist)


class AwayTensor(Tensor):
    """A tensor that is said to lie elsewhere."""

    @classmethod
    def __torch_function__(
        cls,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Refuse what reaches it past the mode, which no code does while the device is there."""
        return _run(func, args, dict(kwargs or {}))


class _Pretending(TorchFunctionMode):
    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        return _run(func, args, dict(kwargs or {}))


@contextmanager
def pretend_device() -> Iterator[None]:
    """Have a second device called "cuda" while the block runs."""
    parse = torch._C._nn._parse_to

    def parse_to(*args: Any, **kwargs: Any) -> Any:
        """Read the arguments of `module.to(tensor)`."""
        if args and is_away(args[0]):
            return AWAY, args[0].dtype, False, None
        return parse(*args, **kwargs)

    torch._C._nn._parse_to = parse_to
    try:
        with _Pretending():
            yield
    finally:
        torch._C._nn._parse_to = parse


def is_away(value: Any) -> bool:
    """Whether a tensor is on the second device."""
    return isinstance(value, AwayTensor)


def _run(func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    special = _SPECIAL.get(func)
    if special is not None:
        return special(args, kwargs)
    tensors = [one for one in _tensors((args, kwargs)) if one is not None]
    away = _asks_away(kwargs) or any(map(is_away, tensors))
    if away and func is not Tensor.copy_:
        _check(func, args, tensors)
    result = _plain(func, args, kwargs)
    return _tagged(result) if away and func not in _AS_IT_IS else result


def _check(func: Callable[..., Any], args: tuple[Any, ...], tensors: list[Tensor]) -> None:
    """Refuse tensors of both devices, numbers apart, as operations of PyTorch do."""
    if func in _INDEXING and is_away(args[0]):
        return
    home = [one for one in tensors if not is_away(one) and _plain(Tensor.dim, (one,), {}) > 0]
    if home and any(map(is_away, tensors)):
        raise RuntimeError(
            f"Expected all tensors to be on the same device, but found two: {func.__name__}"
        )


def _asks_away(kwargs: dict[str, Any]) -> bool:
    """Whether a factory is to make its tensor there; it is made here then."""
    device = kwargs.get("device")
    if device is None or torch.device(device).type != AWAY.type:
        return False
    kwargs["device"] = "cpu"
    return True


def _converted(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tensor:
    """Carry out `tensor.to(...)`, to a device, to a type, or to those of another tensor."""
    values, *words = args
    device, dtype = kwargs.get("device"), kwargs.get("dtype")
    for word in words:
        if isinstance(word, Tensor):
            device, dtype = AWAY if is_away(word) else "cpu", word.dtype
        elif isinstance(word, str | torch.device):
            device = word
        elif isinstance(word, torch.dtype):
            dtype = word
    away = is_away(values) if device is None else torch.device(device).type == AWAY.type
    if not (away or is_away(values)):
        home: Tensor = _plain(Tensor.to, args, kwargs)
        return home
    made = values if dtype is None else _plain(Tensor.to, (values,), {"dtype": dtype})
    if made is values:
        return _moved(values, away=away)
    converted: Tensor = _tagged(made) if away else made
    return converted


def _moved(values: Tensor, *, away: bool) -> Tensor:
    """Return a tensor there or here; a copy if it has to move, as between real devices."""
    if is_away(values) == away:
        return values
    copy: Tensor = _plain(Tensor.clone, (values,), {})
    moved: Tensor = _tagged(copy) if away else _plain(Tensor.as_subclass, (copy, Tensor), {})
    return moved


def _copied(values: Tensor, memo: dict[int, Any]) -> Any:
    if id(values) in memo:
        return memo[id(values)]
    if not is_away(values):
        return _plain(Tensor.__deepcopy__, (values, memo), {})
    copy = _tagged(_plain(Tensor.clone, (_plain(Tensor.detach, (values,), {}),), {}))
    if isinstance(values, torch.nn.Parameter):
        copy = torch.nn.Parameter(copy, requires_grad=values.requires_grad)
    memo[id(values)] = copy
    return copy


def _plain(func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    with torch._C.DisableTorchFunctionSubclass():
        return func(*args, **kwargs)


def _tagged(value: Any) -> Any:
    """Say of new tensors that they are there."""
    if is_away(value):
        return value
    if isinstance(value, Tensor):
        return _plain(Tensor.as_subclass, (value, AwayTensor), {})
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*map(_tagged, value))
    if type(value) in (list, tuple):
        return type(value)(map(_tagged, value))
    if isinstance(value, tuple):  # such as what max returns
        return type(value)(map(_tagged, value))
    return value


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from _tensors(one)
    elif isinstance(value, dict):
        yield from _tensors(tuple(value.values()))


def _device_of(args: tuple[Any, ...], kwargs: dict[str, Any]) -> torch.device:
    device: torch.device = _plain(_DEVICE, args, kwargs)
    return AWAY if is_away(args[0]) else device


def _as_array(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if is_away(args[0]):
        raise TypeError("can't convert cuda:0 device type tensor to numpy")
    return _plain(Tensor.numpy, args, kwargs)


def _hooked(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Let a hook see gradients where its tensor is."""
    values, see = args
    away = is_away(values)

    def see_there(gradient: Tensor) -> Any:
        with _Pretending():  # it is off while the function runs that calls the hook
            return see(_tagged(gradient) if away else gradient)

    return _plain(Tensor.register_hook, (values, see_there), kwargs)


_DEVICE = cast(Any, Tensor.device).__get__
_IS_CUDA = cast(Any, Tensor.is_cuda).__get__
_SPECIAL: dict[Any, Callable[[tuple[Any, ...], dict[str, Any]], Any]] = {
    _DEVICE: _device_of,
    _IS_CUDA: lambda args, _: is_away(args[0]),
    Tensor.numpy: _as_array,
    Tensor.cpu: lambda args, _: _moved(args[0], away=False),
    Tensor.cuda: lambda args, _: _moved(args[0], away=True),
    Tensor.__deepcopy__: lambda args, _: _copied(*args),
    Tensor.to: _converted,
    Tensor.register_hook: _hooked,
    # so that parameters of modules that move are new ones
    torch._has_compatible_shallow_copy_type: lambda args, _: is_away(args[0]) == is_away(args[1]),
}
