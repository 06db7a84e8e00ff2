"""Pictures of nets show what is in them."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from neuroloom.core import InputError
from neuroloom.core.tokens import Alphabet
from neuroloom.nets import CNNClassifier, GRUClassifier, Seq2Seq
from neuroloom.nets.plots import first_filters, plot_attention, plot_filters, plot_saliency, saliency

plt = pytest.importorskip("matplotlib.pyplot")


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(n_class=3, return_X_y=True)
    X = X.reshape(-1, 1, 8, 8)
    return X, CNNClassifier((5, 8), 1, epochs=3, random_state=0).fit(X[:200], y[:200])


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


def test_saliency_is_the_size_of_the_slope(digits):
    X, net = digits
    found = saliency(net, X[:2], answer=1)
    module = net.torch_module().double()
    scaled = (X[:2] - net.mean_[:, None, None]) / net.scale_[:, None, None]
    for row, i, j in ((0, 3, 4), (1, 2, 2), (0, 0, 0)):
        ends = []
        for move in (-1e-4, 1e-4):
            moved = scaled.copy()
            moved[row, 0, i, j] += move / net.scale_[0]
            with torch.inference_mode():
                ends.append(float(module(torch.from_numpy(moved))[row, 1]))
        assert found[row, 0, i, j] == pytest.approx(abs(ends[1] - ends[0]) / 2e-4, rel=1e-3, abs=1e-6)
    best = net.predict(X[:1])[0]
    np.testing.assert_allclose(saliency(net, X[:1]), saliency(net, X[:1], int(best)))
    ax = plot_saliency(net, X[0])
    np.testing.assert_allclose(ax.images[0].get_array(), X[0, 0])
    assert ax.images[1].get_array().argmax() == saliency(net, X[:1]).argmax()


def test_filters_stand_side_by_side(digits):
    _, net = digits
    kernels = first_filters(net)
    assert kernels.shape == (5, 1, 3, 3)
    sheet = np.asarray(plot_filters(net).images[0].get_array().filled(np.nan))
    assert sheet.shape == (7, 11)  # two rows of three, a pixel between
    np.testing.assert_allclose(sheet[4:7, 4:7], kernels[4, 0])
    assert np.isnan(sheet[:, 3]).all()
    X = np.random.default_rng(0).normal(size=(20, 1, 32))
    series = CNNClassifier((4,), 1, epochs=1, random_state=0).fit(X, np.arange(20) % 2)
    lines = plot_filters(series, most=3).lines
    assert len(lines) == 6
    limit = np.abs(first_filters(series)[:3]).max()
    np.testing.assert_allclose(lines[0].get_ydata(), 0.42 * first_filters(series)[0, 0] / limit)
    assert len(plot_saliency(series, X[0]).lines) == 1


def test_attention_is_drawn_letter_by_letter():
    letters = Alphabet(["ab c"])
    X = letters.encode(["ab c", "cab", "a b"])
    net = Seq2Seq(units=8, epochs=60, learning_rate=0.02, random_state=0).fit(X, X)
    ax = plot_attention(net, "ab c", (letters, letters))
    assert [t.get_text() for t in ax.get_xticklabels()] == ["a", "b", "␣", "c"]
    assert [t.get_text() for t in ax.get_yticklabels()] == ["a", "b", "␣", "c", "end"]
    np.testing.assert_allclose(ax.images[0].get_array(), net.attend(letters.encode(["ab c"]))[0])
    with pytest.raises(InputError, match="no letter"):
        plot_attention(net, "", (letters, letters))


def test_what_cannot_be_drawn_is_said(digits):
    X = np.random.default_rng(0).normal(size=(8, 1, 6))
    net = GRUClassifier(4, epochs=1, random_state=0).fit(X, np.arange(8) % 2)
    with pytest.raises(InputError, match="no convolution"):
        plot_filters(net)
    with pytest.raises(InputError, match="`channel` must be"):
        plot_filters(digits[1], channel=1)
    with pytest.raises(InputError, match="expected a deep net"):
        saliency(object(), X)
    X[0, 0, 5:] = np.nan
    with pytest.raises(InputError, match="without padding"):
        saliency(net, X)
