"""Baselines, and steps before or after any method: balancing, calibration, tuning."""

from __future__ import annotations

from collections.abc import Iterator

from neuroloom.methods.method import (
    BALANCE,
    CORRECT,
    FORECAST,
    KINDS,
    LEARNED,
    TRANSFORM,
    Method,
    transformer,
    tuning,
)

_CORRECTORS = (
    ("temperature", "temperature scaling: one number that makes probabilities right"),
    ("sigmoid", "Platt scaling: a sigmoid that makes probabilities right"),
    ("isotonic", "isotonic regression that makes probabilities right"),
    ("threshold", "moved threshold: answers that suit rare classes or costs"),
)

_BALANCERS_OF_ALL = ("oversample", "undersample", "weights")


_BALANCERS = (
    ("oversample", "samples of rare classes repeated until all are as many"),
    ("undersample", "samples of common classes left out until all are as many"),
    ("weights", "samples weighted by the inverse share of their class"),
    ("smote", "SMOTE: rows made up between neighbours of a rare class"),
    ("borderline-smote", "borderline SMOTE: rows made up where classes meet"),
    ("adasyn", "ADASYN: rows made up where a rare class is hard to tell"),
    ("smote-tomek", "SMOTE, then pairs of neighbours of different classes removed"),
    ("smote-enn", "SMOTE, then rows removed whose neighbours disagree"),
)


def _dummy() -> dict[tuple[str, str], str]:
    answers = {(kind, p): f"neuroloom.methods.dummy:Dummy{'Classifier' if p == LEARNED[0] else 'Regressor'}"
               for kind in KINDS if kind != "episodes" for p in LEARNED}  # fmt: skip
    found = {
        (kind, "detection"): "neuroloom.methods.dummy:DummyDetector" for kind in ("table", "series", "image")
    }
    return {**answers, **found, ("episodes", "control"): "neuroloom.methods.dummy:RandomPolicy"}


def _scikit_learn(module: str, classifier: str, regressor: str) -> dict[tuple[str, str], str]:
    return {
        ("table", LEARNED[0]): f"sklearn.{module}:{classifier}",
        ("table", LEARNED[1]): f"sklearn.{module}:{regressor}",
    }


