from __future__ import annotations

import numpy as np
import pytest
from scipy.special import log_softmax
from sklearn.datasets import load_diabetes, load_iris, load_wine, make_circles
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.metrics import log_loss
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline

from neuroloom.core.errors import InputError
from neuroloom.nets import KMeansFeatures, RBFNClassifier, RBFNRegressor
from neuroloom.nets._radial import (
    KERNELS,
    SLOPES,
    neighbour_widths,
    orthogonal_least_squares,
    place_centres,
    squared_distances,
)
from neuroloom.nets._rbfn import PLACEMENTS
from neuroloom.nets._ridge_head import calibrate, fit_function, fit_ridge
from neuroloom.nets._scaling import Encoding, robust_scale, smooth_clip


def _design(n: int, m: int, outputs: int = 2) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(n * 100 + m)
    return generator.normal(size=(n, m)) + 1, generator.normal(size=(n, outputs)) + 3


@pytest.mark.parametrize(("n", "m"), [(15, 4), (9, 20), (12, 12), (2, 1)])
def test_the_ridge_head_is_scikit_learns(n: int, m: int) -> None:
    D, Y = _design(n, m)
    found, wanted = fit_ridge(D, Y, np.array([0.7])), Ridge(0.7, solver="svd").fit(D, Y)
    assert found.coef == pytest.approx(wanted.coef_.T, abs=1e-9)
    assert found.intercept == pytest.approx(wanted.intercept_, abs=1e-9)


@pytest.mark.parametrize(("n", "m"), [(15, 4), (9, 20)])
def test_left_out_answers_are_those_of_heads_fitted_without_the_sample(n: int, m: int) -> None:
    D, Y = _design(n, m)
    penalties = np.array([0.01, 0.5, 30.0])
    dense = []
    for penalty in penalties:
        rest = [np.delete(np.arange(n), i) for i in range(n)]
        dense.append(
            np.vstack(
                [Ridge(penalty, solver="svd").fit(D[r], Y[r]).predict(D[[i]]) for i, r in enumerate(rest)]
            )
        )
    errors = [((Y - out) ** 2).mean() for out in dense]
    found = fit_ridge(D, Y, penalties)
    best = int(np.argmin(errors))
    assert found.ridge == penalties[best]
    assert found.error == pytest.approx(errors[best])
    assert found.left_out == pytest.approx(dense[best], abs=1e-9)


def test_gcv_is_its_definition() -> None:
    D, Y = _design(15, 4)
    scores = []
    for penalty in (0.1, 5.0):
        C = D - D.mean(axis=0)
        H = C @ np.linalg.solve(C.T @ C + penalty * np.eye(4), C.T) + 1 / 15
        residual = Y - H @ Y
        scores.append((residual**2).mean() / (1 - np.trace(H) / 15) ** 2)
    found = fit_ridge(D, Y, np.array([0.1, 5.0]), "gcv")
    assert found.error == pytest.approx(min(scores))
    assert found.ridge == (0.1, 5.0)[int(np.argmin(scores))]


def test_kernels_by_hand() -> None:
    r2 = np.array([0.0, 0.25, 4.0, 9.0])
    assert KERNELS["gaussian"](r2) == pytest.approx([1, 0.8824969, 0.1353353, 0.0111090], abs=1e-6)
    assert KERNELS["inverse-multiquadric"](r2) == pytest.approx([1, 0.8944272, 0.4472136, 0.3162278])
    assert KERNELS["multiquadric"](r2) == pytest.approx([1, 1.118034, 2.236068, 3.1622777])
    assert KERNELS["thin-plate"](r2) == pytest.approx([0, 0.25 * np.log(0.5), 4 * np.log(2), 9 * np.log(3)])
    assert KERNELS["wendland"](r2) == pytest.approx([1, (5 / 6) ** 4 * (5 / 3), (1 / 3) ** 4 * (11 / 3), 0])


