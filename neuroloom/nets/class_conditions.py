"""What samplers share that draw samples of a class that is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.multiclass import type_of_target

from neuroloom.core.checks import check_int, check_lengths
from neuroloom.core.errors import InputError
from neuroloom.core.seeding import stream
from neuroloom.nets.unlabelled import SampleNetwork


@dataclass(eq=False, repr=False, kw_only=True)
class ConditionalSampler(SampleNetwork):
    """Base of the samplers that can be told the class of each sample, and draw samples of a class.

    Args:
        conditional: whether ``fit`` learns samples together with their classes ``y``, so that ``sample(n, y=…)`` draws
            samples of the classes that are named. Without it ``y`` is not used.

    Attributes:
        classes_: of a conditional sampler, what ``y`` holds; ``class_shares_`` how much of it each.
    """

    conditional: bool = False

    def _learn_classes(self, y: Any, n: int) -> NDArray[np.int64] | None:
        """Return the number of each sample's class, ``(n,)``; None where classes are not learned.

        Raises:
            InputError: classes are to be learned and there are none, or ``y`` does not fit the samples.
        """
        if y is not None:
            check_lengths(range(n), np.asarray(y))
        if not self.conditional:
            return None
        if y is None:
            raise InputError(
                "a conditional sampler learns classes; pass y to `fit`, or conditional=False to learn samples alone."
            )
        kind = type_of_target(y)
        if kind not in ("binary", "multiclass"):
            raise InputError(f"a conditional sampler needs one class a sample in y, but got {kind} values.")
        self.classes_, codes = np.unique(np.asarray(y).ravel(), return_inverse=True)
        self.class_shares_: NDArray[np.float64] = np.bincount(codes) / n
        return codes.astype(np.int64)

    def _classes_to_draw(self, y: Any, n: int, seed: int) -> NDArray[np.int64] | None:
        """Return the number of the class of each of ``n`` samples to be drawn, ``(n,)``; None where there are none.

        Args:
            y: one class, or one a sample; None draws them by their shares in the training samples.
            n: samples, at least 1.
            seed: of the draw.

        Raises:
            InputError: classes are named that were not learned, or not as many as samples.
        """
        check_int("n", n)
        if not self.conditional:
            if y is not None:
                raise InputError("classes were not learned, so none can be drawn; fit with conditional=True.")
            return None
        if y is None:
            return stream(seed, "classes").choice(len(self.classes_), n, p=self.class_shares_)
        wanted = np.asarray(y)
        if wanted.ndim and wanted.shape != (n,):
            raise InputError(f"y must be one class or {n}, one a sample, but has shape {wanted.shape}.")
        place = {label: i for i, label in enumerate(self.classes_.tolist())}
        named = np.broadcast_to(wanted, n).tolist()
        strange = next((label for label in named if label not in place), None)
        if strange is not None:
            raise InputError(f"{strange!r} is none of the classes learned: {self.classes_.tolist()}.")
        return np.array([place[label] for label in named], dtype=np.int64)

    def _one_hot(self, codes: NDArray[np.int64] | None) -> NDArray[np.float32] | None:
        """Return ``(n, classes)`` of 0 and 1, or None for None."""
        return None if codes is None else np.eye(len(self.classes_), dtype=np.float32)[codes]
