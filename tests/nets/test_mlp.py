from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.linear_model import LinearRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold, cross_val_score

torch = pytest.importorskip("torch")

from neuroloom.core.errors import InputError
from neuroloom.core.fitting import Batchable, Job
from neuroloom.nets import MLPClassifier, MLPRegressor, _mlp_fit
from neuroloom.nets._dense_init import initial_weights
from neuroloom.nets._dense_stack import ACTIVATION, DenseStack
from neuroloom.nets._mlp import ACTIVATIONS, deal_folds
from neuroloom.nets._scaling import Encoding
from neuroloom.nets._targets import likeliest_slope

SMALL: dict[str, Any] = {"hidden": (12,), "members": 2, "epochs": 25, "patience": 5, "learning_rate": 0.02}


def _names(y: Any) -> Any:
    return np.array(["malign", "benign"])[y]


def test_the_answer_is_the_equation() -> None:
    X, y = load_wine(return_X_y=True)
    net = MLPClassifier((9, 7), members=3, activation="tanh", epochs=5, random_state=0).fit(X, y)
    Z, w = net._scaled(X), net.weights_
    p = np.zeros((len(X), 3))
    for m in range(3):
        hidden = np.tanh(np.tanh(Z @ w["weight_0"][m] + w["bias_0"][m]) @ w["weight_1"][m] + w["bias_1"][m])
        p += softmax(net.slope_ * (hidden @ w["weight_2"][m] + w["bias_2"][m]), axis=1) / 3
    assert net.predict_proba(X) == pytest.approx(p, abs=1e-12)
    width = Z.shape[1]
    assert net.n_parameters_ == 3 * (9 * (width + 1) + 7 * 10 + 3 * 8)


def test_one_step_is_the_gradient_worked_by_hand() -> None:
    X, y = load_diabetes(return_X_y=True)
    settings: dict[str, Any] = {"members": 1, "bins": 0, "optimizer": "sgd", "learning_rate": 0.3, "epochs": 1,
                                "weight_decay": 0.25, "batch_size": 1000, "early_stopping": False}  # fmt: skip
    net = MLPRegressor((), random_state=5, **settings).fit(X, y)
    from neuroloom.core.seeding import derive

    first = initial_weights([10, 1], "silu", derive(5, "member", 0), np.zeros(1))
    Z, target = net._scaled(X), ((y - y.mean()) / y.std())[:, None]
    gap = 2 * (Z @ first["weight_0"] + first["bias_0"] - target) / len(X)
    step = first["weight_0"] - 0.3 * (Z.T @ gap + 0.25 * first["weight_0"])
    assert net.weights_["weight_0"][0] == pytest.approx(step, abs=1e-12)
    assert net.weights_["bias_0"][0] == pytest.approx(first["bias_0"] - 0.3 * gap.sum(axis=0), abs=1e-12)


def test_the_encoding_by_hand() -> None:
    Z = np.column_stack([np.arange(9.0), np.tile([0.0, 1, 1], 3), np.full(9, 2.0)])
    encoding = Encoding.of(Z, 4)
    assert encoding.column.tolist() == [0, 0, 0, 0]  # two values or one need no bins
    assert encoding.low.tolist() == [0, 2, 4, 6]
    made = encoding(Z)[:, 3:]
    raw = np.clip((np.arange(9.0)[:, None] - encoding.low) / 2, 0, 1)
    assert raw[5].tolist() == [1, 1, 0.5, 0]
    assert made == pytest.approx((raw - raw.mean(axis=0)) / (raw.std(axis=0) + 1e-3) / 2)
    assert encoding(np.full((1, 3), 99.0))[0, 3:] == pytest.approx(made[8])
    assert Encoding.of(Z, 0)(Z) == pytest.approx(Z)


def test_every_sample_is_held_out_once_and_classes_are_shared_out() -> None:
    strata = np.repeat([0, 1, 2], [53, 20, 4])
    folds = deal_folds(strata, 5, 7)
    assert sorted(np.bincount(folds)) == [15, 15, 15, 16, 16]
    for stratum, size in ((0, 53), (1, 20), (2, 4)):
        counts = np.bincount(folds[strata == stratum], minlength=5)
        assert counts.max() - counts.min() <= 1
        assert counts.sum() == size
    X, y = load_wine(return_X_y=True)
    ready = MLPClassifier(random_state=0)._prepare(X, y, None, None)
    held = np.concatenate([m.held_out for m in ready.members])
    assert sorted(held) == list(range(len(X)))
    for member in ready.members:
        assert sorted(np.concatenate([member.rows, member.held_out])) == list(range(len(X)))