def test_widths_by_hand() -> None:
    C = np.array([[0.0, 0], [3, 0], [0, 4], [3, 4]])
    assert neighbour_widths(C, 1) == pytest.approx([3, 3, 3, 3])
    assert neighbour_widths(C, 2) == pytest.approx([np.sqrt(12.5)] * 4)
    assert neighbour_widths(C, 9) == pytest.approx([np.sqrt(50 / 3)] * 4)
    assert neighbour_widths(C[:1], 2) == pytest.approx([1])
    assert neighbour_widths(np.array([[0.0], [0.0], [2.0], [5.0]]), 1) == pytest.approx([2.5, 2.5, 2, 3])


def test_distances_and_centres() -> None:
    generator = np.random.default_rng(0)
    A, B = generator.normal(size=(7, 3)), generator.normal(size=(5, 3))
    assert squared_distances(A, B) == pytest.approx(((A[:, None] - B) ** 2).sum(axis=2))
    X = np.vstack([np.zeros((6, 2)), np.ones((3, 2)), generator.normal(size=(91, 2))])
    assert len(place_centres(X, 500, 0)) == 93  # all distinct rows
    assert place_centres(X, 12, 0).shape == (12, 2)
    groups = np.repeat([0, 1, 2], [50, 49, 1])
    per_class = place_centres(X, 10, 0, groups)
    assert per_class.shape == (11, 2)  # 5, 5 and the lone sample of the rare class
    assert per_class[-1] == pytest.approx(X[-1])


def test_the_smooth_clip_and_what_undoes_it() -> None:
    X = np.array([[0.0, 7, 0], [1, 7, 0], [2, 7, 0], [3, 7, 0], [4, 7, 9]])
    median, s = robust_scale(X)
    assert median == pytest.approx([2, 7, 0])
    assert s == pytest.approx([0.5, 0, 1 / 4.5])
    assert smooth_clip(X, median, s)[4] == pytest.approx([1 / np.hypot(1, 1 / 3), 0, 2 / np.hypot(1, 2 / 3)])
    assert np.abs(smooth_clip(X * 1e300, median, s)).max() <= 3


def test_the_answer_is_the_equation() -> None:
    X, y = load_diabetes(return_X_y=True)
    given = {"kernel": "gaussian", "width": 2.0, "ridge": 0.1, "skip": True, "metric": "euclidean"}
    net = RBFNRegressor(30, bins=0, **given, random_state=0).fit(X, y)
    Z = smooth_clip(X, net.median_, net.inverse_spread_)
    r2 = ((Z[:, None] - net.centres_) ** 2).sum(axis=2) / net.widths_**2
    D = np.hstack([np.exp(-r2 / 2), Z])
    target = (y - y.mean()) / y.std()
    wanted = Ridge(0.1, solver="svd").fit(D, target).predict(D) * y.std() + y.mean()
    assert net.predict(X) == pytest.approx(wanted, abs=1e-5)
    assert net.widths_ == pytest.approx(2 * neighbour_widths(net.centres_, 5))
    assert net.n_parameters_ == 30 * 10 + 30 + 40 + 1


@pytest.mark.parametrize("skip", [False, True])
def test_the_default_is_kernel_ridge_with_differences_of_the_encoding(skip: bool) -> None:
    X, y = load_diabetes(return_X_y=True)
    X, y = X[:90], y[:90]
    net = RBFNRegressor(width=2.0, ridge=0.3, skip=skip, metric="euclidean").fit(X, y)
    Z = smooth_clip(X, net.median_, net.inverse_spread_)
    encoded = Encoding.of(Z, 8)(Z)
    apart = np.abs(encoded[:, None] - encoded).sum(axis=2)
    nearest = np.sort(apart, axis=1)[:, 1:6].mean()
    assert net.widths_ == pytest.approx(2 * nearest)
    K = np.exp(-apart / net.widths_[0])
    if skip:
        Z = net._scaled(X)
        K = K + Z @ Z.T
    A = np.block([[K + 0.3 * np.eye(90), np.ones((90, 1))], [np.ones((1, 90)), np.zeros((1, 1))]])
    solved = np.linalg.solve(A, np.append((y - y.mean()) / y.std(), 0.0))
    assert net.coef_[:90, 0] == pytest.approx(solved[:-1], abs=1e-8)
    assert net.predict(X) == pytest.approx((K @ solved[:-1] + solved[-1]) * y.std() + y.mean())


