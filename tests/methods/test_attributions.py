"""Gradients of networks as explanations: against additive models by hand, and the definition of Grad-CAM."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import BaseEstimator
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from neuroloom.core import InputError, NotSupportedError
from neuroloom.methods.explain import explain
from neuroloom.methods.pipeline import Pipeline
from neuroloom.methods.prepare import TablePreparation
from neuroloom.nets import (
    CNNClassifier,
    FCNClassifier,
    GRURegressor,
    LSTMTokenClassifier,
    MLPClassifier,
    MLPRegressor,
    RBFNClassifier,
    RBFNRegressor,
)
from neuroloom.runner.models import explain_with_model, fit_model

X, Y = load_iris(return_X_y=True)
SOME = np.r_[0:10, 60:70, 120:130]
DRAW = np.random.default_rng(0)


def bumps(n=60, length=48):
    """Return series of noise of which half have a bump at a place of their own, the places, and which have one."""
    draw = np.random.default_rng(3)
    series, place = 0.3 * draw.standard_normal((n, 1, length)), draw.integers(8, length - 8, n)
    y = np.arange(n) % 2
    for i in np.flatnonzero(y):
        series[i, 0, place[i] - 3 : place[i] + 4] += 2 * np.hanning(7)
    return series, place, y


MLP = {
    "plain": {},
    "periodic": {"encoding": "periodic", "bins": 4},
    "unencoded": {"bins": 0},
    "batch": {"normalization": "batch", "dtype": "float32"},
    "layer": {"normalization": "layer", "activation": "prelu"},
}


@pytest.mark.parametrize("given", MLP.values(), ids=MLP)
def test_the_module_of_a_dense_network_answers_as_it_does(given):
    model = MLPClassifier((8,), members=2, epochs=3, random_state=0, **given).fit(X, Y)
    made = model.answer_module()(torch.from_numpy(X)).detach().numpy()
    np.testing.assert_allclose(made, model.predict_proba(X), atol=1e-5 if "dtype" in given else 1e-12)


NUMBERS = {
    "plain": {},
    "bounds": {"bounds": (0.0, 10.0)},
    "exp": {"output": "exp"},
    "softplus": {"output": "softplus"},
    "gaussian": {"loss": "gaussian"},
}


@pytest.mark.parametrize("given", NUMBERS.values(), ids=NUMBERS)
def test_the_module_of_a_dense_regressor_answers_as_it_does(given):
    model = MLPRegressor((8,), members=2, epochs=3, random_state=0, **given).fit(X[:, 1:], X[:, 0])
    made = model.answer_module()(torch.from_numpy(X[:, 1:])).detach().numpy()
    np.testing.assert_allclose(made[:, 0], model.predict(X[:, 1:]), rtol=1e-10)


RADIAL = {
    "plain": {},
    "metric": {"metric": "full", "rounds": 1},
    "normalised": {"normalised": True, "skip": False},
    "thin-plate": {"kernel": "thin-plate"},
    "wendland": {"kernel": "wendland"},
}


@pytest.mark.parametrize("given", RADIAL.values(), ids=RADIAL)
def test_the_module_of_a_radial_network_answers_as_it_does(given):
    model = RBFNClassifier(20, random_state=0, **given).fit(X, Y)
    made = model.answer_module()(torch.from_numpy(X)).detach().numpy()
    np.testing.assert_allclose(made, model.predict_proba(X), atol=1e-6)
    numbers = RBFNRegressor(20, random_state=0, **given).fit(X[:, 1:], X[:, 0])
    made = numbers.answer_module()(torch.from_numpy(X[:, 1:])).detach().numpy()
    np.testing.assert_allclose(made[:, 0], numbers.predict(X[:, 1:]), rtol=1e-5)


@pytest.mark.parametrize("normalize", ["channel", "sample", "none"])
def test_the_module_of_a_deep_net_answers_as_it_does(normalize):
    series, _, y = bumps(24)
    series = 5 + 3 * series
    net = FCNClassifier(epochs=1, members=2, normalize=normalize, random_state=0).fit(series, y)
    made = net.answer_module()(torch.from_numpy(series)).detach().numpy()
    np.testing.assert_allclose(made, net.predict_proba(series), atol=1e-5)
    numbers = GRURegressor(epochs=1, normalize=normalize, random_state=0).fit(series, 100 + 5.0 * y)
    made = numbers.answer_module()(torch.from_numpy(series)).detach().numpy()
    np.testing.assert_allclose(made[:, 0], numbers.predict(series), rtol=1e-5)
    flags = np.stack([y, 1 - y], axis=1)
    several = FCNClassifier(epochs=1, normalize=normalize, random_state=0).fit(series, flags)
    made = several.answer_module()(torch.from_numpy(series)).detach().numpy()
    np.testing.assert_allclose(made, several.predict_proba(series), atol=1e-5)


def test_a_network_of_tokens_has_no_such_module():
    tokens = DRAW.integers(1, 9, (20, 6))
    net = LSTMTokenClassifier(epochs=1, random_state=0).fit(tokens, np.arange(20) % 2)
    with pytest.raises(InputError, match="reads tokens, which have no gradient"):
        net.answer_module()


def test_an_additive_network_is_explained_by_what_each_column_adds():
    """Without a hidden layer an answer is a sum over columns, so each one's part is its own function's rise."""
    model = MLPRegressor((), epochs=40, random_state=0).fit(X[:, 1:], X[:, 0])
    samples, background = X[SOME, 1:], X[::25, 1:]
    found = explain(model, samples, method="integrated-gradients", background=background, draws=50)
    for j in range(3):
        rises = []
        for other in background:
            without = samples.copy()
            without[:, j] = other[j]
            rises.append(model.predict(samples) - model.predict(without))
        np.testing.assert_allclose(found.values[:, j, 0], np.mean(rises, axis=0), atol=0.02)
        error = np.std(rises, axis=0, ddof=1) / np.sqrt(len(background))
        np.testing.assert_allclose(found.errors[:, j, 0], error, atol=0.02)
    np.testing.assert_allclose(found.values.sum(axis=1), found.answers - found.base, atol=0.02)
    np.testing.assert_allclose(found.answers[:, 0], model.predict(samples), rtol=1e-10)
    np.testing.assert_allclose(found.base[:, 0], model.predict(background).mean(), rtol=1e-10)


def test_values_that_do_not_add_up_are_told():
    """A network that rises by one over a hair's breadth, which no sum of so many steps meets."""

    class Step(BaseEstimator):
        def answer_module(self):
            module = torch.nn.Sequential(torch.nn.Linear(1, 1), torch.nn.Sigmoid()).double()
            with torch.no_grad():
                module[0].weight.fill_(1e7)
                module[0].bias.fill_(-0.123456e7)
            return module

    with pytest.warns(UserWarning, match="integrated gradients add up to the rise of an answer only within"):
        explain(Step(), np.array([[1.0]]), method="integrated-gradients", background=np.array([[0.0]]))