def test_how_many_are_trained_as_one_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    X, y = load_wine(return_X_y=True)
    net = MLPClassifier((8,), members=4, epochs=6, bins=0, random_state=0)
    together = clone(net).fit(X, y).predict_proba(X)
    sizes = []
    fit_stack = _mlp_fit._fit_stack
    monkeypatch.setattr(_mlp_fit, "WEIGHTS", 2 * (13 * 8 + 8 * 3))
    monkeypatch.setattr(
        _mlp_fit,
        "_fit_stack",
        lambda s, members, plan: sizes.append(len(members)) or fit_stack(s, members, plan),
    )
    assert np.array_equal(net.fit(X, y).predict_proba(X), together)
    assert sizes == [2, 2]


@pytest.mark.parametrize(
    ("n", "settings", "members", "held_out"),
    [
        (999, {}, 10, {99, 100}),
        (1000, {}, 5, {200}),
        (66, {}, 10, {11}),  # six folds: in ten each would have less than ten samples
        (300, {"members": 7}, 7, {42, 43}),
        (300, {"members": 3}, 3, {60}),
        (300, {"validation_fraction": 0.5}, 10, {150}),
    ],
)
def test_few_samples_get_more_members_and_more_folds(
    n: int, settings: dict[str, Any], members: int, held_out: set[int]
) -> None:
    rng = np.random.default_rng(0)
    ready = MLPRegressor(random_state=0, **settings)._prepare(
        rng.normal(size=(n, 2)), rng.normal(size=n), None, None
    )
    assert len(ready.members) == members
    assert {len(member.held_out) for member in ready.members} <= held_out
    distinct = {tuple(sorted(member.held_out)) for member in ready.members}
    assert len(distinct) == members  # folds are dealt anew once all are used


def test_the_slope_is_the_likeliest() -> None:
    generator = np.random.default_rng(0)
    logits = generator.normal(size=(4000, 3)) * 2
    labels = np.array([generator.choice(3, p=p) for p in softmax(0.4 * logits, axis=1)])
    assert likeliest_slope(logits[None], labels) == pytest.approx(0.4, abs=0.03)


def test_many_fits_are_single_fits_whatever_the_grouping() -> None:
    X, y = load_breast_cancer(return_X_y=True)
    names = _names(y)
    cut = [np.arange(569), np.arange(0, 569, 2), np.arange(30, 500), np.arange(460)]

    def jobs() -> list[Job]:
        made = []
        for s in range(2):
            for j, rows in enumerate(cut):
                own = {"learning_rate": 0.01 * (j + 1), "weight_decay": 0.1 * s, "dropout": 0.1 * j,
                       "label_smoothing": 0.05 * s, "random_state": s}  # fmt: skip
                made.append(Job(MLPClassifier(**SMALL | own), X[rows], names[rows]))
        wine, kinds = load_wine(return_X_y=True)  # another number of features and classes
        made.append(Job(MLPClassifier(**SMALL, random_state=1), wine, kinds))
        made.append(
            Job(MLPClassifier(**SMALL, random_state=1, bins=0), X[::3], names[::3], (X[1::3], names[1::3]))
        )
        made.append(Job(MLPClassifier(**SMALL | {"hidden": (5, 4)}, random_state=1), X[::3], names[::3]))
        made.append(Job(MLPRegressor(**SMALL, random_state=1), X[::3], X[::3, 0] * X[::3, 1]))
        return made

    together = MLPClassifier.fit_many(jobs())
    picked = (7, 2, 11, 5, 8, 0)
    shuffled = [jobs()[i] for i in picked]
    apart = dict(zip(picked, MLPClassifier.fit_many(shuffled), strict=True))
    for i, job in enumerate(jobs()):
        alone = job.estimator.fit(job.X, job.y, job.eval_set)
        others = [together[i], *([apart[i]] if i in apart else [])]
        for other in others:
            assert (other.predict(job.X) == alone.predict(job.X)).all() or isinstance(alone, MLPRegressor)
            if isinstance(alone, MLPRegressor):
                assert other.predict(job.X) == pytest.approx(alone.predict(job.X), rel=1e-9)
            else:
                assert np.abs(other.predict_proba(job.X) - alone.predict_proba(job.X)).max() < 1e-9
            assert other.best_epochs_ == alone.best_epochs_
            assert [r["loss"] for r in other.history_] == pytest.approx([r["loss"] for r in alone.history_])
    assert isinstance(together[0], Batchable)
    assert len({tuple(e.best_epochs_) for e in together}) > 5  # members stopped on their own


