"""Fitted estimators as a folder that holds data and never code.

``model.json`` is the tree of values, ``arrays.safetensors`` the numbers, ``part-N.skops`` what is scikit-learn's own.
Loading makes only classes from a fixed list of ours, and scikit-learn's through skops with a fixed list of types; the
file's own list is never believed. So a model from elsewhere can be wrong, but it cannot run anything.
"""

from __future__ import annotations

import hashlib
import json
import math
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from neuroloom.core.errors import InputError, NotSupportedError
from neuroloom.core.graph import Graph
from neuroloom.methods.registry import registry

FORMAT = 1
_EXTRA_CLASSES = (
    "neuroloom.methods.pipeline:Pipeline",
    "neuroloom.methods.calibrated:CalibratedClassifier",
    "neuroloom.methods.resampled:ResampledClassifier",
    "neuroloom.methods.thresholds:ThresholdClassifier",
    "neuroloom.methods.conformal:ConformalClassifier",
    "neuroloom.methods.conformal:ConformalRegressor",
    "neuroloom.methods.prepare:TablePreparation",
    "neuroloom.methods.prepare:DateFeatures",
    "neuroloom.methods.prepare:Flatten",
    "neuroloom.methods.words:WordFeatures",
    "neuroloom.nets:Seq2Seq",
    "neuroloom.signal.leave_one_out:LeaveOneOutRidge",
    "neuroloom.signal.out_of_bag_trees:OutOfBagTrees",
    *(
        f"neuroloom.nets:{net}Step{role}"
        for net in ("GRU", "LSTM", "MGU", "QRNN", "RNN", "RWA", "SRU", "TCN")
        for role in ("Classifier", "Regressor")
    ),
    "neuroloom.nets:TransferClassifier",
    "neuroloom.nets:TransferRegressor",
    "neuroloom.nets:TransferFeatures",
    "neuroloom.evolve.genome:Genome",
    "neuroloom.evolve.genome:Node",
    "neuroloom.evolve.genome:Connection",
)
# What skops does not trust by itself and scikit-learn's estimators hold: value types without behaviour of their own.
TRUSTED = (
    "functools.partial",  # only of functions that are on this list too: skops asks for each by name
    "neuroloom.methods.prepare.DateFeatures",
    "neuroloom.methods.words.WordFeatures",
    "numpy.dtype",
    "sklearn._loss.link.IdentityLink",
    "sklearn._loss.link.Interval",
    "sklearn._loss.link.LogitLink",
    "sklearn._loss.link.MultinomialLogit",
    "sklearn._loss.loss.HalfBinomialLoss",
    "sklearn._loss.loss.HalfMultinomialLoss",
    "sklearn._loss.loss.HalfSquaredError",
    "sklearn._loss._loss.CyHalfBinomialLoss",
    "sklearn._loss._loss.CyHalfMultinomialLoss",
    "sklearn._loss._loss.CyHalfSquaredError",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.calibration._TemperatureScaling",
    "sklearn.compose._column_transformer._RemainderColsList",
    "sklearn.ensemble._hist_gradient_boosting.binning._BinMapper",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.metrics._dist_metrics.EuclideanDistance64",
    "sklearn.metrics._dist_metrics.MinkowskiDistance64",
    "sklearn.neighbors._kd_tree.KDTree",
    "sklearn.neighbors._ball_tree.BallTree",
    "sklearn.tree._tree.Tree",
    "sklearn.utils.validation.check_array",
)


def _path_of(cls: type[Any]) -> str:
    return f"{cls.__module__}:{cls.__qualname__}"


def _allowed() -> dict[str, str]:
    """Return the classes that may be made when loading: those of the built-in registry and a few parts of theirs."""
    paths = {path for method in registry().values() for path in method.classes.values()}
    return {path: path for path in (*paths, *_EXTRA_CLASSES) if path.startswith("neuroloom.")}