@pytest.mark.parametrize("criterion", ["loo", "gcv"])
@pytest.mark.parametrize("columns", [0, 2])
def test_kernel_and_whitened_heads_agree_and_their_left_out_answers_are_true(
    columns: int, criterion: str
) -> None:
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(30, 2)), rng.normal(size=(30, 2)) + 2
    linear = rng.normal(size=(30, columns))
    K = np.exp(-np.abs(X[:, None] - X).sum(axis=2))
    penalties = np.array([0.05, 0.4, 3.0])
    all_, whitened = (fit_function(phi, K, linear, Y, penalties, criterion) for phi in (K, K.copy()))
    assert all_.ridge == whitened.ridge
    assert all_.error == pytest.approx(whitened.error)
    for a, b in ((all_.coef, whitened.coef), (all_.left_out, whitened.left_out)):
        np.testing.assert_allclose(a, b, atol=1e-5)
    if criterion == "loo":
        rest, ridge = np.arange(1, 30), np.array([all_.ridge])
        inner = K[np.ix_(rest, rest)]
        without = fit_function(inner, inner, linear[rest], Y[rest], ridge)
        answer = np.concatenate([K[0, rest], linear[0]]) @ without.coef + without.intercept
        assert answer == pytest.approx(all_.left_out[0])


def test_sums_of_an_encoding_keep_its_differences_and_can_be_undone() -> None:
    Z = smooth_clip(np.random.default_rng(0).normal(size=(60, 3)), np.zeros(3), np.ones(3))
    Z[:, 2] = Z[:, 2] > 0  # two values need no parts
    encoding = Encoding.of(Z, 5)
    U, E = encoding.summed(Z), encoding(Z)
    wanted = np.abs(E[:, None] - E).sum(axis=2)
    assert np.abs(U[:, None] - U).sum(axis=2) == pytest.approx(wanted)
    np.testing.assert_allclose(encoding.inverse_summed(U), Z, atol=1e-12)
    assert np.array_equal(Encoding.of(Z, 0).summed(Z), Z)


def test_many_samples_have_fewer_prototypes_and_one_head() -> None:
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, size=(5600, 2))
    y = np.sin(4 * X[:, 0]) + 0.1 * rng.normal(size=5600)
    net = RBFNRegressor(placement="random", metric="euclidean", random_state=0)
    assert len(net._placed(X, y[:, None], None, None)) == 2500
    assert (
        len(net._placed(np.tile(X, (2, 1)) + 1e-3 * rng.normal(size=(11200, 2)), y, None, None))
        == 5000**2 // 11200
    )
    assert len(net._placed(X[:4999], y[:4999, None], None, None)) == 4999
    few = RBFNRegressor(200, metric="euclidean", random_state=0).fit(X[:5000], y[:5000])
    assert few.centres_.shape == (200, 2)
    assert few.score(X[5000:], y[5000:]) > 0.97
    middle = RBFNRegressor(metric="euclidean", random_state=0).fit(
        X[:1200], y[:1200]
    )  # chosen on 1,000 of them
    assert middle.centres_.shape == (1200, 2)
    assert middle.score(X[5000:], y[5000:]) > 0.97


def test_width_penalty_and_skip_are_those_with_the_least_left_out_error() -> None:
    X, y = load_diabetes(return_X_y=True)
    X, y = X[:120], y[:120]
    free = RBFNRegressor(40, skip="auto", metric="euclidean", random_state=0).fit(X, y)
    assert free.ridge_ in 10.0 ** np.arange(-3, 1.01, 0.5)

    def error(**fixed: object) -> float:
        net = RBFNRegressor(40, metric="euclidean", random_state=0, **fixed)
        _, head = net._learn(X, ((y - y.mean()) / y.std())[:, None], None)
        return head.error

    chosen = error(width=free.width_factor_, ridge=free.ridge_, skip=free.skip_)
    for factor in (1, 2, 4, 8):
        for skip in (True, False):
            assert chosen <= error(width=factor, skip=skip) + 1e-12