def test_near_shapley_values_where_columns_work_together_little():
    model = RBFNClassifier(30, random_state=0).fit(X, Y)
    ours = explain(model, X[SOME], method="integrated-gradients", background=X[::15], random_state=0)
    other = explain(model, X[SOME], background=X[::15], draws=60, random_state=0)
    assert ours.outputs == other.outputs == ("0", "1", "2")
    np.testing.assert_allclose(ours.base, other.base, atol=1e-9)
    np.testing.assert_allclose(ours.values.sum(axis=1), ours.answers - ours.base, atol=0.01)
    assert np.corrcoef(ours.values.ravel(), other.values.ravel())[0, 1] > 0.9


def test_columns_that_are_prepared_are_explained_as_they_came():
    draw = np.random.default_rng(1)
    n = 200
    frame = pd.DataFrame(
        {
            "town": draw.choice(["a", "b", "c"], n),
            "size": np.where(draw.random(n) < 0.2, np.nan, draw.normal(5, 2, n)),
            "built": pd.Timestamp("2001-01-01") + pd.to_timedelta(draw.integers(0, 4000, n), unit="D"),
            "town_b": draw.choice(["x", "y"], n),
            "noise": draw.normal(size=n),
        }
    )
    y = 3.0 * (frame.town == "b") + frame["size"].fillna(0) + 2.0 * (frame.town_b == "y")
    model = Pipeline(
        [
            ("prepare", TablePreparation()),
            ("scale", StandardScaler()),
            ("mlp", MLPRegressor((), epochs=60, random_state=0)),
        ]
    ).fit(frame, y)
    found = explain(
        model, frame[:6], method="integrated-gradients", background=frame[20:24], draws=4, random_state=0
    )
    assert found.names == tuple(frame.columns)
    for j, name in enumerate(frame.columns):  # additive again: by taking the column away in the table itself
        rises = []
        for i in range(20, 24):
            without = frame[:6].copy()
            without[name] = frame[name].iloc[i]
            rises.append(model.predict(frame[:6]) - model.predict(without))
        np.testing.assert_allclose(found.values[:, j, 0], np.mean(rises, axis=0), atol=0.1, err_msg=name)
    assert found.importance().argmin() in (2, 4)


