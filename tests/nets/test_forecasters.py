"""Deep forecasters: parts against a formula or a second implementation, and what they learn."""

import numpy as np
import pytest
import torch

from neuroloom.core import InputError, NotSupportedError, OriginSet
from neuroloom.nets import DLinearForecaster, EncoderDecoderForecaster, NBEATSForecaster, PatchTSTForecaster
from neuroloom.nets._layers.encoder_decoder import EncoderDecoderNetwork
from neuroloom.nets._layers.forecasting import (
    LinearDecomposition,
    PatchAttention,
    ResidualStacks,
    polynomials,
    waves,
)
from neuroloom.nets._linear_skip import RIDGES, choose_ridge, fit_linear
from neuroloom.nets.deep_forecaster import around

T = np.arange(240)
WAVE = 3 * np.sin(2 * np.pi * T / 8) + 0.05 * T
ALL = (DLinearForecaster, NBEATSForecaster, PatchTSTForecaster, EncoderDecoderForecaster)
SMALL = {
    DLinearForecaster: {"epochs": 40},
    NBEATSForecaster: {"epochs": 50, "width": 32, "blocks": 2},
    PatchTSTForecaster: {"epochs": 12, "members": 2, "learning_rate": 0.004},
    EncoderDecoderForecaster: {"epochs": 60, "units": (16, 12), "draws": 8, "learning_rate": 0.01},
}


@pytest.mark.parametrize("cls", ALL)
def test_a_season_and_a_trend_are_learned(cls):
    rng = np.random.default_rng(0)
    X, y = OriginSet.of(WAVE + rng.normal(0, 0.1, 240), horizon=4, season=8)
    model = cls(**SMALL[cls], random_state=0).fit(X[:180], y[:180])
    answers = model.predict(X[185:])
    naive = X[185:].windows(8)[:, 0, :4]
    error = np.abs(answers - y[185:]).mean()
    assert error < 0.7 * np.abs(naive - y[185:]).mean()
    assert (np.diff(model.predict_quantiles(X[185:]), axis=-1) >= 0).all()
    flags = model.anomalies(X[185:], y[185:] + np.where(np.arange(51) == 7, 6.0, 0.0)[:, None], 0.99)
    assert flags[7].all()
    assert np.delete(flags, 7, 0).mean() < 0.15


def test_a_trend_in_the_logarithm_goes_on():
    series = np.exp(0.02 * T[:160]) * (2 + np.sin(2 * np.pi * T[:160] / 8))
    X, y = OriginSet.of(series, horizon=4, season=8)
    model = DLinearForecaster(epochs=60, random_state=0).fit(X[:120], y[:120])
    assert model.log_
    np.testing.assert_allclose(model.predict(X[124:]), y[124:], rtol=0.1)  # far above all that was seen
    with pytest.raises(InputError, match=r"fit with log='never'"):
        model.predict(OriginSet(-series, season=8))


def test_variables_known_in_advance_and_other_channels_are_read():
    rng = np.random.default_rng(1)
    event, leader = (rng.random(404) < 0.3).astype(float), rng.normal(size=400)
    series = 5 * event[:400] + np.concatenate([np.zeros(4), leader[:-4]])
    X, y = OriginSet.of(np.stack([series, leader]), horizon=4, known=event)
    model = DLinearForecaster(lags=8, epochs=150, learning_rate=0.02, random_state=0).fit(X[:300], y[:300])
    assert np.abs(model.predict(X[304:]) - y[304:]).mean() < 0.35
    with pytest.raises(InputError, match=r"fitted on 2 channels and 1 known variables, but got 1 and 0"):
        model.predict(OriginSet(series))


def test_the_linear_decomposition_is_its_formula():
    network = LinearDecomposition(1, 12, 5, 3)
    torch.nn.init.normal_(network.trend.weight)
    torch.nn.init.normal_(network.rest.weight)
    x = np.random.default_rng(0).normal(size=(2, 12)).astype(np.float32)
    padded = np.pad(x, ((0, 0), (2, 2)), mode="edge")
    trend = np.stack([padded[:, i : i + 5].mean(1) for i in range(12)], 1)
    w, v = network.trend.weight.detach().numpy(), network.rest.weight.detach().numpy()
    made = network(torch.from_numpy(x)[:, None]).detach().numpy()
    np.testing.assert_allclose(made, trend @ w.T + (x - trend) @ v.T, atol=1e-5)


def test_the_bases_of_n_beats_are_those_of_the_paper():
    assert polynomials(4, 2).tolist() == [[1, 1, 1, 1], [0, 0.25, 0.5, 0.75], [0, 0.0625, 0.25, 0.5625]]
    basis = waves(6).numpy()
    assert basis.shape == (5, 6)  # cosines of 0, 1, 2 turns, sines of 1, 2
    np.testing.assert_allclose(basis[1], np.cos(2 * np.pi * np.arange(6) / 6), atol=1e-6)
    np.testing.assert_allclose(basis @ basis.T, np.diag([6, 3, 3, 3, 3]), atol=1e-5)