@pytest.mark.parametrize("kernel", sorted(KERNELS))
def test_the_slope_of_each_kernel(kernel: str) -> None:
    r2 = np.linspace(0.05, 12, 40)
    step = 1e-6
    wanted = (KERNELS[kernel](r2 + step) - KERNELS[kernel](r2 - step)) / (2 * step)
    assert SLOPES[kernel](r2) == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize("normalised", [False, True])
@pytest.mark.parametrize("kernel", ["gaussian", "inverse-multiquadric", "wendland", "laplace"])
def test_the_metric_is_the_root_of_the_average_gradient_outer_product(kernel: str, normalised: bool) -> None:
    X, y = load_diabetes(return_X_y=True)
    X, y = X[:90, :4], np.stack([y[:90], X[:90, 5]], axis=1)
    net = RBFNRegressor(12, kernel=kernel, width=2.0, skip=True, normalised=normalised, random_state=0)
    factors, ridges, skips = net._check()
    Z = smooth_clip(X, *robust_scale(X))
    L = np.array([[1.5, 0, 0, 0], [0.2, 1, 0, 0], [0, 0, 0.5, 0], [0, 0, 0, 0.8]])
    found = net._network(Z, (y - y.mean(axis=0)) / y.std(axis=0), None, L, factors, ridges, skips)

    def answer(Z: np.ndarray) -> np.ndarray:
        return net._layer(Z, found.centres, L, found.widths, skip=True) @ found.head.coef

    Z = Z + np.random.default_rng(0).uniform(0.01, 0.1, Z.shape)  # away from the prototypes' kinks
    step = 1e-6
    slopes = np.stack([(answer(Z + step * e) - answer(Z - step * e)) / (2 * step) for e in np.eye(4)], axis=1)
    np.testing.assert_allclose(net._gradients(Z, found).transpose(0, 2, 1), slopes, atol=1e-5)
    outer = np.einsum("nak,nbk->ab", slopes, slopes)
    root = net._next_metric(Z, found, "full")
    np.testing.assert_allclose(root @ root.T, 4 * outer / np.trace(outer), atol=1e-4)
    np.testing.assert_allclose(
        net._next_metric(Z, found, "diagonal") ** 4, np.diag(4 * np.diag(outer) / np.trace(outer)), atol=1e-4
    )


@pytest.mark.parametrize("metric", ["auto", "diagonal", "full"])
def test_a_learned_metric_finds_the_direction_that_counts(metric: str) -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(500, 8))
    direction = np.array([0.6, 0.8] + [0.0] * 6) if metric != "diagonal" else np.eye(8)[0]
    y = np.sin(2 * X @ direction)
    plain = RBFNRegressor(100, metric="euclidean", random_state=0).fit(X[:300], y[:300])
    net = RBFNRegressor(100, metric=metric, random_state=0).fit(X[:300], y[:300])
    missed = [1 - model.score(X[300:], y[300:]) for model in (net, plain)]
    assert missed[0] < missed[1] / 4
    assert missed[0] < 0.1
    e, Q = np.linalg.eigh(net.metric_)
    assert abs(Q[:, -1] @ direction) > 0.95
    assert e[-1] > 3 * e[-2]
    centre = net.explain(X[:1], top=1)[0][0]
    np.testing.assert_allclose(net._scaled(centre.centre[None])[0], net.centres_[centre.prototype], atol=1e-9)