def test_float32_agrees_over_a_short_run() -> None:
    X, y = load_wine(return_X_y=True)
    single, double = [
        MLPClassifier(**SMALL | {"epochs": 3}, dtype=d, random_state=0).fit(X, y)
        for d in ("float32", "float64")
    ]
    gap = np.abs(single.predict_proba(X) - double.predict_proba(X)).max()
    assert 0 < gap < 1e-3


def test_one_estimator_in_two_jobs_is_answered() -> None:
    X, y = load_wine(return_X_y=True)
    net = MLPClassifier(**SMALL)
    with pytest.raises(InputError, match=r"estimator of its own; pass sklearn.base.clone"):
        MLPClassifier.fit_many([Job(net, X, y), Job(net, X, y)])


def test_early_stopping_ends_on_the_best_held_out_loss() -> None:
    X, y = load_wine(return_X_y=True)
    net = MLPClassifier((16,), members=1, epochs=80, patience=8, learning_rate=0.03, random_state=0)
    net.fit(X[::2], y[::2], eval_set=(X[1::2], y[1::2]))
    losses = [r["valid_loss"] for r in net.history_]
    assert net.best_epochs_ == [int(np.argmin(losses)) + 1]
    assert len(losses) == min(80, net.best_epochs_[0] + 8)
    net.slope_ = 1.0
    assert log_loss(y[1::2], net.predict_proba(X[1::2])) == pytest.approx(min(losses), rel=1e-9)
    assert [r["step"] for r in net.history_] == list(range(1, len(losses) + 1))
    assert all(a["seconds"] <= b["seconds"] for a, b in zip(net.history_, net.history_[1:], strict=False))


def test_without_early_stopping_all_epochs_are_done_on_all_samples() -> None:
    X, y = load_wine(return_X_y=True)
    net = MLPClassifier(**SMALL | {"epochs": 7}, early_stopping=False, random_state=0).fit(X, y)
    assert net.best_epochs_ == [7, 7]
    assert "valid_loss" not in net.history_[-1]
    assert net.slope_ == 1.0


