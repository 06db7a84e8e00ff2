"""The tensors of the Open Inference Protocol: JSON to arrays, checked, and arrays to JSON.

Source:
    Open Inference Protocol, version 2, "Inference Protocol: REST", section "Tensor Data" and "Tensor Data Types".
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.errors import InputError, NotSupportedError, unknown

WHOLE = {f"{sign}INT{bits}": np.dtype(f"{kind}{bits // 8}")
         for sign, kind in (("", "i"), ("U", "u")) for bits in (8, 16, 32, 64)}  # fmt: skip
REAL = {"FP16": np.dtype("f2"), "FP32": np.dtype("f4"), "FP64": np.dtype("f8")}
LARGEST = {"FP16": 65504.0, "FP32": float(np.finfo(np.float32).max), "FP64": float(np.finfo(np.float64).max)}
DATATYPES = ("BOOL", *WHOLE, *REAL, "BYTES")
_COLUMN_TYPES = {"number": "FP64", "bool": "BOOL"}  # what metadata names; others are taken, too


def describe_inputs(schema: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the tensors that a model takes.

    Of a table, and of a series that is forecast, one for each column; ``node`` with the names of nodes; else one called
    ``X``.

    Raises:
        NotSupportedError: samples of this kind are no tensors.
    """
    kind = schema["kind"]
    if schema.get("forecast"):
        columns = (schema["target"], *schema["others"], *schema["known"])
        return [{"name": str(name), "datatype": "FP64", "shape": [-1]} for name in columns]
    if kind == "nodes":
        return [{"name": "node", "datatype": "BYTES", "shape": [-1]}]
    if kind == "tokens":
        return [{"name": "X", "datatype": "INT64", "shape": [-1, -1]}]
    if kind == "table":
        return [
            {"name": str(c["name"]), "datatype": _COLUMN_TYPES.get(c["kind"], "BYTES"), "shape": [-1]}
            for c in schema["columns"]
        ]
    if kind == "series" and "channels" in schema:
        return [{"name": "X", "datatype": "FP64", "shape": [-1, schema["channels"], schema["length"]]}]
    if kind == "image":
        return [{"name": "X", "datatype": "FP32", "shape": [-1, *schema["shape"]]}]
    raise NotSupportedError(
        f"models of {kind} are not served, since these are no tensors; `neuroloom predict` answers with it."
    )


def read_inputs(
    given: Any, known: Sequence[Mapping[str, Any]], even: bool = True
) -> tuple[dict[str, NDArray[Any]], int]:
    """Return the arrays of a request's ``inputs`` by name, and how many samples they hold.

    Args:
        given: the request's ``inputs``.
        known: what :func:`describe_inputs` gave.
        even: whether all must hold as many samples.

    Raises:
        InputError: they are no tensors of the protocol, or not those of the model.
    """
    if not isinstance(given, list) or not given:
        raise InputError("`inputs` must be a list of tensors, each with name, shape, datatype and data.")
    shapes = {str(one["name"]): one["shape"] for one in known}
    found: dict[str, NDArray[Any]] = {}
    for place, tensor in enumerate(given):
        name, array = _read(tensor, f"inputs[{place}]")
        if name in found:
            raise InputError(f"there are two inputs called {name!r}; names must differ.")
        if name not in shapes:
            raise unknown("input", name[:200], shapes)
        if len(shapes[name]) == 1 and array.ndim == 2 and array.shape[1] == 1:
            array = array[:, 0]
        if array.ndim != len(shapes[name]):
            raise InputError(
                f"input {name!r} must have shape {_shape(shapes[name])}, but has {_shape(list(array.shape))}."
            )
        found[name] = array
    missing = [name for name in shapes if name not in found]
    if missing:
        more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
        raise InputError(f"inputs are missing: {', '.join(map(repr, missing[:5]))}{more}.")
    sizes = {name: len(array) for name, array in found.items()}
    if even and len(set(sizes.values())) > 1:
        shown = ", ".join(f"{n} in {name!r}" for name, n in list(sizes.items())[:5])
        raise InputError(f"all inputs must hold as many samples, but there are {shown}.")
    n = next(iter(sizes.values()))
    if n == 0:
        raise InputError("the request holds no sample.")
    return found, n


def _shape(shape: Sequence[int]) -> str:
    return "[" + ", ".join("n" if size == -1 else str(size) for size in shape) + "]"


