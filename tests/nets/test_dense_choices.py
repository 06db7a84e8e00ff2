"""The dense nets' choices by name: losses, outputs, initialisations, normalisation, penalties, weights, encodings."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine

torch = pytest.importorskip("torch")
import torch.nn.functional as F

from neuroloom.core.errors import InputError
from neuroloom.core.fitting import Job
from neuroloom.core.seeding import stream
from neuroloom.nets import (
    DeadUnitsWarning,
    ExplodingGradientsWarning,
    MLPClassifier,
    MLPRegressor,
    VanishingGradientsWarning,
)
from neuroloom.nets._dense_init import INITIALISATIONS, first_weights, initial_weights
from neuroloom.nets._dense_stack import DenseStack
from neuroloom.nets._losses import Loss
from neuroloom.nets.diagnosis import diagnose

SMALL: dict[str, Any] = {"hidden": (12,), "members": 2, "epochs": 20, "patience": 5, "learning_rate": 0.03,
                         "random_state": 0}  # fmt: skip
CPU = torch.device("cpu")


def _random(*shape: int) -> Any:
    return torch.from_numpy(stream(1, "outputs").normal(size=shape))


def test_losses_of_numbers_are_torchs() -> None:
    output, target, zero = _random(3, 40, 1) * 2, _random(3, 40, 1), torch.zeros(3, 1)
    theirs = {
        Loss("squared"): F.mse_loss(output, target, reduction="none"),
        Loss("absolute"): F.l1_loss(output, target, reduction="none"),
        Loss("huber", 0.7): F.huber_loss(output, target, reduction="none", delta=0.7),
        Loss("squared", 0, "softplus"): (F.softplus(output) - target) ** 2,
        Loss("absolute", 0, "sigmoid"): (torch.sigmoid(output) - target).abs(),
    }
    for loss, wanted in theirs.items():
        assert torch.allclose(loss(output, target, zero), wanted[..., 0])
    low = Loss("quantile", 0.2)
    one = torch.ones(1, 1, 1)
    assert [float(low(s * one, 0 * one, zero)) for s in (1, -1)] == pytest.approx([0.8, 0.2])
    two = torch.cat([output, _random(3, 40, 1)], dim=2)
    normal = torch.distributions.Normal(two[..., 0], (F.softplus(two[..., 1]) + 1e-6).sqrt())
    wanted = -normal.log_prob(target[..., 0]) - np.log(2 * np.pi) / 2
    assert torch.allclose(Loss("gaussian")(two, target, zero), wanted)


def test_losses_of_classes_by_hand() -> None:
    output = _random(2, 30, 4) * 2
    target = torch.from_numpy(stream(0, "labels").integers(0, 4, (2, 30)))
    zero, p = torch.zeros(2, 1), torch.softmax(output, dim=2)
    hit = p.gather(2, target[..., None])[..., 0]
    assert torch.allclose(Loss("cross-entropy")(output, target, zero), -hit.log())
    assert torch.allclose(Loss("focal", 1.5)(output, target, zero), -((1 - hit) ** 1.5) * hit.log())
    found = Loss("hinge")(output, target, zero)
    for j in range(2):
        for i in range(30):
            own = output[j, i, target[j, i]]
            rest = [output[j, i, c] for c in range(4) if c != target[j, i]]
            assert float(found[j, i]) == pytest.approx(max(0.0, float(1 + max(rest) - own)))
    smoothed = Loss("cross-entropy")(output, target, torch.full((2, 1), 0.1))
    wanted = F.cross_entropy(output.flatten(0, 1), target.flatten(), reduction="none", label_smoothing=0.1)
    assert torch.allclose(smoothed.flatten(), wanted)


def test_a_quantile_is_what_so_many_lie_under() -> None:
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, size=(400, 1))
    y = X[:, 0] + rng.exponential(size=400)
    for quantile in (0.2, 0.7):
        net = MLPRegressor(**SMALL, loss="quantile", quantile=quantile).fit(X, y)
        assert (y < net.predict(X)).mean() == pytest.approx(quantile, abs=0.06)


def test_robust_losses_are_not_moved_by_outliers() -> None:
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, size=(300, 1))
    truth = np.sin(3 * X[:, 0])
    y = truth + rng.normal(0, 0.1, 300)
    y[::10] += 30
    error = {loss: np.abs(MLPRegressor(**SMALL, loss=loss).fit(X, y).predict(X) - truth).mean()
             for loss in ("squared", "absolute", "huber")}  # fmt: skip
    assert error["squared"] > 1
    assert max(error["absolute"], error["huber"]) < 0.25


def test_positive_and_bounded_answers() -> None:
    X, y = load_diabetes(return_X_y=True)
    far = X * 40  # where a network of the plain kind leaves the range
    plain = MLPRegressor(**SMALL).fit(X, y)
    for output in ("softplus", "exp"):
        net = MLPRegressor(**SMALL, output=output).fit(X, y)
        assert net.predict(far).min() > 0
        assert net.score(X, y) > plain.score(X, y) - 0.1
        by_hand = net._answers(X)[..., 0]
        by_hand = np.log1p(np.exp(by_hand)) if output == "softplus" else np.exp(by_hand)
        assert net.predict(X) == pytest.approx(by_hand.mean(axis=0) * y.mean())
    net = MLPRegressor(**SMALL, bounds=(20, 350)).fit(X, y)
    assert 20 < net.predict(far).min() < net.predict(far).max() < 350
    assert net.score(X, y) > plain.score(X, y) - 0.1
    assert net.predict(X) == pytest.approx((20 + 330 / (1 + np.exp(-net._answers(X)[..., 0]))).mean(axis=0))


@pytest.mark.parametrize("init", INITIALISATIONS)
def test_initialisations_have_their_variance(init: str) -> None:
    weight = initial_weights([300, 200, 1], "tanh", 0, np.zeros(1), init)["weight_0"]
    wanted = {"glorot": 2 / 500, "he": 2 / 300, "lecun": 1 / 300, "auto": 1 / 300, "orthogonal": 1 / 300}
    assert weight.var() == pytest.approx(wanted[init.split("-")[0]], rel=0.05)
    if init.endswith("uniform"):
        assert np.abs(weight).max() == pytest.approx(np.sqrt(3 * wanted[init.split("-")[0]]), rel=0.01)
    if init == "orthogonal":
        assert weight.T @ weight == pytest.approx(np.eye(200), abs=1e-12)
        wide = initial_weights([20, 50, 1], "relu", 0, np.zeros(1), init)["weight_0"]
        assert wide @ wide.T == pytest.approx(2 * np.eye(20), abs=1e-12)


def _stack(normalization: str, seeds: tuple[int, ...] = (1, 2)) -> Any:
    made = [first_weights(3, [5, 4], "relu", s, np.zeros(2), normalization=normalization) for s in seeds]
    stacked = {name: np.stack([m[name] for m in made]) for name in made[0]}
    return DenseStack(stacked, "relu", torch.float64, CPU, normalization=normalization)


def test_batch_normalisation_is_torchs_leaves_padding_out_and_folds() -> None:
    stack, X = _stack("batch"), _random(2, 9, 3)
    present = torch.ones(2, 9, dtype=torch.float64)
    present[1, 6:] = 0
    found = stack(X, present)
    for j, rows in enumerate((9, 6)):
        hidden = X[j, :rows]
        for layer, units in enumerate((5, 4)):
            own = torch.nn.BatchNorm1d(units).double()
            hidden = torch.relu(
                own(hidden @ getattr(stack, f"weight_{layer}")[j] + getattr(stack, f"bias_{layer}")[j])
            )
            assert torch.allclose(getattr(stack, f"mean_{layer}")[j], own.running_mean)
            assert torch.allclose(getattr(stack, f"variance_{layer}")[j], own.running_var)
        assert torch.allclose(found[j, :rows], hidden @ stack.weight_2[j] + stack.bias_2[j])
    with torch.no_grad():
        stack.scale_0 += _random(2, 5)
        stack.shift_1 += 0.3
    plain = DenseStack(stack.folded(), "relu", torch.float64, CPU)
    assert torch.allclose(plain(X), stack.eval()(X))


def test_layer_normalisation_is_torchs() -> None:
    stack, X = _stack("layer"), _random(2, 9, 3)
    for j in range(2):
        hidden = X[j]
        for layer, units in enumerate((5, 4)):
            hidden = hidden @ getattr(stack, f"weight_{layer}")[j] + getattr(stack, f"bias_{layer}")[j]
            hidden = torch.relu(F.layer_norm(hidden, (units,)))
        assert torch.allclose(stack(X)[j], hidden @ stack.weight_2[j] + stack.bias_2[j])


def test_prelu_and_periodic_encoding_by_hand() -> None:
    made = first_weights(3, [5], "prelu", 0, np.zeros(1), frequencies=4, frequency_scale=0.5)
    w = {n: v.copy() for n, v in made.items()}
    w["slope_0"] = np.array([0.1, 0.2, 0.3, -0.4, 0.5])
    stack = DenseStack({n: v[None] for n, v in w.items()}, "prelu", torch.float64, CPU)
    X = stream(0, "x").normal(size=(7, 3))
    angle = (2 * np.pi * X[:, :, None] * w["frequency"]).reshape(7, 12)
    encoded = np.hstack([X, np.sin(angle) / 2, np.cos(angle) / 2])
    hidden = encoded @ w["weight_0"] + w["bias_0"]
    hidden = np.where(hidden > 0, hidden, w["slope_0"] * hidden)
    assert stack(torch.from_numpy(X[None]))[0].detach().numpy() == pytest.approx(
        hidden @ w["weight_1"] + w["bias_1"]
    )
    assert np.std(
        first_weights(90, [5], "relu", 0, np.zeros(1), frequencies=90, frequency_scale=0.5)["frequency"]
    ) == (pytest.approx(0.5, rel=0.05))


def test_periodic_encoding_follows_a_wave_that_bins_do_not() -> None:
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, size=(500, 1))
    y = np.sin(25 * X[:, 0]) + rng.normal(0, 0.1, 500)
    settings: dict[str, Any] = SMALL | {"hidden": (24,), "epochs": 60, "patience": 20}
    bins, waves = [
        MLPRegressor(**settings, encoding=encoding, frequency_scale=2.0)
        .fit(X[::2], y[::2])
        .score(X[1::2], y[1::2])
        for encoding in ("piecewise-linear", "periodic")
    ]
    assert waves > 0.9 > bins + 0.1


def test_l1_empties_weights_and_max_norm_limits_them() -> None:
    X, y = load_diabetes(return_X_y=True)
    settings: dict[str, Any] = SMALL | {
        "early_stopping": False,
        "weight_decay": 0.0,
        "bins": 0,
        "schedule": "cosine",
    }
    noisy = np.column_stack([X, stream(0, "noise").normal(size=(442, 20))])
    plain, sparse = (MLPRegressor(**settings, l1=l1).fit(noisy, y).weights_["weight_0"] for l1 in (0.0, 0.01))
    assert (np.abs(sparse[:, 10:]) < 0.02).mean() > 0.8 > 3 * (np.abs(plain[:, 10:]) < 0.02).mean()
    net = MLPRegressor(**settings, max_norm=0.8).fit(X, y)
    norms = np.linalg.norm(net.weights_["weight_0"], axis=1)
    assert norms.max() == pytest.approx(0.8, abs=1e-5)
    assert np.linalg.norm(MLPRegressor(**settings).fit(X, y).weights_["weight_0"], axis=1).max() > 1


def test_one_step_with_weights_and_l1_is_the_gradient_worked_by_hand() -> None:
    X, y = load_diabetes(return_X_y=True)
    weight = stream(0, "weights").uniform(0, 2, 442)
    weight[:40] = 0
    settings: dict[str, Any] = {"members": 1, "bins": 0, "optimizer": "sgd", "learning_rate": 0.3, "epochs": 1,
                                "batch_size": 1000, "early_stopping": False, "random_state": 5}  # fmt: skip
    net = MLPRegressor((), weight_decay=0.0, l1=0.1, **settings).fit(X, y, sample_weight=weight)
    from neuroloom.core.seeding import derive

    first = initial_weights([10, 1], "silu", derive(5, "member", 0), np.zeros(1))
    X, y, weight = X[40:], y[40:], weight[40:] / weight[40:].mean()  # what weighs nothing is left out
    Z, target = net._scaled(X), ((y - y.mean()) / y.std())[:, None]
    gap = 2 * weight[:, None] * (Z @ first["weight_0"] + first["bias_0"] - target) / len(X)
    step = first["weight_0"] - 0.3 * (Z.T @ gap + 0.1 * np.sign(first["weight_0"]))
    assert net.weights_["weight_0"][0] == pytest.approx(step, abs=1e-12)
    assert net.weights_["bias_0"][0] == pytest.approx(first["bias_0"] - 0.3 * gap.sum(axis=0), abs=1e-12)


def test_balanced_classes_weigh_the_same() -> None:
    X, y = load_breast_cancer(return_X_y=True)
    rare = np.concatenate([np.flatnonzero(y == 0)[:15], np.flatnonzero(y == 1)[:300]])
    X, y = X[rare, :2], y[rare]
    nets = [MLPClassifier(**SMALL, class_weight=w) for w in (None, "balanced", {0: 315 / 30, 1: 315 / 600})]
    plain, balanced, named = (net.fit(X, y).predict_proba(X) for net in nets)
    assert balanced == pytest.approx(named, abs=1e-9)
    by_sample = MLPClassifier(**SMALL).fit(X, y, sample_weight=np.where(y == 0, 315 / 30, 315 / 600))
    assert by_sample.predict_proba(X) == pytest.approx(balanced, abs=1e-9)
    hits = [(p.argmax(axis=1) == y)[y == 0].mean() for p in (plain, balanced)]
    assert hits[1] > hits[0]
    assert balanced.mean(axis=0)[0] > plain.mean(axis=0)[0] + 0.1


CHOICES: list[dict[str, Any]] = [
    {"loss": "focal", "init": "orthogonal"},
    {"loss": "hinge", "normalization": "layer"},
    {"normalization": "batch", "hidden": (8, 6), "dropout": 0.1},
    {"encoding": "periodic", "activation": "prelu", "l1": 0.001},
    {
        "max_norm": 1.5,
        "class_weight": "balanced",
        "activation": "celu",
        "optimizer": "lion",
        "learning_rate": 0.003,
    },
    {"training_options": {"milestones": (5, 10), "decay": 0.3, "clip_norm": 1.0}, "schedule": "piecewise"},
]


@pytest.mark.parametrize("choice", CHOICES, ids=lambda c: "-".join(c))
def test_many_fits_are_single_fits_whatever_is_chosen(choice: dict[str, Any]) -> None:
    X, y = load_wine(return_X_y=True)
    cut = [np.arange(0, 178, 2), np.arange(178), np.arange(40, 160)]

    def jobs() -> list[Job]:
        return [
            Job(MLPClassifier(**SMALL | {"random_state": s} | choice), X[r], y[r]) for s, r in enumerate(cut)
        ]

    together = MLPClassifier.fit_many(jobs())
    for other, job in zip(together, jobs(), strict=True):
        alone = job.estimator.fit(job.X, job.y)
        assert np.abs(other.predict_proba(X) - alone.predict_proba(X)).max() < 1e-7
        assert other.score(X, y) > 0.85


def test_batch_normalisation_answers_as_its_folded_weights() -> None:
    X, y = load_wine(return_X_y=True)
    net = MLPClassifier(**SMALL, normalization="batch", activation="tanh").fit(X, y)
    assert set(net.weights_) == {"weight_0", "bias_0", "weight_1", "bias_1"}
    w, Z = net.weights_, net._scaled(X)
    p = sum(
        softmax(
            net.slope_ * (np.tanh(Z @ w["weight_0"][m] + w["bias_0"][m]) @ w["weight_1"][m] + w["bias_1"][m]),
            axis=1,
        )
        for m in range(2)
    )
    assert net.predict_proba(X) == pytest.approx(p / 2, abs=1e-12)


def test_a_diagnosis_by_hand() -> None:
    w = {"weight_0": np.array([[[1.0, -1.0, 2.0]]]), "bias_0": np.array([[0.0, -9.0, 1.0]]),
         "weight_1": np.array([[[1.0], [1.0], [3.0]]]), "bias_1": np.zeros((1, 1))}  # fmt: skip
    found = diagnose(w, "relu", np.array([[1.0], [2.0]]))  # the second unit's sums are -10 and -11
    assert found.dead == pytest.approx(np.array([[1 / 3]]))
    assert found.signal[0, 0] == pytest.approx(np.sqrt((1 + 9 + 4 + 25) / 6))
    assert found.sensitivity[0, 0] == pytest.approx(np.sqrt(1 + 9))


def test_ailing_networks_are_named_and_healthy_ones_are_not() -> None:
    X, y = load_diabetes(return_X_y=True)
    settings: dict[str, Any] = {"members": 1, "epochs": 2, "random_state": 0, "bins": 0}
    with pytest.warns(
        DeadUnitsWarning, match=r"of the units of hidden layer 1 are dead.*lower `learning_rate`"
    ):
        MLPRegressor(
            (20,),
            activation="relu",
            optimizer="sgd",
            learning_rate=5.0,
            training_options={"clip_norm": 5.0},
            **settings,
        ).fit(X, y)
    with pytest.warns(
        VanishingGradientsWarning, match=r"the first of 14 hidden layers feels .* of what the last does"
    ):
        net = MLPRegressor((8,) * 14, activation="sigmoid", **settings).fit(X, y)
    assert net.diagnose(X).sensitivity[0, 0] < 1e-6 * net.diagnose(X).sensitivity[0, -1]
    with pytest.warns(ExplodingGradientsWarning, match=r"gradients explode"):
        MLPRegressor((200, *[8] * 12), activation="identity", init="he-normal", optimizer="sgd",
                     learning_rate=1.0, training_options={"clip_norm": 30.0}, **settings).fit(X, y)  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        net = MLPRegressor((20, 20), activation="relu", **settings).fit(X, y)
    assert net.diagnose(X).dead.shape == (1, 2)


@pytest.mark.parametrize(
    ("regressor", "parameters", "message"),
    [
        (True, {"loss": "hinge"}, r"`loss` must be one of absolute, gaussian, huber, quantile, squared"),
        (False, {"loss": "squared"}, r"`loss` must be one of cross-entropy, focal, hinge"),
        (
            False,
            {"loss": "hinge", "label_smoothing": 0.1},
            r"`label_smoothing` goes with the loss 'cross-entropy'",
        ),
        (False, {"gamma": -1}, r"`gamma`"),
        (False, {"class_weight": "balance"}, r"did you mean 'balanced'"),
        (False, {"class_weight": {0: -1.0}}, r"`class_weight` must be a number in \(0"),
        (True, {"quantile": 1.0}, r"`quantile`"),
        (True, {"delta": 0}, r"`delta`"),
        (True, {"output": "relu"}, r"`output` must be one of exp, identity, softplus"),
        (True, {"output": "exp"}, r"answers with positive numbers, but `y` holds -1"),
        (True, {"bounds": (1, 0)}, r"`bounds` must be two finite numbers \(low, high\), low < high"),
        (True, {"bounds": (0, 1)}, r"`y` must lie within `bounds` \(0, 1\), but reaches from -1"),
        (True, {"bounds": (-2, 9), "output": "exp"}, r"`bounds` takes the place of `output`"),
        (True, {"loss": "gaussian", "bounds": (-2, 9)}, r"the loss 'gaussian' answers on the whole line"),
        (True, {"init": "he"}, r"`init` must be one of"),
        (True, {"normalization": "group"}, r"`normalization` must be one of batch, layer, none"),
        (True, {"encoding": "sine"}, r"`encoding` must be one of"),
        (True, {"frequency_scale": 0}, r"`frequency_scale`"),
        (True, {"l1": -1}, r"`l1`"),
        (True, {"max_norm": 0}, r"`max_norm`"),
        (True, {"training_options": {"milestone": 3}}, r"did you mean 'milestones'"),
        (True, {"schedule": "piecewise"}, r"the schedule 'piecewise' needs `milestones`"),
    ],
)
def test_wrong_choices_are_answered(regressor: bool, parameters: dict[str, Any], message: str) -> None:
    X = np.arange(60.0).reshape(30, 2)
    net, y = (MLPRegressor, X[:, 0] / 10 - 1) if regressor else (MLPClassifier, np.arange(30) % 2)
    with pytest.raises(InputError, match=message):
        net(**parameters).fit(X, y)


def test_weights_that_are_none_are_answered() -> None:
    X = np.arange(60.0).reshape(30, 2)
    with pytest.raises(ValueError, match=r"ample weights must contain at least one non-zero"):
        MLPRegressor(**SMALL).fit(X, X[:, 0], sample_weight=np.zeros(30))