def test_a_small_table_holds_nothing_out() -> None:
    X = np.arange(30.0).reshape(15, 2)
    net = MLPClassifier(**SMALL, random_state=0).fit(X, np.arange(15) // 8)
    assert net.best_epochs_ == [25, 25]


def test_dropout_has_its_rate_and_keeps_the_mean_and_each_member_its_own() -> None:
    weights = [initial_weights([3, 50, 2], "relu", s, np.zeros(2)) for s in (1, 2)]
    stacked = {name: np.stack([w[name] for w in weights]) for name in weights[0]}
    stack = DenseStack(stacked, "relu", torch.float64, torch.device("cpu"), [0.2, 0.6], [1, 2], 40)
    alone = DenseStack(
        {n: w[1:] for n, w in stacked.items()}, "relu", torch.float64, torch.device("cpu"), [0.6], [2], 40
    )
    ones, seen = torch.ones(2, 40, 50, dtype=torch.float64), []
    for _ in range(30):
        mask = stack._drop(ones)
        assert torch.equal(
            mask[1:, :33], alone._drop(ones[1:, :33])
        )  # fewer rows, no neighbour: the same masks
        seen.append(mask)
    every = torch.stack(seen)
    assert (every == 0).double().mean((0, 2, 3)).tolist() == pytest.approx([0.2, 0.6], abs=0.02)
    assert every.mean((0, 2, 3)).tolist() == pytest.approx([1, 1], abs=0.06)
    assert every[:, 0].unique().tolist() == pytest.approx([0.0, 1.25])
    assert not torch.equal(seen[0], seen[1])
    stack.eval()
    X = torch.ones(1, 4, 3, dtype=torch.float64)
    assert torch.equal(stack(X), stack(X))


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_first_weights_keep_the_signal(activation: str) -> None:
    w = initial_weights([400, 400, 400, 1], activation, 0, np.zeros(1))
    hidden = torch.from_numpy(np.random.default_rng(0).normal(size=(200, 400)))
    for layer in (0, 1):
        hidden = ACTIVATION[activation](hidden @ torch.from_numpy(w[f"weight_{layer}"]))
    assert 0.15 < float((hidden**2).mean().sqrt()) < 1.6
    assert set(ACTIVATIONS) == set(ACTIVATION)


def test_fits_repeat_pickle_and_clone() -> None:
    X, y = load_diabetes(return_X_y=True)
    net = MLPRegressor(**SMALL, random_state=4).fit(X, y)
    assert (clone(net).fit(X, y).predict(X) == net.predict(X)).all()
    assert (pickle.loads(pickle.dumps(net)).predict(X) == net.predict(X)).all()
    assert not (clone(net).set_params(random_state=5).fit(X, y).predict(X) == net.predict(X)).all()
    state = {k: v for k, v in vars(net).items() if k.endswith("_")}
    plain = (int, float, str, bool, np.ndarray, list, dict, type(None))
    assert all(isinstance(v, plain) for v in state.values())
    assert all(isinstance(v, np.ndarray) for v in state["weights_"].values())


def test_labels_of_any_type_and_the_order_of_rows() -> None:
    X, y = load_breast_cancer(return_X_y=True)
    net = MLPClassifier(**SMALL, random_state=0).fit(X[::2], _names(y[::2]))
    p = net.predict_proba(X)
    assert list(net.classes_) == ["benign", "malign"]
    assert p.sum(axis=1) == pytest.approx(1)
    assert (net.predict(X) == net.classes_[p.argmax(axis=1)]).all()
    assert net.predict_proba(X[::-1])[::-1] == pytest.approx(p, abs=1e-12)
    assert net.score(X[1::2], _names(y[1::2])) > 0.93


def test_an_eval_set_with_a_strange_class_is_answered() -> None:
    X, y = load_wine(return_X_y=True)
    with pytest.raises(InputError, match=r"`eval_set` holds the class 2, which `y` does not"):
        MLPClassifier(**SMALL).fit(X[y < 2], y[y < 2], eval_set=(X, y))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"hidden": (8, 0)}, r"`hidden` must be a whole number from 1 to 8192, but got 0"),
        ({"members": 0}, r"`members`"),
        ({"bins": -1}, r"`bins`"),
        ({"activation": "swish"}, r"`activation` must be one of"),
        ({"dropout": 1.0}, r"`dropout` must be a number in \[0, 1\)"),
        ({"label_smoothing": -0.1}, r"`label_smoothing`"),
        ({"optimizer": "admaw"}, r"did you mean 'adamw'"),
        ({"learning_rate": 0}, r"`learning_rate`"),
        ({"weight_decay": -1}, r"`weight_decay`"),
        ({"schedule": "cosinus"}, r"did you mean 'cosine'"),
        ({"epochs": 0}, r"`epochs`"),
        ({"batch_size": "all"}, r"`batch_size`"),
        ({"validation_fraction": 0.9}, r"`validation_fraction`"),
        ({"patience": 0}, r"`patience`"),
        ({"dtype": "float16"}, r"`dtype`"),
        ({"device": "toaster"}, r"`device` is 'toaster'"),
    ],
)
def test_wrong_parameters_are_answered(parameters: dict[str, Any], message: str) -> None:
    X = np.arange(60.0).reshape(30, 2)
    with pytest.raises(InputError, match=message):
        MLPClassifier(**parameters).fit(X, np.arange(30) % 2)


def test_it_beats_a_linear_model_on_curved_data() -> None:
    generator = np.random.default_rng(0)
    X = generator.uniform(-2, 2, size=(300, 2))
    y = np.sin(2 * X[:, 0]) * X[:, 1] + generator.normal(0, 0.1, 300)
    net = cross_val_score(
        MLPRegressor((32,), members=2, learning_rate=0.02, random_state=0), X, y, cv=3
    ).mean()
    assert net > 0.85 > cross_val_score(LinearRegression(), X, y, cv=3).mean() + 0.5


@pytest.mark.slow
def test_a_hundred_networks_of_the_default_form_match_single_fits() -> None:
    X, y = load_breast_cancer(return_X_y=True)
    splits = list(StratifiedKFold(5, shuffle=True, random_state=0).split(X, y))
    jobs = [
        Job(MLPClassifier(epochs=20, random_state=s), X[rows], y[rows])
        for s in range(4)
        for rows, _ in splits
    ]
    together = MLPClassifier.fit_many(jobs)
    for i in (0, 7, 19):
        alone = clone(jobs[i].estimator).fit(jobs[i].X, jobs[i].y)
        assert np.abs(alone.predict_proba(X) - together[i].predict_proba(X)).max() < 1e-9
