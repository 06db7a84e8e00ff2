"""What an answer rests on: Shapley values, LIME and permutation importance of any method, gradients of networks.

A sample is divided into parts: the columns of a table, stretches of a series' channels, patches of a picture. A part is
taken away by putting in what a background sample has there, so that any fitted method can be asked, wherever it is
from.

Sources:
    Shapley (1953), "A value for n-person games"; Štrumbelj & Kononenko (2014), "Explaining prediction models and
    individual predictions with feature contributions", algorithm 2: sampled orders and background samples.
    Mitchell, Cooper, Frank & Holmes (2022), "Sampling permutations for Shapley value estimation": each order and its
    reverse (antithetic sampling).
    Lundberg & Lee (2017), "A unified approach to interpreting model predictions".
    Ribeiro, Singh & Guestrin (2016), "'Why should I trust you?': explaining the predictions of any classifier", Eq.
    (2). Breiman (2001), "Random forests", section 10; Fisher, Rudin & Dominici (2019), "All models are wrong, but many
    are useful": permutation importance of any method.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuroloom.core.checks import check_choice, check_int, check_lengths
from neuroloom.core.errors import InputError
from neuroloom.core.samples import take
from neuroloom.core.seeding import as_seed, stream
from neuroloom.methods.parts import Parts, divide

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
GRADIENTS = ("integrated-gradients", "grad-cam")
METHODS = ("shapley", "lime", "permutation", *GRADIENTS)
BACKGROUND = 50
_DRAWS = {"shapley": 100, "lime": 1000, "permutation": 10, "integrated-gradients": 20, "grad-cam": 2}
_ROWS = 20_000  # samples that a model is asked for at once


@dataclass(frozen=True, eq=False)
class Explanation:
    """How much each part of the samples brings to a model's answers.

    Args:
        method: one of ``METHODS``.
        samples: the explained samples, as they came.
        parts: what they were divided into.
        outputs: names of the model's outputs: its classes, or ``("answer",)``; of a permutation importance
            ``("drop in score",)``.
        values: ``(n, parts, outputs)`` for each explained sample; ``(1, parts, 1)`` of a permutation importance, the
            mean drop of the score when the part is shuffled among the samples.
        errors: of the same shape, the standard errors of the values over the draws; NaN for LIME and Grad-CAM.
        base: ``(n, outputs)`` what the model answers with all parts taken away, on the mean; Shapley values and
            integrated gradients add up to the answer less this. NaN for Grad-CAM.
        answers: ``(n, outputs)`` the model's answers; of a permutation importance the score.
    """

    method: str
    samples: Any
    parts: Parts
    outputs: tuple[str, ...]
    values: Floats
    errors: Floats
    base: Floats
    answers: Floats

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parts."""
        return self.parts.names

    def importance(self) -> Floats:
        """Return ``(parts,)``: the mean of ``|value|`` over samples and outputs; of a permutation the drop itself."""
        if self.method == "permutation":
            return np.asarray(self.values[0, :, 0])
        return np.asarray(np.abs(self.values).mean(axis=(0, 2)))

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each sample, output and part: ``sample output part value error``."""
        import pandas as pd

        n, parts, outputs = self.values.shape
        return pd.DataFrame(
            {
                "sample": np.repeat(np.arange(n), parts * outputs),
                "part": np.tile(np.repeat(np.array(self.names, dtype=object), outputs), n),
                "output": np.tile(np.array(self.outputs, dtype=object), n * parts),
                "value": self.values.ravel(),
                "error": self.errors.ravel(),
            }
        )

    def plot(
        self, ax: Any = None, *, sample: int | None = None, output: str | None = None, most: int = 15
    ) -> Any:
        """Draw the parts that bring most and return the axes.

        Without ``sample``, bars of :meth:`importance`; of one sample, what each part brings to ``output``, the samples'
        likeliest by default, as bars or, for series and pictures, as colour over the sample.

        Args:
            ax: matplotlib axes, or None for a figure of its own.
            sample: number of an explained sample, or None for all of them together.
            output: name of an output.
            most: bars at most, at least 1.

        Raises:
            InputError: there is no such sample or output, or matplotlib is not installed.
        """
        from neuroloom.methods.explain_plot import draw

        return draw(self, ax, sample, output, most)


def explain(
    estimator: Any,
    X: Any,
    y: ArrayLike | None = None,
    *,
    method: str = "shapley",
    background: Any = None,
    parts: int | tuple[int, int] | None = None,
    draws: int | None = None,
    score: Callable[[Any, Any, Any], float] | None = None,
    random_state: Any = None,
) -> Explanation:
    """Explain a fitted model's answers for samples of a table, series or pictures.

    Args:
        estimator: fitted, of any room or library; ``predict_proba`` is explained where there is one, else
            ``decision_function`` or ``predict``.
        X: ``(n, columns)`` array or DataFrame, ``(n, channels, length)`` series or ``(n, channels, height, width)``
            pictures: what is explained; for ``"permutation"`` samples that the model has not learned from.
        y: ``(n,)`` true answers, for ``"permutation"`` alone.
        method: ``"shapley"``: what each part adds to the answer, on the mean over all orders in which parts can be put
            in place; ``"lime"``: the slopes of a ridge regression of the answer on which parts are there, near samples
            counting more; ``"permutation"``: how far the score falls when a part is shuffled among the samples, one
            value for all samples; ``"integrated-gradients"``: the gradient along the way from each background sample to
            the sample, times the way; ``"grad-cam"``: where the last convolution of a network of series or pictures
            saw what moves the answer. The last two need captum and a network that stands alone or after nothing but
            the preparation, scaling or flattening of columns.
        background: samples like ``X`` that stand in for what is taken away; None takes 50 of ``X`` at most.
        parts: of a series, stretches of each channel (16 by default, or one a value); of pictures, rows and columns of
            patches (8 × 8, or one a pixel); tables are divided into columns.
        draws: orders of a Shapley value (each is used with its reverse, so an even number; 100 by default), samples of
            LIME (1,000), shuffles (10), or background samples that integrated gradients start from (20).
        score: ``score(estimator, X, y) -> float`` for ``"permutation"``; None takes the estimator's own.
        random_state: int, generator or None.

    Raises:
        InputError: the samples are of another kind or shape, a number is out of range, ``y`` is missing or unasked
            for, or captum is not installed.
        NotSupportedError: gradients are asked for where there are none.
    """
    check_choice("method", method, METHODS)
    divided = divide(X, parts)
    count = check_int("draws", _DRAWS[method] if draws is None else draws, 2)
    if method == "permutation":
        if y is None:
            raise InputError("permutation importance needs the true answers: pass y.")
        check_lengths(X, y)
        return _permuted(estimator, X, np.asarray(y), divided, count, score, random_state)
    if y is not None or score is not None:
        raise InputError(f"`y` and `score` are for 'permutation' alone, but the method is {method!r}.")
    seed = as_seed(random_state)
    if background is None:
        background = _some(X, BACKGROUND, stream(seed, "background"))
    divided.check(background)
    if method in GRADIENTS:
        return _by_gradients(estimator, X, background, divided, method, count, seed)
    ask, outputs = _asked(estimator, take(X, np.arange(min(len(X), 1))))
    each = _shapley if method == "shapley" else _lime
    found = [
        each(ask, take(X, np.array([i])), background, divided, count, stream(seed, "explain", i))
        for i in range(len(X))
    ]
    values, errors, base = (np.stack([f[k] for f in found]) for k in range(3))
    return Explanation(method, X, divided, outputs, values, errors, base, ask(X))


def _some(X: Any, count: int, draw: np.random.Generator) -> Any:
    """Return so many of the samples at most, in their order."""
    return take(X, np.sort(draw.permutation(len(X))[:count]))


def _by_gradients(
    estimator: Any, X: Any, background: Any, divided: Parts, method: str, draws: int, seed: int
) -> Explanation:
    if importlib.util.find_spec("captum") is None:
        raise InputError(f"method {method!r} needs the package captum: pip install 'neuroloom[explain]'.")
    from neuroloom.methods.attributions import Network, grad_cam, integrated_gradients

    network = Network(estimator)
    if method == "grad-cam":
        found = grad_cam(network, X, divided)
    else:
        some = _some(background, draws, stream(seed, "baselines"))
        found = integrated_gradients(network, X, some, divided)
    width = found[0].shape[2]
    classes = [str(c) for c in getattr(estimator, "classes_", ())]
    outputs = tuple(classes) if len(classes) == width else ("answer",)
    return Explanation(method, X, divided, outputs, *found)


Ask = Callable[[Any], Floats]


def _asked(estimator: Any, one: Any) -> tuple[Ask, tuple[str, ...]]:
    """Return a function that gives a model's outputs ``(n, outputs)``, and their names."""
    name = next(n for n in ("predict_proba", "decision_function", "predict") if hasattr(estimator, n))

    def ask(X: Any) -> Floats:
        answered = np.asarray(getattr(estimator, name)(X))
        if answered.dtype.kind not in "fiub":
            raise InputError(
                f"{type(estimator).__name__} gives neither probabilities nor scores, only labels, which cannot be "
                "divided among parts; take a classifier with predict_proba, or put +temperature after it."
            )
        made = answered.astype(np.float64)
        return made[:, None] if made.ndim == 1 else made

    width = ask(one).shape[1]
    classes = [str(c) for c in getattr(estimator, "classes_", ())]
    if name != "predict" and len(classes) == width:
        return ask, tuple(classes)
    if name == "decision_function" and len(classes) == 2 and width == 1:
        return ask, (classes[1],)
    return ask, ("answer",) if width == 1 else tuple(f"answer {i}" for i in range(width))