def test_blocks_take_what_they_explain_and_add_up_what_they_forecast():
    torch.manual_seed(0)
    network = ResidualStacks(2, 10, 4, False, 3, 8, 5, 2)
    x = torch.randn(3, 2, 10)
    rest, total = x[:, 0], torch.zeros(3, 4)
    for block in network.stacks[0]:
        hidden = block.dense(torch.cat([rest, x[:, 1]], 1))
        theta = hidden @ block.theta.weight.T
        total = total + block.ahead(theta[:, 5:])
        rest = rest - block.back(theta[:, :5])
    torch.testing.assert_close(network(x), total)


def test_the_interpretable_form_gives_trend_and_season():
    X, y = OriginSet.of(WAVE, horizon=8, season=8)
    model = NBEATSForecaster("interpretable", blocks=2, width=32, epochs=25, random_state=0).fit(
        X[:200], y[:200]
    )
    parts = model.parts(X[210:])
    np.testing.assert_allclose(parts.sum(1), model.predict(X[210:]), rtol=1e-5)
    # second differences of a parabola are all the same, and a season's mean over its turns is small
    bend = np.diff(parts[:, 0], 2, axis=1)
    np.testing.assert_allclose(bend, np.broadcast_to(bend[:, :1], bend.shape), atol=1e-4)
    with pytest.raises(NotSupportedError, match=r"only form='interpretable'"):
        NBEATSForecaster(epochs=1, random_state=0).fit(X, y).parts(X)


def test_patches_overlap_by_half_and_cover_the_latest_values():
    torch.manual_seed(0)
    network = PatchAttention(1, 11, 4, 8, 2, 1, 0.0, 3).eval()
    assert (network.place.shape[0], network.missing) == (5, 1)  # 12 values, patches from 0, 2, 4, 6, 8
    x = torch.randn(2, 1, 11, requires_grad=True)
    network(x)[:, 0].sum().backward()
    assert (x.grad.abs() > 0).all()  # every value counts
    with pytest.raises(InputError, match=r"multiple of `heads`, but got 10 and 4"):
        PatchTSTForecaster(width=10).fit(*OriginSet.of(WAVE, 4))


def test_the_linear_map_is_ridge_regression_on_scikit_learns_scale():
    from sklearn.linear_model import Ridge

    rng = np.random.default_rng(0)
    D, Y, ridges = rng.normal(size=(30, 7)) + 2, rng.normal(size=(30, 3)), np.array([1e-3, 0.4])
    coef, intercept = fit_linear(D, Y, ridges)
    for i, ridge in enumerate(ridges):
        known = Ridge(alpha=30 * ridge).fit(D, Y)
        np.testing.assert_allclose(coef[i], known.coef_.T, atol=1e-10)
        np.testing.assert_allclose(intercept[i], known.intercept_, atol=1e-10)


def test_the_penalty_is_small_where_the_window_tells_and_the_greatest_where_it_does_not():
    rng = np.random.default_rng(1)
    D, origins = rng.normal(size=(200, 6)), np.arange(10, 210)
    told = D @ rng.normal(size=(6, 2))
    assert choose_ridge(D, told, origins, 2) == RIDGES[0]
    assert choose_ridge(D, rng.normal(size=(200, 2)), origins, 2) >= 1
    few, told = D[:8, :2], D[:8, :2] @ rng.normal(size=(2, 4))
    assert choose_ridge(few, told[:, :2], origins[:8], 2) == RIDGES[0]
    assert choose_ridge(few, told, origins[:8], 4) >= 0.1  # answers share values with nearly all others


def test_a_block_rules_out_the_origins_whose_answers_it_shares():
    origins = np.arange(5, 17)
    ruled_out = around(origins, np.array([4, 5, 6]), 3)  # origins 9, 10, 11
    assert origins[ruled_out].tolist() == [7, 8, 9, 10, 11, 12, 13]
    assert origins[around(origins, np.array([4, 5, 6]), 1)].tolist() == [9, 10, 11]


def test_members_that_stop_early_hold_out_one_block_each():
    X, y = OriginSet.of(WAVE, horizon=4, season=8)
    model = PatchTSTForecaster(epochs=1, lags=8, members=4, validation_fraction=0.25, random_state=0)
    model.fit(X, y)
    held = []
    for member in range(4):
        learned, own = model._parts(X, member)
        held.append(np.flatnonzero(own))
        distance = np.abs(np.subtract.outer(X.origins[learned], X.origins[own])).min()
        assert distance == 4  # so that no answer is shared
    assert np.concatenate(held).tolist() == list(range(len(X)))
    few = X[:6]  # no room for a gap of the horizon
    learned, own = model._parts(few, 0)
    assert (learned ^ own).all()
    assert own.sum() == 2
    model.early_stopping = False
    learned, own = model._parts(X, 0)
    assert learned.all()
    assert not own.any()