def test_a_metric_that_does_not_help_is_not_taken() -> None:
    rng = np.random.default_rng(1)
    X = rng.normal(size=(200, 5))
    y = (X**2).sum(axis=1) + 2 * rng.normal(size=200)  # the same in all directions
    alike = RBFNRegressor(50, random_state=0).fit(X, y).metric_
    assert alike is None or np.abs(alike - np.eye(5)).max() < 0.2
    assert RBFNRegressor(50, random_state=0).fit(X, rng.normal(size=200)).metric_ is None
    for kind in ("full", "diagonal"):  # where it is asked for, it is there
        assert (
            RBFNRegressor(50, metric=kind, rounds=1, random_state=0).fit(X[:15], y[:15]).metric_ is not None
        )
    labels = (y > 5).astype(int)
    assert RBFNClassifier(50, metric="diagonal", random_state=0).fit(X, labels).metric_.shape == (5, 5)


def test_classes_in_stripes_are_found_by_a_learned_metric() -> None:
    more = np.random.default_rng(1).normal(size=(600, 6))
    stripes = (np.sin(3 * more[:, :2] @ [0.6, 0.8]) > 0).astype(int)
    striped = RBFNClassifier(random_state=0).fit(more[:400], stripes[:400])
    plain = RBFNClassifier(metric="euclidean", random_state=0).fit(more[:400], stripes[:400])
    assert striped.metric_ is not None
    assert striped.score(more[400:], stripes[400:]) > plain.score(more[400:], stripes[400:]) + 0.1


def test_orthogonal_least_squares_takes_what_a_greedy_search_takes() -> None:
    rng = np.random.default_rng(3)
    D, Y = rng.normal(size=(40, 9)), rng.normal(size=(40, 2))
    D[:, 6] = D[:, 2] + D[:, 4]  # spanned by two others
    taken: list[int] = []
    for _ in range(8):

        def error(columns: list[int]) -> float:
            A = np.column_stack([D[:, columns], np.ones(40)])
            return float(((Y - A @ np.linalg.lstsq(A, Y)[0]) ** 2).sum())

        rest = [j for j in range(9) if j not in taken]
        taken.append(min(rest, key=lambda j: error([*taken, j])))
    found = orthogonal_least_squares(D, Y, 9).tolist()
    assert found[:7] == taken[:7]
    assert {found[7], taken[7]} <= {4, 6}  # equals once 2 is taken, so rounding decides
    assert len(found) == 8


def test_selected_centres_are_samples_and_serve_better_than_random_ones() -> None:
    rng = np.random.default_rng(0)
    X = rng.uniform(-3, 3, size=(400, 2))
    y = np.exp(-((X - 1) ** 2).sum(axis=1) * 3)  # one bump, so few places matter
    scores = {}
    for placement in ("random", "orthogonal-least-squares"):
        nets = [
            RBFNRegressor(8, placement=placement, metric="euclidean", skip=False, random_state=s).fit(
                X[:300], y[:300]
            )
            for s in range(3)
        ]
        Z = nets[0]._scaled(X[:300])
        assert (squared_distances(nets[0].centres_, Z).min(axis=1) < 1e-12).all()
        scores[placement] = np.mean([net.score(X[300:], y[300:]) for net in nets])
    assert scores["orthogonal-least-squares"] > scores["random"]


def test_normalised_activations_sum_to_one() -> None:
    X, y = load_diabetes(return_X_y=True)
    net = RBFNRegressor(20, normalised=True, skip=False, random_state=0).fit(X, y)
    assert net._design(X).sum(axis=1) == pytest.approx(1.0)
    far = net._design(X[:1] + 1e9)
    assert np.isfinite(far).all()
    with pytest.raises(InputError, match="'gaussian', but got 'thin-plate'"):
        RBFNRegressor(normalised=True, kernel="thin-plate").fit(X, y)


def test_cluster_affinities_are_features() -> None:
    X, y = make_circles(300, noise=0.05, factor=0.5, random_state=0)
    features = KMeansFeatures(20, random_state=0).fit(X)
    made = features.transform(X)
    assert made.shape == (300, 20)
    assert (made > 0).all()
    assert (made <= 1).all()
    Z = smooth_clip(X, features.median_, features.inverse_spread_)
    r2 = ((Z[:, None] - features.centres_) ** 2).sum(axis=2) / features.widths_**2
    np.testing.assert_allclose(made, np.exp(-r2 / 2), atol=1e-12)
    assert list(features.get_feature_names_out()[:2]) == ["kmeansfeatures0", "kmeansfeatures1"]
    pipe = make_pipeline(KMeansFeatures(20, random_state=0), LogisticRegression()).fit(X[:200], y[:200])
    assert pipe.score(X[200:], y[200:]) > 0.95 > LogisticRegression().fit(X, y).score(X, y) + 0.3


