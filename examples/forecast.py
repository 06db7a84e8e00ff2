"""Forecasts of airline passengers: three methods over a rolling origin, and a year ahead with its interval.

python examples/forecast.py [PICTURE.png]
"""

import sys

import numpy as np

from neuroloom import make
from neuroloom.core import OriginSet
from neuroloom.tasks import evaluate, open_task

task = open_task("airline")
data = task.load()
print(f"{'':16}  MASE  CRPS  inside 95 %")
for method in ("seasonal-naive", "ridge", "theta", "dlinear"):
    scores = []
    for fold in range(task.published_splits):
        split = task.split(data, 0, fold, 5)
        X, y, T = data.X[split.train], data.y[split.train], data.X[split.test]
        model = make(method, "series", "forecast").fit(X, y)
        found = evaluate(
            ["mase", "crps", "coverage@95"],
            data.y[split.test],
            model.predict(T),
            quantiles=model.predict_quantiles(T),
            scale=X.naive_error(y),
        )
        scores.append(list(found.values()))
    mase, crps, inside = np.mean(scores, axis=0)
    print(f"{method:16}  {mase:.2f}  {crps:4.1f}  {inside:.0%}")

# the last year, from the eleven before it
passengers = np.concatenate([data.X.values[0], data.y[-1]])
X, y = OriginSet.of(passengers[:-12], horizon=12, season=12)
model = make("ridge", "series", "forecast").fit(X, y)
end = OriginSet(passengers[:-12], season=12)
ahead, interval = model.predict(end)[0], model.predict_interval(end, 0.95)[0]
print(f"the last year: mean error {np.abs(ahead - passengers[-12:]).mean():.0f} thousand passengers")

if len(sys.argv) > 1:
    import matplotlib.pyplot as plt

    months = 1949 + np.arange(len(passengers)) / 12
    fig, ax = plt.subplots(figsize=(8, 4), layout="constrained")
    ax.fill_between(months[-12:], *interval.T, color="#9ecae1", label="95 % interval", lw=0)
    ax.plot(months[-60:], passengers[-60:], color="#444444", label="passengers, thousands")
    ax.plot(months[-12:], ahead, color="#08519c", label="forecast at the end of 1959")
    ax.axvline(months[-12] - 1 / 24, color="#999999", lw=0.8, ls=":")
    ax.set_xlabel("year")
    ax.legend(frameon=False, loc="upper left")
    ax.spines[["top", "right"]].set_visible(False)
    fig.savefig(sys.argv[1], dpi=120)