def save_estimator(estimator: Any, folder: Path, about: Mapping[str, Any]) -> None:
    """Write a fitted estimator and what is known of it into ``folder``, which must be new or empty.

    Args:
        estimator: a fitted estimator of ours or scikit-learn's, composed ones too.
        folder: where to.
        about: JSON-safe facts kept beside it (method, kind, problem, schema of the data, …).

    Raises:
        InputError: the folder holds something already.
        NotSupportedError: the estimator holds a part that cannot be saved as data.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder} exists already; pass another --out, or remove it first.")
    writer = _Writer()
    tree = writer.encode(estimator, "the estimator")
    folder.mkdir(parents=True, exist_ok=True)
    from safetensors.numpy import save

    files = {"arrays.safetensors": save(writer.arrays)}
    files |= {f"part-{i}.skops": part for i, part in enumerate(writer.parts)}
    for name, content in files.items():
        (folder / name).write_bytes(content)
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    document: dict[str, Any] = {"format": FORMAT, "about": dict(about), "estimator": tree}
    document["sums"] = {**sums, "model": _sum_of(document)}
    text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False)
    (folder / "model.json").write_text(text, encoding="utf-8")


def load_estimator(folder: Path) -> tuple[Any, dict[str, Any]]:
    """Return the fitted estimator in ``folder`` and what is known of it. Runs no code from the folder.

    Raises:
        InputError: the folder holds no model, a broken one, or one that asks for a type that is not on the list.
    """
    try:
        document = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        version, about, tree = document["format"], document["about"], document["estimator"]
    except FileNotFoundError:
        raise InputError(f"{folder} is no saved model: it has no model.json.") from None
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(f"{folder}/model.json cannot be read as a model: {error}.") from error
    if version != FORMAT:
        raise InputError(f"{folder} has model format {version!r}, this version reads {FORMAT}; save it anew.")
    if not isinstance(about, dict):
        raise InputError(f"{folder}/model.json cannot be read as a model: `about` is no table.")
    try:
        _check_sums(folder, document)
        return _Reader(folder).decode(tree), about
    except InputError:
        raise
    except Exception as error:  # whatever a broken file provokes is a broken file to the user
        raise InputError(f"{folder} holds a broken model: {type(error).__name__}: {error}.") from error


def _skops() -> Any:
    """Return ``skops.io``, without torch where nothing has asked for it yet.

    skops lists scikit-learn's estimators by importing all packages of scikit-learn, and one of them is a door to torch
    that costs a second; it holds no estimator, so that an empty module stands in for it meanwhile.
    """
    door = "sklearn.externals.array_api_compat.torch"
    passed_over = "torch" not in sys.modules and door not in sys.modules
    if passed_over:
        sys.modules[door] = ModuleType(door)
    try:
        import skops.io
    finally:
        if passed_over:
            del sys.modules[door]
    return skops.io


def _sum_of(document: Mapping[str, Any]) -> str:
    """Return the SHA-256 of what a model's document says, whatever the layout of its text."""
    said = json.loads(json.dumps({name: document[name] for name in ("about", "estimator")}))
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def _check_sums(folder: Path, document: Mapping[str, Any]) -> None:
    """Check that a model's files are as they were written. Folders from before there were sums have none.

    Raises:
        InputError: one is damaged; its answers would be wrong.
    """
    for name, wanted in document.get("sums", {}).items():
        if name == "model":
            found = _sum_of(document)
        else:
            found = hashlib.sha256((folder / Path(name).name).read_bytes()).hexdigest()
        if found != wanted:
            file = "model.json" if name == "model" else name
            raise InputError(f"{folder} is damaged: {file} is not as it was written; fit the model again.")


class _Writer:
    """Turns values into JSON, putting arrays and scikit-learn's parts aside."""

    def __init__(self) -> None:
        self.arrays: dict[str, Any] = {}
        self.parts: list[bytes] = []

    def encode(self, value: Any, where: str) -> Any:
        if value is None or isinstance(value, bool | str):
            return value
        if isinstance(value, np.generic):
            return {"$scalar": self.encode(np.asarray(value), where)}
        if isinstance(value, int):
            return value
        if isinstance(value, float):
            return value if math.isfinite(value) else {"$float": repr(value)}
        if isinstance(value, np.ndarray):
            return self._array(value, where)
        if isinstance(value, list):
            return [self.encode(item, f"{where}[{i}]") for i, item in enumerate(value)]
        if isinstance(value, tuple):
            return {"$tuple": [self.encode(item, f"{where}[{i}]") for i, item in enumerate(value)]}
        if isinstance(value, dict):
            pairs = [[self.encode(k, where), self.encode(v, f"{where}[{k!r}]")] for k, v in value.items()]
            return {"$dict": pairs}
        if isinstance(value, Graph):
            state = {name: getattr(value, name) for name in _GRAPH_FIELDS}
            return {"$graph": self.encode(state, where)}
        if type(value).__module__.startswith("scipy.sparse"):
            return {
                "$csr": self.encode(
                    (value.tocsr().data, value.tocsr().indices, value.tocsr().indptr, value.shape), where
                )
            }
        return self._object(value, where)

    def _array(self, value: Any, where: str) -> Any:
        if value.dtype.kind in "biuf" and value.dtype.itemsize <= 8:
            name = f"a{len(self.arrays)}"
            self.arrays[name] = np.ascontiguousarray(value)
            return {"$array": name, "shape": list(value.shape)}
        if value.dtype.kind in "mM":
            return {"$time": self._array(value.astype(np.int64), where), "dtype": value.dtype.str}
        if value.dtype.kind in "UO":
            items = [self.encode(item, where) for item in value.ravel().tolist()]
            return {"$objects": items, "shape": list(value.shape), "dtype": value.dtype.str}
        raise NotSupportedError(f"{where} is an array of {value.dtype}, which cannot be saved as data.")

    def _object(self, value: Any, where: str) -> Any:
        path = _path_of(type(value))
        if type(value).__module__.startswith("sklearn."):
            self.parts.append(_skops().dumps(value))
            return {"$skops": len(self.parts) - 1}
        public = _public_path(type(value))
        if public is None:
            raise NotSupportedError(
                f"{where} is a {path.replace(':', '.')}, which cannot be saved as data; "
                "methods of neuroloom and scikit-learn can."
            )
        # an estimator's own state leaves out what it holds in passing
        held = value.__getstate__() if isinstance(value, BaseEstimator) else vars(value)
        state = {k: self.encode(v, f"{type(value).__name__}.{k}") for k, v in held.items()}
        return {"$object": public, "state": state}