def test_a_linear_target_is_met_exactly_with_the_skip() -> None:
    X = np.random.default_rng(1).uniform(-1, 1, size=(80, 2))
    median, s = robust_scale(X)
    y = smooth_clip(X, median, s) @ [3.0, -2.0] + 5
    net = RBFNRegressor(5, skip=True, bins=0, kernel="gaussian", random_state=0).fit(X, y)
    assert net.predict(X) == pytest.approx(y, abs=1e-4)


def test_calibration_is_the_likeliest_slope() -> None:
    generator = np.random.default_rng(2)
    labels = generator.integers(0, 3, 3000)
    scores = np.eye(3)[labels] * 0.5 + generator.normal(size=(3000, 3)) * 0.3
    slope, bias = calibrate(scores, labels)

    def loss(s: float) -> float:
        return float(-log_softmax(s * scores + bias, axis=1)[np.arange(3000), labels].mean())

    assert slope == pytest.approx(0.5 / 0.09, rel=0.1)  # the Bayes slope of equal Gaussians: mean / variance
    assert loss(slope) < min(loss(slope * 0.8), loss(slope * 1.25))
    assert np.abs(bias).max() < 0.3


@pytest.mark.parametrize("head", ["ridge", "logistic"])
def test_probabilities_are_calibrated_enough(head: str) -> None:
    X, y = load_wine(return_X_y=True)
    names = np.array(["barolo", "grignolino", "barbera"])[y]
    ridge = 1.0 if head == "logistic" else "auto"
    net = RBFNClassifier(20, head=head, ridge=ridge, random_state=0)
    assert cross_val_score(net, X, names, cv=5).mean() > 0.95
    net.fit(X[::2], names[::2])
    p = net.predict_proba(X[1::2])
    assert p.sum(axis=1) == pytest.approx(1)
    assert log_loss(names[1::2], p, labels=net.classes_) < 0.2
    assert (net.predict(X[1::2]) == net.classes_[p.argmax(axis=1)]).all()


def test_the_logistic_head_chooses_its_penalty_and_takes_two_classes() -> None:
    X, y = load_iris(return_X_y=True)
    X, y = X[50:], y[50:]
    net = RBFNClassifier(15, head="logistic", random_state=0).fit(X, y)
    assert net.ridge_ in [10.0**p for p in range(-3, 4)]
    assert net.coef_.shape[1] == 2
    assert net.score(X, y) > 0.93


