"""Prototypes that are evolved or moved by gradient."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from neuroloom.nets import RBFNClassifier, RBFNRegressor
from neuroloom.nets._radial import KERNELS, _least_gcv, draw_centres, evolve_centres, select_centres
from neuroloom.nets._rbfn_tuning import KERNELS as IN_TORCH
from neuroloom.nets._rbfn_tuning import Hidden
from neuroloom.nets._ridge_head import fit_function, fit_ridge


def _bumps(n: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """Three narrow bumps, all of them away from where the samples are densest."""
    generator = np.random.default_rng(1)
    X = generator.normal(size=(n, 2))
    peaks = np.array([[1.5, 1.0], [-1.5, 0.5], [0.5, -1.5]])
    heights = np.array([1.0, -2.0, 1.5])
    return X, np.exp(-((X[:, None] - peaks) ** 2).sum(axis=2) / 0.5) @ heights


def test_the_kernels_in_torch_are_the_others() -> None:
    r2 = np.array([0.0, 1e-4, 0.3, 1.0, 8.0, 20.0])
    assert set(IN_TORCH) == set(KERNELS)
    for name, kernel in KERNELS.items():
        assert IN_TORCH[name](torch.tensor(r2)).numpy() == pytest.approx(kernel(r2), abs=1e-4)


@pytest.mark.parametrize(("skip", "normalised", "metric"), [(True, False, True), (False, True, False)])
def test_the_differentiable_head_is_the_closed_form_one(skip: bool, normalised: bool, metric: bool) -> None:
    generator = np.random.default_rng(0)
    Z, Y = generator.normal(size=(30, 3)), generator.normal(size=(30, 2))
    L = generator.normal(size=(3, 3)) if metric else None
    hidden = Hidden(Z[:6], L, np.linspace(0.5, 2, 6), 0.3, "gaussian", normalised, skip)
    with torch.no_grad():
        design = hidden(torch.tensor(Z)).numpy()
        coef, intercept, gap = hidden.head(torch.tensor(Z), torch.tensor(Y))
    wanted = fit_ridge(design, Y, np.array([0.3]))
    assert coef.numpy() == pytest.approx(wanted.coef, abs=1e-8)
    assert intercept.numpy() == pytest.approx(wanted.intercept, abs=1e-8)
    assert Y - gap.numpy() == pytest.approx(wanted.left_out, abs=1e-8)


@pytest.mark.parametrize("skip", [False, True])
def test_the_differentiable_head_with_the_norm_of_the_function(skip: bool) -> None:
    generator = np.random.default_rng(0)
    Z, Y = generator.normal(size=(30, 3)), generator.normal(size=(30, 2))
    hidden = Hidden(Z[:6], None, np.array([1.7]), 0.3, "laplace", False, skip)
    with torch.no_grad():
        coef, intercept, gap = hidden.head(torch.tensor(Z), torch.tensor(Y))
    phi = np.exp(-np.abs(Z[:, None] - Z[:6]).sum(axis=2) / 1.7)
    wanted = fit_function(phi, phi[:6], Z if skip else Z[:, :0], Y, np.array([0.3]))
    assert coef.numpy() == pytest.approx(wanted.coef, abs=1e-6)
    assert intercept.numpy() == pytest.approx(wanted.intercept, abs=1e-6)
    assert Y - gap.numpy() == pytest.approx(wanted.left_out, abs=1e-6)


@pytest.mark.parametrize(("kernel", "bins", "least"), [("gaussian", 0, 0.93), ("laplace", 8, 0.8)])
def test_moved_prototypes_find_the_bumps(kernel: str, bins: int, least: float) -> None:
    X, y = _bumps()
    new, truth = _bumps(500)
    scores = {}
    for steps in (0, 150):
        net = RBFNRegressor(3, kernel=kernel, metric="euclidean", bins=bins, fine_tune=steps, random_state=0)
        scores[steps] = net.fit(X, y).score(new, truth)
        assert len(net.widths_) == 3
    assert scores[0] < 0.7
    assert scores[150] > least


def test_moved_prototypes_are_taken_only_where_they_help_and_are_the_same_each_time() -> None:
    generator = np.random.default_rng(0)
    X, noise = generator.normal(size=(60, 4)), generator.normal(size=60)
    plain = RBFNRegressor(5, metric="euclidean", random_state=0).fit(X, noise)
    tuned = RBFNRegressor(5, metric="euclidean", fine_tune=1, random_state=0).fit(X, noise)
    labels = (X[:, 0] * X[:, 1] > 0).astype(int)
    a, b = (RBFNClassifier(4, fine_tune=20, random_state=3).fit(X, labels).predict_proba(X) for _ in "ab")
    assert np.array_equal(a, b)
    assert np.abs(tuned.centres_ - plain.centres_).max() <= 0.021  # one step of Adam is at most its rate


def test_the_fast_cross_validation_is_that_of_the_head() -> None:
    generator = np.random.default_rng(0)
    D, Y = generator.normal(size=(25, 6)), generator.normal(size=(25, 2))
    D, Y = D - D.mean(axis=0), Y - Y.mean(axis=0)
    wanted = min(fit_ridge(D, Y, np.array([10.0**p]), "gcv").error for p in range(-6, 3))
    assert _least_gcv(D.T @ D, D.T @ Y, (Y**2).sum(), 25) / 2 == pytest.approx(wanted)


def test_evolved_prototypes_are_samples_that_answer_better_than_those_it_began_with() -> None:
    X, y = _bumps()
    Y = y[:, None] - y.mean()
    found = evolve_centres(X, Y, 6, 0, neighbours=5)
    assert len(np.unique(found, axis=0)) == 6
    assert (np.abs(X[:, None] - found).max(axis=2).min(axis=0) == 0).all()
    assert np.array_equal(found, evolve_centres(X, Y, 6, 0, neighbours=5))

    scores = {}
    for placement in ("random", "orthogonal-least-squares", "evolved"):
        net = RBFNRegressor(
            6, placement=placement, kernel="gaussian", metric="euclidean", bins=0, random_state=0
        )
        net.fit(X, y)
        scores[placement] = net.score(*_bumps(500))
    assert scores["evolved"] > max(scores["random"], scores["orthogonal-least-squares"])


def test_evolution_takes_all_samples_where_there_are_no_more() -> None:
    X = np.arange(8.0).reshape(4, 2)
    assert np.array_equal(evolve_centres(X, X[:, :1], 9, 0, neighbours=2), X)
    assert len(select_centres(X, X[:, :1], 3, 0)) == len(draw_centres(X, 3, 0)) == 3


def test_a_diagonal_metric_stays_diagonal() -> None:
    X, y = _bumps()
    both = [RBFNRegressor(6, metric="diagonal", fine_tune=n, random_state=0).fit(X, y) for n in (0, 20)]
    assert not np.allclose(both[1].metric_, both[0].metric_)  # it was moved
    for net in both:
        assert np.array_equal(net.metric_, np.diag(np.diag(net.metric_)))
