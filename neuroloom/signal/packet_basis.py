"""The best basis of a wavelet packet tree: of all that the tree holds, the one whose coefficients cost least.

Coifman and Wickerhauser (1992), "Entropy-based algorithms for best basis selection".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.checks import check_choice, check_int
from neuroloom.core.errors import InputError
from neuroloom.signal.bands import packet_children
from neuroloom.signal.stationary import discrete_wavelet
from neuroloom.signal.transform import real_signal

if TYPE_CHECKING:
    import pywt

Floats = NDArray[np.float64]
COSTS = ("entropy", "l1")
CANDIDATES = ("haar", "db2", "db4", "sym4", "sym8", "coif2")
"""Wavelets that ``"auto"`` chooses from."""


@dataclass(frozen=True, repr=False)
class BestBasis:
    """A basis of packets and the coefficients of a signal in it.

    Args:
        paths: the packets from low to high, ``"a"`` and ``"d"`` for each split: ``"aad"``; ``""`` is the signal itself.
        coefficients: for each of them ``(..., m)``.
        cost: what they cost together, summed over the signals.
        costs: the cost of each wavelet that was tried, by name.
        wavelet: the wavelet's name.
        level: how deep the tree was.
    """

    paths: tuple[str, ...]
    coefficients: tuple[Floats, ...]
    cost: float
    costs: dict[str, float]
    wavelet: str
    level: int

    def __repr__(self) -> str:
        shown = ", ".join(path or "signal" for path in self.paths[:6])
        more = ", …" if len(self.paths) > 6 else ""
        return f"BestBasis({self.wavelet}, {len(self.paths)} packets: {shown}{more}; cost {self.cost:.4g})"

    @property
    def places(self) -> list[int]:
        """The place of each packet among the bands of its level in order of frequency, from 0.

        A split of a high band turns low and high around, so the place is the Gray code's inverse of the path.
        """
        found = []
        for path in self.paths:
            place, turned = 0, False
            for letter in path:
                high = (letter == "d") != turned
                place, turned = 2 * place + high, high
            found.append(place)
        return found

    def inverse(self) -> Floats:
        """Return the signals ``(..., n)`` back."""
        import pywt

        nodes = dict(zip(self.paths, self.coefficients, strict=True))
        chosen = discrete_wavelet(self.wavelet)
        for depth in range(max(map(len, nodes)), 0, -1):
            for path in sorted({one[:-1] for one in nodes if len(one) == depth}):
                low, high = nodes.pop(path + "a"), nodes.pop(path + "d")
                nodes[path] = pywt.idwt(low, high, chosen, mode="periodization", axis=-1)
        whole: Floats = nodes[""]
        return whole

    def plot(self, ax: Any = None) -> Any:
        """Draw the first signal's squared coefficients as tiles of time and frequency; return the matplotlib axes."""
        from neuroloom.signal.plots import plot_best_basis

        return plot_best_basis(self, ax)


def best_basis(
    x: Any, wavelet: Any = "auto", level: int | None = None, *, cost: str = "entropy"
) -> BestBasis:
    """Return the basis of the wavelet packet tree in which the coefficients of ``x`` cost least.

    A node of the tree stays whole if it costs no more than the best bases of its two halves together; from the leaves
    to the root this finds the best of all bases in the tree, for a cost that adds up over coefficients. With
    ``p = c² / ‖x‖²`` these are ``-Σ p ln p`` (entropy) and ``Σ √p`` (l1). Several signals get the basis of the least
    sum.

    Args:
        x: ``(n,)`` or ``(signals, n)`` finite numbers, n a multiple of 2^level.
        wavelet: an orthogonal discrete wavelet, a list of them, or ``"auto"`` for six usual ones; the one of least cost
            is taken.
        level: depth of the tree, at least 1; None for the deepest that n allows, at most 6.
        cost: ``"entropy"`` or ``"l1"``.

    Raises:
        InputError: a value is missing, n is no multiple of 2^level, a wavelet is not orthogonal.

    Source:
        Coifman and Wickerhauser (1992), section III.
    """
    signal = real_signal(x, 2)
    if signal.ndim > 2:
        raise InputError(f"expected (n,) or (signals, n), but `x` has shape {signal.shape}.")
    n = signal.shape[-1]
    check_choice("cost", cost, COSTS)
    twos = (n & -n).bit_length() - 1
    if twos < 1:
        raise InputError(f"packets need an even number of values, but there are {n}; leave one out.")
    level = min(twos, 6) if level is None else check_int("level", level, 1, twos)
    rows = signal.reshape(-1, n)
    found = {}
    for one in only_orthogonal(candidates(wavelet)):
        found[one.name] = joint_basis(rows, one, level, "periodization", cost)
    costs = {name: total for name, (total, _) in found.items()}
    chosen = min(costs, key=costs.__getitem__)
    total, nodes = found[chosen]
    paths = tuple(sorted(nodes))
    parts = tuple(nodes[path].reshape(*signal.shape[:-1], -1) for path in paths)
    return BestBasis(paths, parts, total, costs, chosen, level)


def candidates(wavelet: Any) -> list[pywt.Wavelet]:
    """Return the wavelets that ``wavelet`` stands for: a name, several, or ``"auto"``.

    Raises:
        InputError: there is none, or a name is not known.
    """
    if isinstance(wavelet, str) and wavelet == "auto":
        wavelet = CANDIDATES
    several = isinstance(wavelet, Sequence) and not isinstance(wavelet, str)
    if several and not wavelet:
        raise InputError("`wavelet` is an empty list; name one wavelet at least, or 'auto'.")
    return [discrete_wavelet(one) for one in (wavelet if several else [wavelet])]


def only_orthogonal(wavelets: Sequence[pywt.Wavelet]) -> Sequence[pywt.Wavelet]:
    """Return the ``wavelets``: costs compare shares of energy, which other wavelets do not keep.

    Raises:
        InputError: one of them is not orthogonal.
    """
    for one in wavelets:
        if not one.orthogonal:
            raise InputError(
                f"costs of bases compare only for orthogonal wavelets, such as db4, but {one.name} is not; "
                "leave it out."
            )
    return wavelets


def joint_basis(
    rows: Floats, wavelet: pywt.Wavelet, level: int, mode: str, cost: str
) -> tuple[float, dict[str, Floats]]:
    """Return the least cost of ``rows``, signals ``(m, n)`` or images ``(m, h, w)``, and the packets that have it.

    Every row counts alike: it is divided by its norm, and one of zeros costs nothing.
    """
    norm = np.sqrt((rows**2).reshape(len(rows), -1).sum(axis=1))
    scale = np.where(norm > 0, norm, 1.0)

    def visit(path: str, node: Floats, depth: int) -> tuple[float, dict[str, Floats]]:
        own = _cost(node.reshape(len(node), -1) / scale[:, None], cost)
        if depth == 0 or min(node.shape[1:]) < 2:
            return own, {path: node}
        below: dict[str, Floats] = {}
        total = 0.0
        for letter, part in packet_children(node, wavelet, mode):
            value, nodes = visit(path + letter, part, depth - 1)
            total += value
            below |= nodes
        return (own, {path: node}) if own <= total * (1 + 1e-12) else (total, below)

    return visit("", rows, level)


def _cost(c: Floats, cost: str) -> float:
    if cost == "l1":
        return float(np.abs(c).sum())
    p = c * c
    return -float((p * np.log(p, out=np.zeros_like(p), where=p > 0)).sum())
