"""Arrays of the user's: ``.npz`` with inputs and answers, of 2, 3 or 4 dimensions."""

from __future__ import annotations

import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from neuroloom.core.errors import InputError
from neuroloom.tasks.files.options import Loaded, Options
from neuroloom.tasks.files.series import assembled
from neuroloom.tasks.files.target import decide
from neuroloom.tasks.task import Split

_INPUTS = ("X", "x", "data", "inputs", "features", "arr_0")
_ANSWERS = ("y", "Y", "labels", "label", "target", "targets", "classes", "arr_1")
_FEWEST_POINTS = 8
_DAMAGED = (
    OSError,
    EOFError,
    LookupError,
    AttributeError,
    TypeError,
    RuntimeError,
    MemoryError,
    OverflowError,
    SyntaxError,
)
"""What reading a damaged file may raise, beside errors of the archive itself."""


def load_arrays(path: Path) -> dict[str, Any]:
    """Return the arrays of a ``.npz`` file, without running any code.

    Raises:
        InputError: the file is damaged or holds Python objects.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            return {key: arrays[key] for key in arrays.files}
    except ValueError as error:
        if "pickle" in str(error).lower():
            raise InputError(
                f"{path} holds Python objects, perhaps series of unequal length, which are never loaded; save "
                "one float array padded with NaN at the end instead."
            ) from error
        raise InputError(f"{path} is no .npz file of NumPy: {error}.") from error
    except (*_DAMAGED, zipfile.BadZipFile, zlib.error, struct.error) as error:
        raise InputError(f"{path} is no .npz file of NumPy ({error}); write it with numpy.savez.") from error


def pick(arrays: dict[str, Any], names: tuple[str, ...], target: str | None = None) -> str | None:
    """Return the first of ``names`` (``target`` before them) among the arrays."""
    return next((name for name in ((target, *names) if target else names) if name in arrays), None)


def shaped(X: Any, kind: str | None, path: Path) -> tuple[Any, str, list[str]]:
    """Return inputs in the form of their kind, the kind and notes.

    Four dimensions are pictures (colours last are moved to the front), three are series ``(n, channels, length)``, two
    are series of one channel when they have 8 points or more, else a table; ``kind`` decides otherwise.

    Raises:
        InputError: the array has no such form.
    """
    if X.dtype.kind not in "fiub":
        raise InputError(f"{path}: the inputs must be numbers, but have dtype {X.dtype}.")
    if kind is None:
        if X.ndim == 2:
            kind = "series" if X.shape[1] >= _FEWEST_POINTS else "table"
        else:
            kind = {3: "series", 4: "image"}.get(X.ndim)
    fits = {"table": (2,), "series": (2, 3), "image": (3, 4)}
    if kind not in fits or X.ndim not in fits[kind]:
        wanted = "(n, features) a table, (n, channels, length) series, (n, channels, height, width) pictures"
        raise InputError(
            f"{path}: expected inputs of shape {wanted}, but got {X.shape}"
            + (f" for {kind}." if kind else ".")
        )
    notes = [f"inputs of shape {X.shape} were read as {kind}; pass --kind to read them otherwise"]
    if kind == "series" and X.ndim == 2:
        X = X[:, None, :]
    if kind == "image":
        X = X[:, None] if X.ndim == 3 else X
        if X.shape[-1] in (1, 3, 4) and X.shape[1] not in (1, 3, 4):
            X = np.moveaxis(X, -1, 1)
            notes.append("colours stand last and were moved before height and width")
    return X, kind, notes


def read_npz(options: Options) -> Loaded:
    """Read inputs (``X``) and answers (``y``), or ``X_train``, ``y_train``, ``X_test``, ``y_test``.

    Raises:
        InputError: the arrays are not there or do not fit together.
    """
    path = options.path
    arrays = load_arrays(path)
    train = None
    if {"X_train", "y_train", "X_test", "y_test"} <= set(arrays):
        parts = [arrays["X_train"], arrays["X_test"]]
        if parts[0].shape[1:] != parts[1].shape[1:]:
            raise InputError(
                f"{path}: X_train and X_test differ in shape, {parts[0].shape} and {parts[1].shape}."
            )
        train = len(parts[0])
        X, y = np.concatenate(parts), np.concatenate([arrays["y_train"], arrays["y_test"]])
    else:
        inputs, answers = pick(arrays, _INPUTS), pick(arrays, _ANSWERS, options.target)
        if inputs is None or answers is None:
            held = ", ".join(sorted(arrays)) or "nothing"
            raise InputError(
                f"{path} must hold arrays X and y, but holds {held}; save it with numpy.savez(path, X=X, y=y)."
            )
        X, y = arrays[inputs], np.asarray(arrays[answers])
    if X.ndim < 1 or y.ndim != 1 or len(X) != len(y):
        raise InputError(
            f"{path}: y must hold one answer for each of the samples of X, but X is {X.shape}, y {y.shape}."
        )
    X, kind, notes = shaped(X, options.kind, path)
    if train is not None:
        notes.append(f"the first {train} samples train, the other {len(X) - train} test, as the file says")
    cells = ["" if v != v else str(v) for v in y.tolist()]
    if kind == "series":
        return assembled(list(X.astype(np.float64)), cells, options.problem, notes, train)
    y, there, problem, reasons = decide(cells, ".", "y", options.problem)
    splits = None
    if train is not None:
        early = np.flatnonzero(there) < train
        splits = [Split(train=np.flatnonzero(early), test=np.flatnonzero(~early))]
    X = X[there]
    names = (np.flatnonzero(there) + 1).tolist()
    if kind == "table":
        import pandas as pd

        columns = [{"name": f"x{k + 1}", "kind": "number", "decimal": "."} for k in range(X.shape[1])]
        X = pd.DataFrame(X.astype(np.float64), columns=[column["name"] for column in columns])
        schema: dict[str, Any] = {"kind": "table", "columns": columns, "target": "y", "id": None}
    else:
        X = X.astype(np.float32) / (255.0 if X.dtype == np.uint8 else 1.0)
        if not np.isfinite(X).all():
            raise InputError(f"{path}: pictures must not hold missing or infinite values.")
        schema = {"kind": "image", "shape": [int(s) for s in X.shape[1:]]}
    return Loaded(kind, X, y, problem, notes + reasons, schema, names, "y", splits=splits)
