"""Named wavelet features of series: which band tells the classes apart, and how well a linear head does with them."""

from __future__ import annotations

import numpy as np
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.linear_model import RidgeClassifierCV
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from neuroloom.signal import WaveletFeatures, WaveletPPVFeatures
from neuroloom.tasks import open_task

data = open_task("cbf").load()
X, y = data.X, data.y  # (n, 1 channel, length) cylinders, bells and funnels

features = WaveletFeatures("db4").set_output(transform="pandas")
table = features.fit_transform(X)
print(f"{X.shape[0]} series of {X.shape[2]} values -> {table.shape[1]} features, such as {table.columns[21]}")

trees = ExtraTreesClassifier(200, random_state=0).fit(table, y)
print("\nThe features that the trees use most:")
for i in np.argsort(-trees.feature_importances_)[:5]:
    print(f"  {trees.feature_importances_[i]:.3f}  {table.columns[i]}")

print("\nAccuracy of five folds under a ridge head:")
for step in (WaveletFeatures(), WaveletPPVFeatures(random_state=0)):
    model = make_pipeline(step, StandardScaler(), RidgeClassifierCV(np.logspace(-3, 3, 10)))
    scores = cross_val_score(model, X, y, cv=5)
    print(f"  {type(step).__name__:20} {scores.mean():.3f} ± {scores.std():.3f}")