def test_patch_attention_begins_as_the_linear_map_of_the_window():
    rng = np.random.default_rng(0)
    X, y = OriginSet.of(WAVE + rng.normal(0, 0.3, 240), horizon=4, season=8)
    model = PatchTSTForecaster(epochs=1, learning_rate=1e-12, members=2, lags=10, random_state=0).fit(X, y)
    windows = X.windows(10)[:, 0]
    D, Y = windows - windows[:, -1:], y - windows[:, -1:]
    seen = X.origins >= 10
    D = (D - D[seen].mean()) / D[seen].std()
    (coef,), (intercept,) = fit_linear(D[seen], Y[seen], np.array([model.ridge_]))
    np.testing.assert_allclose(model.predict(X), D @ coef + intercept + windows[:, -1:], atol=1e-4)


def test_patch_attention_adds_what_no_linear_map_knows():
    series = [0.3]
    for _ in range(419):
        series.append(
            3.7 * series[-1] * (1 - series[-1])
        )  # the logistic map: chaos without linear correlation
    X, y = OriginSet.of(series, horizon=1)
    settings = {"lags": 4, "patch": 2, "log": "never", "members": 2, "learning_rate": 0.01, "random_state": 0}
    still = PatchTSTForecaster(epochs=1, **settings | {"learning_rate": 1e-12}).fit(X[:350], y[:350])
    moved = PatchTSTForecaster(epochs=40, dropout=0.0, **settings).fit(X[:350], y[:350])
    error = [np.abs(m.predict(X[352:]) - y[352:]).mean() for m in (still, moved)]
    assert error[1] < 0.4 * error[0]
    assert not hasattr(PatchTSTForecaster(epochs=1, linear_skip=False, **settings).fit(X, y), "coef_")


def test_the_three_parts_of_the_uncertainty_add_up_and_bound_the_interval():
    rng = np.random.default_rng(0)
    X, y = OriginSet.of(WAVE + rng.normal(0, 0.3, 240), horizon=3, season=8)
    model = EncoderDecoderForecaster(epochs=8, units=(12, 8), dropout=0.2, draws=12, random_state=0)
    model.fit(X[:180], y[:180])
    parts = model.uncertainty(X[185:])
    assert set(parts) == {"model", "misspecification", "noise", "total"}
    squares = sum(parts[name] ** 2 for name in ("model", "misspecification", "noise"))
    np.testing.assert_allclose(squares, parts["total"] ** 2, rtol=1e-9)
    assert (parts["model"] > 0).all()
    assert parts["misspecification"].mean() > 0
    interval = model.predict_interval(X[185:], 0.6826894921)
    np.testing.assert_allclose(interval[..., 1] - interval[..., 0], 2 * parts["total"], rtol=1e-6)
    np.testing.assert_allclose(interval.mean(axis=2), model.predict(X[185:]), rtol=1e-6)
    assert (parts["noise"] == model.noise_).all()


def test_without_dropout_only_noise_is_left():
    X, y = OriginSet.of(WAVE, horizon=2, season=8)
    model = EncoderDecoderForecaster(epochs=2, units=(4, 3), dropout=0.0, draws=2, random_state=0).fit(X, y)
    parts = model.uncertainty(X[200:])
    assert parts["model"].max() < 1e-6
    assert parts["misspecification"].max() < 1e-6
    np.testing.assert_allclose(parts["total"], parts["noise"], rtol=1e-6)
    steps = [point["step"] for point in model.history_]
    assert steps == sorted(set(steps))  # encoder and decoder first, then the rest
    with pytest.raises(InputError, match=r"`units` must be two numbers, one a layer, but got \(4,\)"):
        EncoderDecoderForecaster(units=(4,)).fit(X, y)


def test_a_mask_is_held_and_the_decoder_starts_from_the_embedding():
    torch.manual_seed(0)
    network = EncoderDecoderNetwork(2, (5, 4), (6,), 1, 3, 0.5).eval()
    x = torch.randn(2, 2, 7)
    plain = network(x)
    for layer in network.drops(False):
        layer.mask = torch.zeros(layer.width)
    torch.testing.assert_close(network(x), network.predict[-1].bias.expand(2, 3))  # nothing comes through
    network.drops(False)[0].mask = None
    torch.testing.assert_close(network(x), plain)
    rows = x.transpose(1, 2)
    state = network.encoder[1](network.encoder[0](rows)[0])[0][:, -1]
    torch.testing.assert_close(network.embedding(x), state)
    assert network.decoded(x).shape == (2, 3)