def methods() -> Iterator[Method]:
    """Yield them in the order in which they are listed."""
    yield Method("ngrams", "baseline", "counts of words or letters and their neighbours, rare ones counting more",
                 transformer("neuroloom.methods.ngrams:NGramFeatures", "tokens"))  # fmt: skip
    yield Method("seasonal-naive", "baseline", "seasonal naive: the last season again",
                 {("series", FORECAST): "neuroloom.methods.seasonal_naive:SeasonalNaiveForecaster"})  # fmt: skip
    yield Method("ets", "baseline", "exponential smoothing of the form with the least AICc",
                 {("series", FORECAST): "neuroloom.methods.exponential_smoothing:ETSForecaster"})  # fmt: skip
    yield Method("theta", "baseline", "theta method: a trend line and exponential smoothing",
                 {("series", FORECAST): "neuroloom.methods.theta:ThetaForecaster"})  # fmt: skip
    yield Method("arima", "baseline", "seasonal ARIMA, its orders found step by step",
                 {("series", FORECAST): "neuroloom.methods.arima:ARIMAForecaster"})  # fmt: skip
    yield Method("combination", "baseline", "ets, theta, arima and ridge, weighted by what each missed last",
                 {("series", FORECAST): "neuroloom.methods.combination:CombinationForecaster"}, version=2)  # fmt: skip
    yield Method("windows", "baseline", "the next value from the window before it, by any regressor",
                 {("series", FORECAST): "neuroloom.methods.windows:WindowForecaster"}, offered=False)  # fmt: skip
    yield Method("dummy", "baseline", "the most frequent class, the mean, or random actions", _dummy())
    yield Method("logreg", "baseline", "logistic regression",
                 {("table", LEARNED[0]): "sklearn.linear_model:LogisticRegression"},
                 scale=True, fixed={"max_iter": 2000})  # fmt: skip
    yield Method("ridge", "baseline", "ridge regression, or a ridge classifier on classes",
                 {("table", LEARNED[0]): "neuroloom.methods.ridge:RidgeClassifier",
                  ("table", LEARNED[1]): "neuroloom.methods.ridge:Ridge"}, scale=True)  # fmt: skip
    for key, title in _CORRECTORS:
        name = "thresholds:Threshold" if key == "threshold" else "calibrated:Calibrated"
        yield Method(key, "baseline", title,
                     {(kind, CORRECT): f"neuroloom.methods.{name}Classifier" for kind in KINDS if kind != "episodes"},
                     fixed={} if key == "threshold" else {"method": key})  # fmt: skip
    stems = dict(zip(LEARNED, ("Classifier", "Regressor"), strict=True))
    yield Method("tuned", "baseline", "the parameters of what stands before it, chosen on folds of the training part",
                 {(kind, tuning(problem)): f"neuroloom.methods.tuned:Tuned{stem}"
                  for kind in KINDS if kind != "episodes" for problem, stem in stems.items()
                  if (kind, problem) != ("links", LEARNED[1])}
                 | {(kind, tuning("detection")): "neuroloom.methods.tuned:TunedDetector"
                    for kind in ("table", "series", "image")}
                 | {("series", tuning("forecast")): "neuroloom.methods.tuned:TunedForecaster",
                    ("episodes", tuning("control")): "neuroloom.methods.tuned:TunedPolicy"})  # fmt: skip
    for key, title in _BALANCERS:
        any_kind = key in _BALANCERS_OF_ALL
        fits = [k for k in KINDS if k == "table" or (any_kind and k not in ("links", "episodes"))]
        yield Method(key if key != "weights" else "class-weights", "baseline", title,
                     {(kind, BALANCE): "neuroloom.methods.resampled:ResampledClassifier" for kind in fits},
                     fixed={"sampler": key})  # fmt: skip
    yield Method("pca", "baseline", "principal components that hold 95 % of the variance",
                 {("table", TRANSFORM): "sklearn.decomposition:PCA",
                  ("table", "detection"): "neuroloom.methods.pca_detector:PCADetector"}, scale=True,
                  fixed={"n_components": 0.95},
                 offered=False)  # fmt: skip
    yield Method("kernel-pca", "baseline", "32 principal components of an RBF kernel",
                 transformer("sklearn.decomposition:KernelPCA", "table"), scale=True,
                 fixed={"kernel": "rbf", "n_components": 32}, offered=False)  # fmt: skip
    yield Method("knn", "baseline", "k nearest neighbours",
                 _scikit_learn("neighbors", "KNeighborsClassifier", "KNeighborsRegressor"), scale=True)  # fmt: skip
    yield Method("svm", "baseline", "support vector machine with an RBF kernel",
                 {("table", LEARNED[0]): "sklearn.svm:SVC",
                  ("table", LEARNED[1]): "neuroloom.methods.svm:StandardisedSVR"}, scale=True)  # fmt: skip
    yield Method("isolation-forest", "baseline", "isolation forest: how few random cuts set a sample apart",
                 {("table", "detection"): "sklearn.ensemble:IsolationForest"})  # fmt: skip
    yield Method("one-class-svm", "baseline", "one-class support vector machine with an RBF kernel",
                 {("table", "detection"): "sklearn.svm:OneClassSVM"}, scale=True)  # fmt: skip
    yield Method("lof", "baseline", "local outlier factor: density beside that of the nearest neighbours",
                 {("table", "detection"): "sklearn.neighbors:LocalOutlierFactor"}, scale=True,
                 fixed={"novelty": True})  # fmt: skip
    yield Method("matrix-profile", "baseline", "matrix profile: distance of a window to the nearest usual one",
                 {("series", "detection"): "neuroloom.methods.matrix_profile:MatrixProfileDetector"})  # fmt: skip
    yield Method("moving-deviation", "baseline", "moving deviation: how far a window's spread is from the usual one",
                 {("series", "detection"): "neuroloom.methods.moving_deviation:MovingDeviationDetector"})  # fmt: skip
    yield Method("random-forest", "baseline", "random forest",
                 _scikit_learn("ensemble", "RandomForestClassifier", "RandomForestRegressor"))  # fmt: skip
    yield Method("extra-trees", "baseline", "extremely randomised trees",
                 _scikit_learn("ensemble", "ExtraTreesClassifier", "ExtraTreesRegressor"))  # fmt: skip
    yield Method("hist-gradient-boosting", "baseline", "histogram gradient boosting",
                 _scikit_learn("ensemble", "HistGradientBoostingClassifier", "HistGradientBoostingRegressor"),
                 missing=True)  # fmt: skip