@pytest.mark.parametrize("kernel", sorted(KERNELS))
@pytest.mark.parametrize("placement", PLACEMENTS)
def test_every_kernel_and_placement_learns_two_rings(kernel: str, placement: str) -> None:
    generator = np.random.default_rng(0)
    angle, y = generator.uniform(0, 2 * np.pi, 300), np.repeat([0, 1], 150)
    X = (1 + y + generator.normal(0, 0.15, 300))[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
    net = RBFNClassifier(40, kernel=kernel, placement=placement, skip=False, random_state=0).fit(
        X[::2], y[::2]
    )
    assert net.score(X[1::2], y[1::2]) > 0.95


def test_rows_units_and_blocks_do_not_matter() -> None:
    X, y = load_wine(return_X_y=True)
    net = RBFNClassifier(25, random_state=3).fit(X, y)
    again = RBFNClassifier(25, random_state=3).fit(
        X * 1024.0 + 64, y
    )  # powers of two: no rounding in the scale
    assert again.predict_proba(X * 1024.0 + 64) == pytest.approx(net.predict_proba(X), abs=1e-6)
    many = np.tile(X, (30, 1))
    assert net.predict_proba(many)[-len(X) :] == pytest.approx(net.predict_proba(X), abs=1e-9)
    order = np.random.default_rng(0).permutation(len(X))
    assert net.predict_proba(X[order]) == pytest.approx(net.predict_proba(X)[order], abs=1e-9)


def test_explain_sums_to_the_answer() -> None:
    X, y = load_diabetes(return_X_y=True)
    net = RBFNRegressor(20, width=1.0, skip=False, random_state=0).fit(X, y)
    told = net.explain(X[:3], top=20)
    base = net.target_mean_ + net.target_scale_ * net.intercept_[0]
    assert [base + sum(e.contribution for e in row) for row in told] == pytest.approx(
        list(net.predict(X[:3]))
    )
    sizes = [abs(e.contribution) for e in told[0]]
    assert sizes == sorted(sizes, reverse=True)
    wine, kinds = load_wine(return_X_y=True)
    classifier = RBFNClassifier(300, random_state=0, skip=False).fit(wine, kinds)
    for sample, row in zip(wine[::40], classifier.explain(wine[::40], top=3), strict=True):
        assert len(row) == 3
        for part in row:  # all samples are prototypes, and stand in the units of the data
            assert np.abs(wine - part.centre).max(axis=1).min() < 1e-6 * np.abs(wine).max()
        near = np.abs(wine - sample).max(axis=1).argmin()
        assert kinds[near] == classifier.predict(sample[None])[0]


def test_a_constant_target_and_one_class() -> None:
    X = np.random.default_rng(0).normal(size=(20, 2))
    assert RBFNRegressor().fit(X, np.full(20, 3.0)).predict(X) == pytest.approx(3.0)
    assert set(RBFNClassifier().fit(X, ["a"] * 20).predict(X)) == {"a"}
    with pytest.raises(InputError, match=r"needs at least 2 classes"):
        RBFNClassifier(head="logistic").fit(X, ["a"] * 20)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"centres": 0}, r"`centres` must be a whole number of at least 1"),
        ({"placement": "kmeans"}, r"did you mean 'k-means'"),
        ({"neighbours": 0}, r"`neighbours`"),
        ({"width": 0.0}, r"`width` must be a number in \(0, inf\)"),
        ({"width": "automatic"}, r"`width` must be one of auto"),
        ({"width": []}, r"`width` must be a number above 0, several or 'auto'"),
        ({"ridge": [1.0, -1.0]}, r"`ridge`"),
        ({"kernel": "gauss"}, r"did you mean 'gaussian'"),
        ({"skip": "yes"}, r"`skip` must be True, False or 'auto', but got 'yes'"),
        ({"head": "rigde"}, r"did you mean 'ridge'"),
        ({"criterion": "cv"}, r"`criterion`"),
        ({"bins": -1}, r"`bins` must be a whole number of at least 0"),
        ({"centres": "all"}, r"`centres`"),
    ],
)
def test_wrong_parameters_are_answered(parameters: dict[str, object], message: str) -> None:
    X = np.arange(20.0).reshape(10, 2)
    with pytest.raises(InputError, match=message):
        RBFNClassifier(**parameters).fit(X, np.arange(10) % 2)


def test_placement_per_class_needs_classes() -> None:
    with pytest.raises(InputError, match=r"needs classes"):
        RBFNRegressor(placement="k-means-per-class").fit(np.eye(4), np.arange(4.0))


def test_it_beats_a_linear_model_on_curved_data() -> None:
    generator = np.random.default_rng(0)
    X = generator.uniform(-2, 2, size=(250, 2))
    y = np.sin(2 * X[:, 0]) * X[:, 1] + generator.normal(0, 0.1, 250)
    net = cross_val_score(RBFNRegressor(random_state=0), X, y, cv=3).mean()
    smooth = cross_val_score(RBFNRegressor(kernel="gaussian", random_state=0), X, y, cv=3).mean()
    assert min(net, smooth) > 0.94 > cross_val_score(LinearRegression(), X, y, cv=3).mean() + 0.5
