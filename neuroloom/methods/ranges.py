"""What a search may try of a method's parameters, and which of them is the budget of one fit.

A built-in method's ranges stand here by its key, a plug-in's in its :class:`neuroloom.methods.Method`. They are wide
enough for data of a bench: tables, series and graphs of tens to some thousands of rows, samples or nodes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from neuroloom.core.errors import InputError


@dataclass(frozen=True)
class Numbers:
    """Numbers from ``low`` to ``high``, both included.

    Args:
        low: the least.
        high: the largest, above ``low``.
        log: whether even ratios are as likely as even differences elsewhere; ``low`` is above 0 then.
        whole: whether they are whole numbers.
    """

    low: float
    high: float
    log: bool = False
    whole: bool = False

    def __post_init__(self) -> None:
        if not self.low < self.high or (self.log and self.low <= 0):
            raise InputError(
                f"a range of numbers needs low < high{', both above 0' if self.log else ''}, "
                f"but got {self.low!r} and {self.high!r}."
            )

    def __contains__(self, value: object) -> bool:
        real = isinstance(value, int | float) and not isinstance(value, bool)
        return real and self.low <= float(value) <= self.high  # type: ignore[arg-type]

    def __str__(self) -> str:
        return f"{self.low:g} … {self.high:g}{', logarithmic' if self.log else ''}"


@dataclass(frozen=True)
class Choices:
    """A few values, two at least."""

    values: tuple[Any, ...]

    def __post_init__(self) -> None:
        if len(self.values) < 2:
            raise InputError(f"a choice needs two values or more, but got {list(self.values)!r}.")

    def __contains__(self, value: object) -> bool:
        return any(type(value) is type(one) and value == one for one in self.values)

    def __str__(self) -> str:
        return ", ".join(repr(one) for one in self.values)


Range = Numbers | Choices


def _log(low: float, high: float) -> Numbers:
    return Numbers(low, high, log=True)


def _count(low: int, high: int, log: bool = True) -> Numbers:
    return Numbers(low, high, log=log, whole=True)


_SHARE = Numbers(0.0, 0.8)
_FOREST: dict[str, Range] = {
    "max_features": Choices(("sqrt", 0.33, 0.67, 1.0)),
    "min_samples_leaf": _count(1, 20),
    "max_depth": Choices((None, 4, 8, 16)),
}
_WIDTHS = Choices(((32,), (64,), (128,), (64, 64), (128, 128), (64, 64, 64)))
_DEEP: dict[str, Range] = {"learning_rate": _log(3e-4, 3e-2), "weight_decay": _log(1e-5, 1e-1)}
_RECURRENT: dict[str, Range] = {
    **_DEEP,
    "units": Choices((32, 64, 128)),
    "layers": Choices((1, 2)),
    "dropout": Numbers(0.0, 0.5),
}
_GRAPH_NET: dict[str, Range] = {
    "hidden": Choices((16, 32, 64, 128)),
    "layers": Choices((1, 2, 3, 4)),
    "dropout": _SHARE,
    "learning_rate": _log(1e-3, 3e-2),
    "weight_decay": _log(1e-5, 1e-2),
}
_HEADS: dict[str, Range] = {**_GRAPH_NET, "hidden": Choices((4, 8, 16)), "heads": Choices((2, 4, 8))}
_DENSE: dict[str, Range] = {
    "hidden": _WIDTHS,
    "learning_rate": _log(5e-4, 3e-2),
    "weight_decay": _log(1e-5, 1e-1),
}
_EVOLVED: dict[str, Range] = {
    "population": _count(50, 400),
    "node_add_prob": Numbers(0.01, 0.4),
    "conn_add_prob": Numbers(0.05, 0.6),
}
_WALKS: dict[str, Range] = {
    "dimensions": Choices((32, 64, 128, 256)),
    "walk_length": Choices((20, 40, 80)),
    "window": _count(2, 10),
}
_SPECTRAL: dict[str, Range] = {"dimensions": Choices((16, 32, 64, 128, 256))}
_WEIGHTS: dict[str, Range] = {"hidden": _count(2, 32), "population": _count(50, 400)}

RANGES: Mapping[str, Mapping[str, Range]] = {
    "logreg": {"C": _log(1e-4, 1e3)},
    "knn": {
        "n_neighbors": _count(1, 50),
        "weights": Choices(("uniform", "distance")),
        "p": Choices((1, 2)),
    },
    "svm": {"C": _log(1e-2, 1e3), "gamma": _log(1e-4, 1e1)},
    "kernel-pca": {"n_components": Choices((8, 16, 32, 64)), "gamma": _log(1e-4, 1e1)},
    "random-forest": _FOREST,
    "extra-trees": _FOREST,
    "hist-gradient-boosting": {
        "learning_rate": _log(0.01, 0.5),
        "max_leaf_nodes": _count(4, 64),
        "min_samples_leaf": _count(2, 50),
        "l2_regularization": _log(1e-6, 10.0),
    },
    "rbfn": {
        "kernel": Choices(("laplace", "gaussian")),
        "bins": Choices((0, 8, 32)),
        "skip": Choices((False, True)),
        "metric": Choices(("auto", "euclidean")),
    },
    "kmeans-features": {"centres": _count(20, 400), "width": _log(0.2, 5.0)},
    "mlp": {**_DENSE, "dropout": Numbers(0.0, 0.5)},
    "mc-dropout": {**_DENSE, "dropout": _log(0.01, 0.4)},
    **dict.fromkeys(("deep-ensemble", "laplace", "swag"), _DENSE),
    **dict.fromkeys(("resnet", "fcn", "inceptiontime", "lenet", "convnext", "convlstm"), _DEEP),
    "cnn": {**_DEEP, "dropout": Numbers(0.0, 0.5), "depth": Choices((1, 2, 3))},
    "mcnn": {**_DEEP, "kernel": Choices((5, 9, 17)), "pieces": Choices((2, 3, 5))},
    "tcn": {**_DEEP, "dropout": Numbers(0.0, 0.4), "filters": Choices((16, 32, 64)), "kernel": Choices((3, 5, 7))},
    "transformer": {**_DEEP, "dropout": Numbers(0.0, 0.4), "width": Choices((32, 64, 128)),
                    "layers": Choices((1, 2, 3))},
    **dict.fromkeys(("lstm", "gru", "rnn", "mgu"), _RECURRENT),
    **dict.fromkeys(("gcn", "graphsage", "gin", "deepsets", "ncn"), _GRAPH_NET),
    **dict.fromkeys(("gat", "gatv2"), _HEADS),
    "gps": {k: r for k, r in _GRAPH_NET.items() if k != "hidden"} | {"hidden": Choices((32, 64, 128))},
    "appnp": {**_GRAPH_NET, "teleport": Numbers(0.05, 0.5), "steps": _count(2, 20)},
    "gcnii": {**_GRAPH_NET, "layers": Choices((4, 8, 16, 32)), "alpha": Numbers(0.05, 0.5),
              "lam": Numbers(0.3, 1.5)},
    "grand": {"hidden": Choices((16, 32, 64, 128)), "drop_node": Numbers(0.1, 0.7), "consistency": Numbers(0.3, 1.5),
              "steps": _count(2, 10), "learning_rate": _log(1e-3, 3e-2), "weight_decay": _log(1e-5, 1e-2)},
    "theta": {"theta": Numbers(1.0, 4.0)},
    "dlinear": {"kernel": Choices((5, 13, 25, 49)), "learning_rate": _log(1e-4, 3e-2)},
    "nbeats": {"width": Choices((32, 64, 128)), "blocks": _count(1, 5), "learning_rate": _log(1e-4, 1e-2)},
    "patchtst": {"width": Choices((16, 32, 64)), "layers": Choices((1, 2, 3)), "dropout": Numbers(0.0, 0.4),
                 "learning_rate": _log(1e-4, 1e-2)},
    "encoder-decoder": {"dropout": Numbers(0.0, 0.3), "learning_rate": _log(5e-4, 3e-2)},
    "ppo": {"learning_rate": _log(1e-4, 1e-2), "entropy_weight": _log(1e-4, 0.1), "trace": Numbers(0.8, 0.99)},
    "reinforce": {"learning_rate": _log(1e-3, 5e-2), "entropy_weight": _log(1e-4, 0.1)},
    "dqn": {"learning_rate": _log(1e-4, 1e-2), "exploration": Numbers(0.05, 0.6)},
    "isolation-forest": {"max_features": Numbers(0.3, 1.0)},
    "one-class-svm": {"gamma": _log(1e-4, 1e1), "nu": Numbers(0.01, 0.5)},
    "lof": {"n_neighbors": _count(2, 60)},
    "deep-svdd": {"learning_rate": _log(3e-4, 3e-2), "weight_decay": _log(1e-5, 1e-1)},
    "label-propagation": {"alpha": Numbers(0.5, 0.999)},
    "deepwalk": _WALKS,
    "node2vec": {**_WALKS, "p": _log(0.25, 4.0), "q": _log(0.25, 4.0)},
    "walklets": {"dimensions": _WALKS["dimensions"], "walk_length": _WALKS["walk_length"], "scales": _count(1, 6)},
    "prone": {**_SPECTRAL, "order": _count(3, 15), "mu": Numbers(-0.5, 0.5), "theta": Numbers(0.1, 2.0)},
    "netmf": {**_SPECTRAL, "window": _count(1, 10)},
    "fastrp": {**_SPECTRAL, "beta": Numbers(-1.0, 0.5)},
    "grarep": {**_SPECTRAL, "order": _count(1, 6)},
    "laplacian-eigenmaps": _SPECTRAL,
    "refex": {"bin_fraction": Numbers(0.1, 0.9), "recursions": _count(1, 10)},
    "wl": {"iterations": _count(1, 6), "buckets": Choices((128, 512, 2048))},
    "graph2vec": {"dimensions": Choices((32, 64, 128, 256)), "iterations": _count(1, 4)},
    "feather": {"scales": _count(1, 6), "theta": Numbers(1.0, 5.0), "pooling": Choices(("mean", "max", "min"))},
    "netlsd": {"kernel": Choices(("heat", "wave")), "normalize": Choices(("empty", "complete", "none"))},
    "wavelets": {
        "wavelet": Choices(("haar", "db2", "db4", "sym4", "coif2")),
        "level": Choices((None, 1, 2, 3)),
        "segments": Choices((1, 2, 4, 8)),
        "decomposition": Choices(("swt", "dwt", "best-basis")),
    },
    "adaptive-wavelet": {
        "wavelets": Choices((1, 2, 4, 8)),
        "taps": Choices((4, 6, 8, 12)),
        "objective": Choices(("auto", "sparsity")),
        "epochs": _count(10, 80),
    },
    "evolved-wavelet": {
        "wavelets": Choices((1, 2, 4, 8)),
        "taps": Choices((4, 6, 8, 12)),
        "objective": Choices(("auto", "sparsity")),
        "generations": _count(5, 40),
    },
    "wavelet-ensemble": {"features": Choices((3000, 10_000, 20_000)), "trees": Choices((50, 100, 200))},
    "visibility-graph": {"horizontal": Choices((False, True))},
    "wavelet-correlation-graph": {
        "wavelet": Choices(("haar", "db2", "db4", "sym4")),
        "threshold": Numbers(0.0, 0.5),
    },
    "fourier": {"bands": Choices((8, 16, 24, 48)), "scale": Choices(("log", "linear"))},
    "cwt": {"voices": Choices((2, 4, 8)), "segments": Choices((1, 2, 4, 8))},
    "ngrams": {"longest": _count(1, 4), "features": Choices((1000, 3000, 10000))},
    "neat": _EVOLVED,
    "nsga2": _EVOLVED,
    "hyperneat": {"population": _count(50, 400), "weight_threshold": Numbers(0.0, 0.5), "max_weight": _log(1.0, 10.0)},
    "cma-es": _WEIGHTS,
    "openai-es": _WEIGHTS,
    "augmented-random-search": _WEIGHTS,
    "pgpe": _WEIGHTS,
    "genetic-algorithm": _WEIGHTS,
    "differential-evolution": _WEIGHTS,
    "particle-swarm": _WEIGHTS,
}  # fmt: skip
"""Parameter -> range, by method."""

_EVOLUTION = (
    "neat nsga2 hyperneat cma-es openai-es genetic-algorithm differential-evolution particle-swarm "
    "augmented-random-search pgpe"
)
_EPOCHS = (
    "mlp mc-dropout deep-ensemble laplace swag gcn gat gatv2 graphsage gin deepsets ncn gps appnp gcnii grand "
    "cnn resnet fcn inceptiontime lenet convnext mcnn convlstm tcn transformer lstm gru rnn mgu"
)
RESOURCES: Mapping[str, str] = {
    **dict.fromkeys(_EPOCHS.split(), "epochs"),
    **dict.fromkeys(("random-forest", "extra-trees", "isolation-forest"), "n_estimators"),
    **dict.fromkeys(("ppo", "reinforce", "dqn"), "steps"),
    "hist-gradient-boosting": "max_iter",
    **dict.fromkeys(_EVOLUTION.split(), "generations"),
}
"""The parameter that says how long a method learns: what Hyperband gives less of to what does badly."""


def read_range(given: Any, name: str) -> Range:
    """Return the range that a config writes as ``{low, high, log, whole}`` or as a list of values.

    Args:
        given: a mapping, a list, or a range.
        name: of the parameter, for errors.

    Raises:
        InputError: it is none of these.
    """
    if isinstance(given, Numbers | Choices):
        return given
    if isinstance(given, list | tuple):
        return Choices(tuple(tuple(one) if isinstance(one, list) else one for one in given))
    if isinstance(given, Mapping) and {"low", "high"} <= set(given) <= {"low", "high", "log", "whole"}:
        low, high = given["low"], given["high"]
        if all(isinstance(end, int | float) and not isinstance(end, bool) for end in (low, high)):
            whole = given.get("whole", isinstance(low, int) and isinstance(high, int))
            return Numbers(low, high, bool(given.get("log", False)), bool(whole))
    raise InputError(
        f"the range of {name!r} must be {{ low = 0.1, high = 10.0, log = true }} or a list of values, "
        f"but got {given!r}."
    )
