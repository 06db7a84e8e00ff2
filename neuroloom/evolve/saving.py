"""Plain data in one file that holds no code: arrays by safetensors, the rest as JSON in its header.

A file is replaced as a whole or not at all, whenever the process is killed. The format is that of
https://github.com/huggingface/safetensors.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.errors import InputError

_VERSION = 1


def write(path: str | Path, kind: str, data: Any) -> None:
    """Write ``data`` to ``path``, in the place of what is there.

    Args:
        path: the file; its folder is made if need be.
        kind: what the file holds, an identifier that :func:`read` asks for.
        data: numbers, strings, None, arrays, and lists, tuples and dicts of these.
    """
    from safetensors.numpy import save

    arrays: dict[str, NDArray[Any]] = {}
    text = json.dumps(_pack(data, arrays))
    head = {"format": f"neuroloom.{kind}", "version": str(_VERSION), "data": text}
    replace(path, save(arrays, head))


def replace(path: str | Path, content: bytes) -> None:
    """Put ``content`` into the file ``path`` in one step: readers see what was there before, or all of this."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with open(part, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def read(path: str | Path, kind: str) -> Any:
    """Return what :func:`write` wrote, every number as it was.

    Raises:
        InputError: there is no such file, or it holds something else.
    """
    from safetensors import SafetensorError, safe_open

    if not Path(path).is_file():
        raise InputError(f"there is no file {path}.")
    try:
        with safe_open(path, "numpy") as file:
            head = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise InputError(f"{path} is not a whole file of neuroloom's: {error}.") from error
    if head.get("format") != f"neuroloom.{kind}":
        raise InputError(
            f"{path} should hold a neuroloom.{kind}, but holds {head.get('format', 'something else')}."
        )
    if head.get("version") != str(_VERSION):
        raise InputError(
            f"{path} was written in form {head.get('version')}, but this version reads form {_VERSION}."
        )
    try:
        return _unpack(json.loads(head["data"]), arrays)
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise InputError(f"{path} is damaged: {error}; remove it to begin anew.") from error


def _pack(data: Any, arrays: dict[str, NDArray[Any]]) -> Any:
    """Return ``data`` as JSON writes it; arrays go to ``arrays`` and leave their names."""
    if isinstance(data, np.generic):
        return data.item()
    if isinstance(data, np.ndarray):
        name = f"a{len(arrays)}"
        arrays[name] = np.asarray(data, order="C")
        return {"$array": name}
    if isinstance(data, dict):
        if all(isinstance(key, str) and not key.startswith("$") for key in data):
            return {key: _pack(value, arrays) for key, value in data.items()}
        return {"$items": [[_pack(key, arrays), _pack(value, arrays)] for key, value in data.items()]}
    if isinstance(data, tuple):
        return {"$tuple": [_pack(value, arrays) for value in data]}
    if isinstance(data, list):
        return [_pack(value, arrays) for value in data]
    assert data is None or isinstance(data, bool | int | float | str), (
        f"{type(data).__name__} is not plain data"
    )
    return data


def _unpack(data: Any, arrays: dict[str, NDArray[Any]]) -> Any:
    if isinstance(data, list):
        return [_unpack(value, arrays) for value in data]
    if not isinstance(data, dict):
        return data
    if "$array" in data:
        return arrays[data["$array"]]
    if "$items" in data:
        return {_unpack(key, arrays): _unpack(value, arrays) for key, value in data["$items"]}
    if "$tuple" in data:
        return tuple(_unpack(value, arrays) for value in data["$tuple"])
    return {key: _unpack(value, arrays) for key, value in data.items()}