def _blocks(ask: Ask, parts: Parts, x: Any, background: Any, keep: NDArray[np.bool_], which: Any) -> Floats:
    """Return the outputs for ``x`` with the parts of each row of ``keep``, the others from ``background[which]``."""
    found = [
        ask(parts.mixed(x, take(background, which[start : start + _ROWS]), keep[start : start + _ROWS]))
        for start in range(0, len(keep), _ROWS)
    ]
    return np.concatenate(found)


def _shapley(
    ask: Ask, x: Any, background: Any, parts: Parts, draws: int, draw: np.random.Generator
) -> tuple[Floats, Floats, Floats]:
    """Štrumbelj and Kononenko's algorithm 2, a whole order at a time, with each order's reverse (Mitchell et al.)."""
    p, pairs = len(parts.names), (draws + 1) // 2
    orders = np.stack([draw.permutation(p) for _ in range(pairs)])
    orders = np.stack([orders, orders[:, ::-1]], axis=1).reshape(-1, p)
    rank = np.argsort(orders, axis=1)
    keep = (
        rank[:, None, :] < np.arange(p + 1)[None, :, None]
    )  # (orders, p + 1, p): parts in place after each step
    which = np.repeat(np.resize(draw.permutation(len(background)), pairs), 2)
    outputs = _blocks(ask, parts, x, background, keep.reshape(-1, p), np.repeat(which, p + 1))
    outputs = outputs.reshape(len(orders), p + 1, -1)
    added = np.empty((len(orders), p, outputs.shape[2]))
    np.put_along_axis(added, orders[:, :, None], np.diff(outputs, axis=1), axis=1)
    pair = added.reshape(pairs, 2, p, -1).mean(axis=1)
    errors = pair.std(axis=0, ddof=1) / np.sqrt(pairs) if pairs > 1 else np.full(pair.shape[1:], np.nan)
    return pair.mean(axis=0), errors, outputs[:, 0].mean(axis=0)


