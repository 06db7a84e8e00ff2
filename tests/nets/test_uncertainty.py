"""Dense nets with uncertain weights: closed forms, moments, what they say of samples they know and do not know."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from scipy.special import entr, logsumexp
from scipy.stats import norm
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_wine

torch = pytest.importorskip("torch")

from neuroloom import nets
from neuroloom.core.errors import InputError
from neuroloom.core.fitting import Batchable, Job
from neuroloom.core.seeding import stream
from neuroloom.nets._uncertain import likeliest_noise
from neuroloom.nets.laplace import _evidence, curvature
from neuroloom.nets.swag import Moments

METHODS = ("MCDropout", "DeepEnsemble", "BayesByBackprop", "Laplace", "SWAG")
SMALL: dict[str, Any] = {"hidden": (12,), "members": 2, "bins": 4, "epochs": 8, "learning_rate": 0.02}
OWN: dict[str, dict[str, Any]] = {"SWAG": {"swag_epochs": 6, "rank": 4, "draws": 8}, "BayesByBackprop": {"draws": 8},
                                  "MCDropout": {"draws": 8}}  # fmt: skip


def _made(method: str, role: str, **settings: Any) -> Any:
    own = OWN.get(method, {}) | ({"draws": 8} if (method, role) == ("Laplace", "Classifier") else {})
    return getattr(nets, method + role)(**SMALL | own | {"random_state": 3} | settings)


def _linear_data(n: int = 60) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 3)) @ np.array([[1.0, 0.6, 0], [0, 1, 0.4], [0, 0, 1]])
    return X, X @ [1.0, -2.0, 0.5] + 3 + rng.normal(0, 0.8, n)


def _posterior(phi: Any, y: Any, sigma: float, precisions: Any) -> tuple[Any, Any]:
    """Return the mean and covariance of Bayesian linear regression (Bishop 2006, Eqs. 3.53 and 3.54)."""
    covariance = np.linalg.inv(phi.T @ phi / sigma**2 + np.diag(precisions))
    return covariance @ phi.T @ y / sigma**2, covariance


def test_laplace_of_a_linear_net_is_bayesian_linear_regression() -> None:
    X, y = _linear_data(18)  # too few to hold any out
    n, decay = len(X), 0.05
    net = nets.LaplaceRegressor((), members=1, bins=0, epochs=1, random_state=0)
    net.optimizer = "momentum"  # its weight decay is a term of the loss, which AdamW's is not
    net.set_params(learning_rate=0.1, weight_decay=decay, epochs=300, batch_size=n).fit(X, y)
    Z, target = net._scaled(X), (y - net.target_mean_) / net.target_scale_
    # a mean squared error with decay λ/2 |w|² is the posterior's mode at α = n λ / (2 σ²)
    sigma = net.sigma_[0]
    net.prior_precision_[:] = alpha = n * decay / (2 * sigma**2)
    phi = np.column_stack([Z, np.ones(n)])
    mean, covariance = _posterior(phi, target, sigma, [alpha] * 3 + [0])
    new = np.column_stack([net._scaled(X * 3 - 1), np.ones(n)])
    found = net.predict_uncertainty(X * 3 - 1)
    assert found.mean == pytest.approx((new @ mean) * net.target_scale_ + net.target_mean_, rel=1e-4)
    variance = np.einsum("nf,fg,ng->n", new, covariance, new)
    assert found.model == pytest.approx(np.sqrt(variance) * net.target_scale_, rel=1e-9)
    assert found.noise == pytest.approx(sigma * net.target_scale_)
    means, std = net.predict_mixture(X)
    assert np.hypot(*net.predict_uncertainty(X)[1:]) == pytest.approx(std[0])
    assert means.shape == std.shape == (1, n)


def test_the_evidences_maximum_is_that_of_the_marginal_likelihood() -> None:
    rng = np.random.default_rng(1)
    phi = rng.normal(size=(40, 4)) * [3, 1, 0.3, 0.1]
    phi -= phi.mean(axis=0)
    y = phi @ [0.5, -1, 2, 0] + rng.normal(0, 0.5, 40)
    y -= y.mean()
    eigenvalues, basis = np.linalg.eigh(phi.T @ phi)
    sigma, alpha = 0.5, 1.0
    for _ in range(60):  # the weights follow the precision, as they would in training
        mean, _ = _posterior(phi, y, sigma, [alpha] * 4)
        sigma, alpha = _evidence(eigenvalues, basis.T @ mean, float(((y - phi @ mean) ** 2).sum()), 40)
    # the centred target has 39 degrees of freedom, in a basis of the space of centred vectors
    centred = np.linalg.svd(np.eye(40) - 1 / 40)[0][:, :39]

    def marginal(s: float, a: float) -> float:
        covariance = centred.T @ (s**2 * np.eye(40) + phi @ phi.T / a) @ centred
        t = centred.T @ y
        return float(-0.5 * (np.linalg.slogdet(covariance)[1] + t @ np.linalg.solve(covariance, t)))

    best = marginal(sigma, alpha)
    for ds, da in ((1.02, 1), (0.98, 1), (1, 1.1), (1, 0.9)):
        assert marginal(sigma * ds, alpha * da) < best


def test_the_curvature_is_the_second_derivative_of_the_log_loss() -> None:
    rng = np.random.default_rng(0)
    phi, W = rng.normal(size=(7, 3)), rng.normal(size=(3, 4))
    labels, weight = rng.integers(0, 4, 7), rng.uniform(0.5, 2, 7)
    phi_t, labels_t, weight_t = torch.tensor(phi), torch.tensor(labels), torch.tensor(weight)

    def loss(flat: Any) -> Any:
        log_p = torch.log_softmax(phi_t @ flat.view(3, 4), dim=1)
        return -(weight_t * log_p[torch.arange(7), labels_t]).sum()

    hessian = torch.autograd.functional.hessian(loss, torch.tensor(W.ravel()))
    p = np.exp(phi @ W - logsumexp(phi @ W, axis=1, keepdims=True))
    assert curvature(phi, p, weight) == pytest.approx(hessian.numpy(), abs=1e-12)


def test_laplaces_drawn_heads_have_the_posteriors_moments() -> None:
    X, y = load_wine(return_X_y=True)
    net = nets.LaplaceClassifier((3,), members=1, bins=0, epochs=15, random_state=0).fit(X, y)
    net.prior_precision_[:] = alpha = 0.7
    drawn = np.stack([net._drawn_head(0, d, alpha).ravel() for d in range(4000)])
    rows = net._prepare(X, y, None, None).members[0].rows
    phi = np.column_stack([net._features(net._scaled(X))[0][rows], np.ones(len(rows))])
    weight, bias = net._head()
    mean = np.vstack([weight[0], bias[0]])
    logits = phi @ mean
    p = np.exp(logits - logsumexp(logits, axis=1, keepdims=True))
    covariance = np.linalg.inv(curvature(phi, p) + alpha * np.eye(mean.size))
    assert np.abs(np.cov(drawn.T) - covariance).max() < 0.1 * np.abs(covariance).max()
    assert np.abs(drawn.mean(axis=0) - mean.ravel()).max() < 0.1 * np.sqrt(np.abs(covariance).max())


def test_bayes_by_backprop_of_a_linear_model_finds_the_best_factorised_posterior() -> None:
    X, y = _linear_data(50)
    settings: dict[str, Any] = {"members": 1, "bins": 0, "epochs": 600, "batch_size": 50, "learning_rate": 0.04,
                                "schedule": "flat-cosine", "early_stopping": False, "random_state": 0}  # fmt: skip
    net = nets.BayesByBackpropRegressor((), prior_scale=0.5, **settings).fit(X, y)
    Z, target = net._scaled(X), (y - net.target_mean_) / net.target_scale_
    phi = np.column_stack([Z, np.ones(50)])
    prior = np.array([0.5 / np.sqrt(3)] * 3 + [0.5])
    sigma = net.learned_noise_[0] / net.target_scale_
    mean, covariance = _posterior(phi, target, sigma, prior**-2.0)
    found = np.append(net.weights_["weight_0"][0, :, 0], net.weights_["bias_0"][0])
    spread = np.append(net.deviations_["weight_0"][0, :, 0], net.deviations_["bias_0"][0])
    # of all factorised normals the nearest has the posterior's mean and its precision's diagonal (Bishop 2006, 10.1.2)
    nearest = 1 / np.sqrt(np.diag(np.linalg.inv(covariance)))
    assert spread == pytest.approx(nearest, rel=0.06)
    assert np.abs(found - mean).max() < 0.25 * nearest.min()
    # the noise that maximises the bound: the expected squared residual
    expected = ((target - phi @ found) ** 2 + phi**2 @ spread**2).mean()
    assert sigma**2 == pytest.approx(expected, rel=0.05)


def test_bayes_by_backprops_divergence_and_draws_by_hand() -> None:
    from neuroloom.nets._variational import VariationalStack

    weights = {"weight_0": np.full((2, 4, 1), 0.3), "bias_0": np.array([[0.5], [0.0]])}
    stack = VariationalStack(
        weights, "silu", torch.float64, torch.device("cpu"), None, [1, 2], 200, prior_scale=2.0
    )
    p, q = torch.distributions.Normal(0.0, 1.0), torch.distributions.Normal(0.3, 0.1)
    kl = torch.distributions.kl_divergence
    bias = kl(torch.distributions.Normal(torch.tensor([0.5, 0.0]), 0.2), torch.distributions.Normal(0.0, 2.0))
    assert stack.divergence().tolist() == pytest.approx((4 * kl(q, p) + bias).tolist(), rel=1e-6)
    X = torch.tensor([1.0, -2.0, 3.0, 0.5], dtype=torch.float64).expand(1, 200, 4)
    drawn = torch.cat([stack(X) for _ in range(60)], dim=1)[..., 0]
    deviation = np.sqrt(0.1**2 * (1 + 4 + 9 + 0.25) + 0.2**2)
    assert drawn.std(dim=1).tolist() == pytest.approx([deviation] * 2, rel=0.03)
    assert drawn.mean(dim=1).tolist() == pytest.approx([0.75 + 0.5, 0.75], abs=0.02)


def test_dropouts_draws_have_the_mean_and_variance_of_the_masks() -> None:
    X, y = load_diabetes(return_X_y=True)
    net = nets.MCDropoutRegressor((20,), members=1, dropout=0.3, draws=2000, bins=0, epochs=3, random_state=0)
    net.fit(X, y)
    Z, w = net._scaled(X[:5]), {n: v[0] for n, v in net.weights_.items()}
    pre = Z @ w["weight_0"] + w["bias_0"]
    parts = pre / (1 + np.exp(-pre)) * w["weight_1"][:, 0]
    found = net._drawn_outputs(Z)[..., 0]
    assert found.mean(axis=0) == pytest.approx(parts.sum(axis=1) + w["bias_1"][0], abs=0.05)
    assert found.var(axis=0) == pytest.approx(0.3 / 0.7 * (parts**2).sum(axis=1), rel=0.1)


def test_swags_moments_and_draws_by_hand() -> None:
    rng = np.random.default_rng(0)
    seen = rng.normal(size=(9, 2, 3)) * [1, 2, 3]
    moments = Moments(4)
    for step in seen:
        moments.add({"w": step})
    found = moments.arrays()
    assert found["mean w"] == pytest.approx(seen.mean(axis=0))
    assert found["variance w"] == pytest.approx((seen**2).mean(axis=0) - seen.mean(axis=0) ** 2)
    running = np.cumsum(seen, axis=0) / np.arange(1, 10)[:, None, None]
    D = (seen - running)[-4:].transpose(1, 0, 2)
    assert found["deviation w"] == pytest.approx(D)
    net = nets.SWAGRegressor(rank=4)
    net.seed_ = 5
    net.weights_, net.variances_, net.deviations_ = [
        {"bias_0": found[f"{kind} w"]} for kind in ("mean", "variance", "deviation")
    ]
    drawn = np.stack([net._drawn_weights(d)["bias_0"] for d in range(6000)])
    for m in range(2):
        covariance = np.diag(found["variance w"][m]) / 2 + D[m].T @ D[m] / (2 * 3)
        assert np.cov(drawn[:, m].T) == pytest.approx(covariance, abs=0.08 * np.abs(covariance).max())


def test_swag_begins_where_training_ended_and_wanders_by_gradient_descent() -> None:
    X, y = _linear_data(18)
    settings: dict[str, Any] = {"members": 1, "bins": 0, "epochs": 3, "batch_size": 18, "weight_decay": 0.0}
    net = nets.SWAGRegressor(
        (), swag_epochs=2, rank=2, swag_learning_rate=0.1, random_state=0, **settings
    ).fit(X, y)
    before = nets.DeepEnsembleRegressor((), random_state=0, **settings)
    before.loss = "squared"
    w = before._prepare(X, y, None, None)  # the same first weights, folds and batches
    from neuroloom.nets._mlp_fit import fit_members

    start = fit_members([w.sample], w.members, before._plan(18))[0].weights
    phi = np.column_stack([net._scaled(X), np.ones(18)])
    target = (y - y.mean()) / y.std()
    theta, momentum, seen = np.append(start["weight_0"], start["bias_0"]), 0.0, []
    for _ in range(2):
        gradient = 2 * phi.T @ (phi @ theta - target) / 18
        gradient *= min(1.0, 1 / np.linalg.norm(gradient))
        momentum = 0.9 * momentum + gradient
        theta = theta - 0.1 * momentum
        seen.append(theta)
    found = np.append(net.weights_["weight_0"], net.weights_["bias_0"])
    assert found == pytest.approx(np.mean(seen, axis=0), abs=1e-6)
    assert net.variances_["bias_0"][0] == pytest.approx(np.var(seen, axis=0)[3:], abs=1e-6)


def test_the_noise_is_the_likeliest() -> None:
    rng = np.random.default_rng(0)
    drawn = rng.normal(0, 0.4, size=(30, 500))
    target = rng.normal(0, 0.7, 500)
    found = likeliest_noise(drawn, target)

    def likelihood(sigma: float) -> float:
        return float(logsumexp(norm.logpdf(target, drawn, sigma), axis=0).sum())

    assert all(likelihood(found) > likelihood(found * f) for f in (0.97, 1.03))
    assert likeliest_noise(np.zeros((1, 500)), target) == pytest.approx(np.sqrt((target**2).mean()), rel=1e-3)
    weight = np.repeat([1.0, 0.0], 250)
    half = likeliest_noise(np.zeros((1, 500)), target, weight)
    assert half == pytest.approx(np.sqrt((target[:250] ** 2).mean()), rel=1e-3)


def test_a_deep_ensemble_learns_where_the_noise_is() -> None:
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, size=(300, 1))
    y = X[:, 0] + np.where(X[:, 0] > 0, 1.0, 0.1) * rng.normal(size=300)
    net = nets.DeepEnsembleRegressor((16,), members=2, learning_rate=0.03, random_state=0).fit(X, y)
    noise = net.predict_uncertainty(np.array([[-0.6], [0.6]])).noise
    assert noise[0] < 0.3
    assert 0.7 < noise[1] < 1.3
    means, std = net.predict_mixture(X[:7])
    whole = np.sqrt((std**2).mean(axis=0) + means.var(axis=0))
    assert net.predict(X[:7], return_std=True)[1] == pytest.approx(whole)


@pytest.mark.parametrize("method", METHODS)
def test_more_data_shrink_the_models_part_and_leave_the_noises(method: str) -> None:
    rng = np.random.default_rng(0)
    X = rng.uniform(-2, 2, size=(400, 2))
    y = np.sin(2 * X[:, 0]) + X[:, 1] + rng.normal(0, 0.3, 400)
    few, many = (
        _made(method, "Regressor", members=3, epochs=epochs, batch_size=20).fit(X[:n], y[:n])
        for n, epochs in ((40, 40), (400, 12))
    )
    before, after = few.predict_uncertainty(X[:200]), many.predict_uncertainty(X[:200])
    assert after.model.mean() < 0.8 * before.model.mean()
    assert 0.25 < after.noise.mean() < 0.5
    mean, std = many.predict(X[:200], return_std=True)
    assert mean == pytest.approx(after.mean)
    assert std == pytest.approx(np.hypot(after.model, after.noise))


@pytest.mark.parametrize("method", METHODS)
def test_many_fits_are_single_fits_and_fits_repeat(method: str) -> None:
    X, y = load_diabetes(return_X_y=True)
    wine, kinds = load_wine(return_X_y=True)
    cut = [np.arange(100), np.arange(0, 442, 4)]

    def jobs() -> list[Job]:
        made = [Job(_made(method, "Regressor", random_state=s), X[r], y[r]) for s, r in enumerate(cut)]
        made.append(Job(_made(method, "Classifier"), wine[::2], kinds[::2]))
        made.append(
            Job(_made(method, "Classifier", random_state=1), wine[1::2], kinds[1::2], (wine[::9], kinds[::9]))
        )
        return made

    cls = getattr(nets, f"{method}Regressor")
    together = cls.fit_many(jobs())
    assert isinstance(together[0], Batchable)
    for other, job in zip(together, jobs(), strict=True):
        alone = job.estimator.fit(job.X, job.y, job.eval_set)
        for a, b in zip(other.predict_uncertainty(job.X), alone.predict_uncertainty(job.X), strict=True):
            assert np.abs(a - b).max() < 1e-6 * max(1.0, np.abs(b).max())
    again = pickle.loads(pickle.dumps(clone(alone).fit(job.X, job.y, job.eval_set)))
    assert (again.predict_proba(job.X) == alone.predict_proba(job.X)).all()
    part = alone.predict_uncertainty(job.X[5:9])
    assert part.model == pytest.approx(alone.predict_uncertainty(job.X).model[5:9], abs=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_classes_and_the_parts_of_their_entropy(method: str) -> None:
    X, y = load_wine(return_X_y=True)
    names = np.array(["x", "y", "z"])[y]
    net = _made(method, "Classifier", epochs=40).fit(X[::2], names[::2])
    found = net.predict_uncertainty(X[1::2])
    assert net.score(X[1::2], names[1::2]) > 0.9
    assert found.proba == pytest.approx(net.predict_proba(X[1::2]))
    assert found.model + found.noise == pytest.approx(entr(found.proba).sum(axis=1), abs=1e-9)
    assert found.model.min() >= 0
    assert found.model.max() > 1e-4


@pytest.mark.parametrize(
    ("method", "parameters", "message"),
    [
        ("MCDropout", {"dropout": 0.0}, r"`dropout` must be a number in \(0, 1\)"),
        ("MCDropout", {"hidden": ()}, r"`hidden` must name at least one layer"),
        ("MCDropout", {"draws": 0}, r"`draws` must be"),
        ("BayesByBackprop", {"prior_scale": 0}, r"`prior_scale` must be"),
        ("SWAG", {"rank": 9}, r"`rank` must be a whole number from 2 to 6"),
        ("SWAG", {"swag_epochs": 1}, r"`swag_epochs` must be"),
        ("SWAG", {"swag_learning_rate": -1}, r"`swag_learning_rate` must be"),
    ],
)
def test_wrong_parameters_are_answered(method: str, parameters: dict[str, Any], message: str) -> None:
    X = stream(0, "x").normal(size=(30, 2))
    with pytest.raises(InputError, match=message):
        _made(method, "Regressor", **parameters).fit(X, X[:, 0])
