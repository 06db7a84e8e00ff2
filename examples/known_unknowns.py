"""Five nets say how sure they are of a curve, and why not: run ``python examples/known_unknowns.py``.

The curve is noisy on its right half, and no sample lies beyond 3. The model's part of the uncertainty is what
more samples would remove, the noise's part is what stays.
"""

import sys

import numpy as np

from neuroloom import nets

METHODS = ("DeepEnsemble", "Laplace", "SWAG", "MCDropout", "BayesByBackprop")


def main(epochs: int = 200) -> None:
    """Fit every method and print its standard deviations at four places."""
    rng = np.random.default_rng(0)
    x = rng.uniform(-3, 3, 300)
    y = np.sin(2 * x) + np.where(x > 0, 0.5, 0.05) * rng.normal(size=300)
    places = np.array([-2.0, -1.0, 2.0, 4.0])
    print("standard deviations, model's / noise's, at x =", *places)
    noise = {}
    for method in METHODS:
        estimator = getattr(nets, f"{method}Regressor")(epochs=epochs, random_state=0).fit(x[:, None], y)
        found = estimator.predict_uncertainty(places[:, None])
        parts = [f"{m:.2f} / {n:.2f}" for m, n in zip(found.model, found.noise, strict=True)]
        print(f"{method:16}", *parts, sep="   ")
        noise[method] = found.noise[2] / found.noise[1]
    told = [method for method, ratio in noise.items() if ratio > 2]
    print(f"the noisy half is told from the quiet one by: {', '.join(told)}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