def _lime(
    ask: Ask, x: Any, background: Any, parts: Parts, draws: int, draw: np.random.Generator
) -> tuple[Floats, Floats, Floats]:
    """Ribeiro et al.'s Eq. (2): ridge on which parts are there, ``exp(−d² / w²)`` with ``w = ¾ √parts`` as weights.

    ``d²`` is the number of missing parts, so ``w²`` is the authors' default width of a table.
    """
    p = len(parts.names)
    keep = draw.random((draws, p)) < 0.5
    keep[0] = True
    outputs = _blocks(ask, parts, x, background, keep, draw.integers(len(background), size=draws))
    weight = np.exp(-(~keep).sum(axis=1) / (0.75**2 * p))
    Z = keep.astype(np.float64)
    mean_z, mean_f = (np.average(a, axis=0, weights=weight) for a in (Z, outputs))
    Zc, fc = Z - mean_z, outputs - mean_f
    slopes = np.linalg.solve(Zc.T @ (weight[:, None] * Zc) + np.eye(p), Zc.T @ (weight[:, None] * fc))
    return slopes, np.full(slopes.shape, np.nan), mean_f - mean_z @ slopes


def _permuted(
    estimator: Any,
    X: Any,
    y: NDArray[Any],
    parts: Parts,
    draws: int,
    score: Callable[[Any, Any, Any], float] | None,
    random_state: Any,
) -> Explanation:
    measure = score if score is not None else lambda model, samples, truth: float(model.score(samples, truth))
    whole = float(measure(estimator, X, y))
    seed = as_seed(random_state)
    drops = np.empty((draws, len(parts.names)))
    for j in range(len(parts.names)):
        keep = np.ones((len(y), len(parts.names)), dtype=bool)
        keep[:, j] = False
        for k in range(draws):
            others = stream(seed, "shuffle", j, k).permutation(len(y))
            drops[k, j] = whole - float(measure(estimator, parts.mixed(X, take(X, others), keep), y))
    mean, errors = drops.mean(axis=0), drops.std(axis=0, ddof=1) / np.sqrt(draws)
    base = np.array([[whole - float(mean.sum())]])
    return Explanation(
        "permutation",
        X,
        parts,
        ("drop in score",),
        mean[None, :, None],
        errors[None, :, None],
        base,
        np.array([[whole]]),
    )