def test_sources_name_the_column_of_each_feature():
    frame = pd.DataFrame(
        {
            "c": [*"abcdabcd"] * 20,
            "n": [1.0, np.nan] * 80,
            "two": ["p", "q"] * 80,
            "many": [f"v{i}" for i in range(160)],
            "m": np.arange(160.0),
        }
    )
    prepare = TablePreparation().fit(frame)
    names, sources = prepare.get_feature_names_out(), prepare.sources()
    assert len(names) == len(sources)
    for name, source in zip(names, sources, strict=True):
        assert str(frame.columns[source]) in name


def test_grad_cam_is_its_definition():
    series, place, y = bumps()
    net = FCNClassifier(epochs=15, random_state=0).fit(series, y)
    found = explain(net, series[:8], method="grad-cam", parts=48)
    module = net.answer_module()
    layer = [m for m in module.networks[0].modules() if isinstance(m, torch.nn.Conv1d)][-1]
    kept = {}
    layer.register_forward_hook(lambda _m, _i, out: kept.update(out=out))
    x = torch.from_numpy(series[:8])
    for k in range(2):
        (slope,) = torch.autograd.grad(module.scores(x)[:, k].sum(), kept["out"])
        wanted = (slope.mean(dim=2, keepdim=True) * kept["out"]).sum(dim=1)  # Eq. (1) and (2)
        np.testing.assert_allclose(found.values[:, :, k], wanted.detach().numpy(), atol=1e-5)
    assert np.isnan(found.base).all()
    assert np.isnan(found.errors).all()
    highest = found.values[1::2, :, 1].argmax(axis=1)  # series that have a bump
    assert (np.abs(highest - place[1:8:2]) <= 6).all()


def test_pictures_by_both():
    draw = np.random.default_rng(0)
    pictures = 0.1 * draw.standard_normal((40, 1, 8, 8))
    y = np.arange(40) % 2
    pictures[y == 1, 0, 1:4, 1:4] += 1
    net = CNNClassifier(epochs=10, random_state=0).fit(pictures, y)
    for method in ("integrated-gradients", "grad-cam"):
        found = explain(net, pictures[1:2], method=method, background=pictures[::2], parts=2)
        assert found.values.shape == (1, 4, 2)
        assert method == "grad-cam" or found.values[0, :, 1].argmax() == 0
        assert "nan" not in found.plot(sample=0).get_title(loc="left")


def test_a_saved_model_explains_the_columns_of_its_table(tmp_path):
    draw = np.random.default_rng(0)
    frame = pd.DataFrame(
        {"colour": draw.choice(["red", "green", "blue"], 120), "price": draw.normal(size=120)}
    )
    frame["bought"] = np.where((frame.colour == "red") ^ (draw.random(120) < 0.05), "yes", "no")
    frame.to_csv(tmp_path / "table.csv", index=False)
    fit_model("mlp", tmp_path / "table.csv", tmp_path / "model", target="bought", params=["epochs=20"])
    text = explain_with_model(
        tmp_path / "model", tmp_path / "table.csv", method="integrated-gradients", rows=3
    )
    found = pd.read_csv(io.StringIO(text))
    assert set(found["part"]) == {"colour", "price"}
    size = found.assign(size=found["value"].abs()).groupby("part")["size"].mean()
    assert size["colour"] > 5 * size["price"]


def test_what_has_no_gradient_is_refused_with_a_way_out():
    forest = RandomForestClassifier(5, random_state=0).fit(X, Y)
    with pytest.raises(
        NotSupportedError, match="RandomForestClassifier has no gradient to follow; take method 'shapley'"
    ):
        explain(forest, X[:3], method="integrated-gradients")
    from sklearn.decomposition import PCA

    chained = make_pipeline(PCA(2), RBFNClassifier(5, random_state=0)).fit(X, Y)
    with pytest.raises(NotSupportedError, match="gradients are not followed through PCA"):
        explain(chained, X[:3], method="integrated-gradients")
    radial = RBFNClassifier(5, random_state=0).fit(X, Y)
    with pytest.raises(NotSupportedError, match="Grad-CAM needs a network with convolutions"):
        explain(radial, X[:3], method="grad-cam")
    with pytest.raises(InputError, match="gradients need samples without missing values"):
        explain(radial, np.where(X[:3] > 5, np.nan, X[:3]), method="integrated-gradients")


def test_without_captum_it_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    radial = RBFNClassifier(5, random_state=0).fit(X, Y)
    with pytest.raises(InputError, match=r"needs the package captum: pip install 'neuroloom\[explain\]'"):
        explain(radial, X[:3], method="integrated-gradients")