def _read(tensor: Any, where: str) -> tuple[str, NDArray[Any]]:
    if not isinstance(tensor, dict):
        raise InputError(f"`{where}` must be an object with name, shape, datatype and data.")
    for key in ("name", "shape", "datatype", "data"):
        if key not in tensor:
            raise InputError(f"`{where}` has no `{key}`.")
    name, shape, datatype = tensor["name"], tensor["shape"], tensor["datatype"]
    if not isinstance(name, str):
        raise InputError(f"`{where}.name` must be a string.")
    if not isinstance(datatype, str) or datatype not in DATATYPES:
        raise InputError(f"`{where}.datatype` must be one of {', '.join(DATATYPES)}.")
    whole = isinstance(shape, list) and all(type(size) is int and 0 <= size < 2**31 for size in shape)
    if not whole or not 1 <= len(shape) <= 8:
        raise InputError(f"`{where}.shape` must be a list of 1 to 8 whole numbers of at least 0.")
    flat = _flat(tensor["data"], where)
    if len(flat) != math.prod(shape):
        raise InputError(
            f"`{where}.data` holds {len(flat)} values, but its shape asks for {math.prod(shape)}."
        )
    return name, _typed(flat, datatype, where).reshape(shape)


def _flat(data: Any, where: str) -> list[Any]:
    """Return the values of flat or nested data, row by row."""
    if not isinstance(data, list):
        raise InputError(f"`{where}.data` must be a list.")
    flat = data
    for _ in range(9):
        if list not in set(map(type, flat)):
            return flat
        if not all(isinstance(one, list) for one in flat) or len({len(one) for one in flat}) > 1:
            break
        flat = [value for one in flat for value in one]
    raise InputError(f"`{where}.data` must be flat, or nested evenly as its shape says.")


def _typed(flat: list[Any], datatype: str, where: str) -> NDArray[Any]:
    """Return the values as an array of their type; null is NaN in numbers, None in text."""
    if datatype == "BYTES":
        if not all(value is None or isinstance(value, str) for value in flat):
            raise InputError(f"`{where}.data` must hold strings or null, as its datatype is BYTES.")
        return np.array(flat, dtype=object)
    if datatype == "BOOL":
        if not all(isinstance(value, bool) for value in flat):
            raise InputError(f"`{where}.data` must hold true and false, as its datatype is BOOL.")
        return np.array(flat, dtype=bool)
    if datatype in WHOLE:
        kind = np.iinfo(WHOLE[datatype])
        if not all(type(value) is int and kind.min <= value <= kind.max for value in flat):
            raise InputError(f"`{where}.data` must hold whole numbers from {kind.min} to {kind.max}.")
        return np.array(flat, dtype=WHOLE[datatype])
    kinds = set(map(type, flat))
    if not kinds <= {int, float, type(None)}:
        raise InputError(f"`{where}.data` must hold numbers or null, as its datatype is {datatype}.")
    largest = LARGEST[datatype]
    if kinds == {float}:
        array = np.array(flat, dtype=np.float64)
        if (np.abs(array) <= largest).all():  # which NaN is not
            return array
    if not all(value is None or -largest <= value <= largest for value in flat):
        raise InputError(f"`{where}.data` holds a number beyond the range of {datatype}.")
    return np.array([math.nan if value is None else value for value in flat], dtype=np.float64)


def write_output(name: str, values: NDArray[Any], columns: Sequence[Any] | None) -> dict[str, Any]:
    """Return an output tensor; what its columns stand for is in its parameters.

    Args:
        name: of the output.
        values: ``(n,)`` or ``(n, columns)`` numbers, truths or text.
        columns: what each column stands for, or None.
    """
    array = np.asarray(values)
    datatype = _datatype(array)
    flat = array.ravel().tolist()
    if datatype == "BYTES":
        flat = [str(value) for value in flat]
    elif datatype in REAL:
        flat = [value if math.isfinite(value) else None for value in flat]
    made: dict[str, Any] = {"name": name, "datatype": datatype, "shape": list(array.shape), "data": flat}
    if columns is not None:
        made["parameters"] = {"columns": [str(column) for column in columns]}
    return made


def _datatype(array: NDArray[Any]) -> str:
    if array.dtype.kind == "b":
        return "BOOL"
    for names in (WHOLE, REAL):
        for name, kind in names.items():
            if array.dtype == kind:
                return name
    return "BYTES"