_GRAPH_FIELDS = ("indptr", "indices", "weights", "directed", "features", "names")


def _public_path(cls: type[Any]) -> str | None:
    """Return the path on the list of allowed classes that stands for ``cls``, or None."""
    for path in _allowed():
        module, _, name = path.partition(":")
        if name == cls.__name__ and (cls.__module__ == module or cls.__module__.startswith(f"{module}.")):
            return path
    return None


def _dtype(name: str, kinds: str) -> np.dtype[Any]:
    found = np.dtype(name)
    if found.kind not in kinds:
        raise ValueError(f"an array of {name} cannot be")
    return found


class _Reader:
    """Turns JSON back into values."""

    def __init__(self, folder: Path) -> None:
        from safetensors.numpy import load_file

        self.folder = folder
        self.arrays = load_file(str(folder / "arrays.safetensors"))

    def decode(self, tree: Any) -> Any:
        if isinstance(tree, list):
            return [self.decode(item) for item in tree]
        if not isinstance(tree, dict):
            return tree
        tag = next(iter(tree))
        body = tree[tag]
        if tag == "$float":
            return float(body)
        if tag == "$scalar":
            return self.decode(body)[()]
        if tag == "$array":
            return np.asarray(self.arrays[body]).reshape(tree["shape"]).copy()
        if tag == "$time":
            return self.decode(body).astype(_dtype(tree["dtype"], "mM"))
        if tag == "$objects":
            made = np.empty(len(body), dtype=object)
            for i, item in enumerate(body):
                made[i] = self.decode(item)
            return made.reshape(tree["shape"]).astype(_dtype(tree["dtype"], "UO"))
        if tag == "$tuple":
            return tuple(self.decode(item) for item in body)
        if tag == "$dict":
            return {self.decode(key): self.decode(value) for key, value in body}
        if tag == "$graph":
            return Graph(**self.decode(body))
        if tag == "$csr":
            import scipy.sparse

            data, indices, indptr, shape = self.decode(body)
            return scipy.sparse.csr_array((data, indices, indptr), shape=shape)
        if tag == "$skops":
            return self._skops(int(body))
        if tag == "$object":
            return self._object(body, tree["state"])
        raise InputError(f"{self.folder} holds a broken model: unknown tag {tag!r}.")

    def _skops(self, number: int) -> Any:
        skops = _skops()
        from skops.io.exceptions import UntrustedTypesFoundException

        try:
            return skops.load(self.folder / f"part-{number}.skops", trusted=list(TRUSTED))
        except UntrustedTypesFoundException as error:
            raise InputError(f"{self.folder} asks for types that a model must not hold: {error}.") from error

    def _object(self, path: str, state: Mapping[str, Any]) -> Any:
        allowed = _allowed()
        if path not in allowed:
            raise InputError(
                f"{self.folder} asks for {path!r}, which is not on the list of classes a model may hold."
            )
        from neuroloom.methods.method import load_class

        cls = load_class(allowed[path], path)
        made = object.__new__(cls)
        for name, value in state.items():
            object.__setattr__(made, name, self.decode(value))  # frozen dataclasses too
        return made
