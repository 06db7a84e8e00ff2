"""Pictures of samples, reconstructions and codes: what is drawn is what was given."""

import numpy as np
import pytest

from neuroloom.core import InputError
from neuroloom.nets.sample_plots import plot_codes, plot_reconstructions, plot_samples

pytest.importorskip("matplotlib").use("Agg")


@pytest.fixture(autouse=True)
def _closed():
    yield
    from matplotlib import pyplot

    pyplot.close("all")


class Doubling:
    """An autoencoder that answers twice its input."""

    def reconstruct(self, X):
        return 2 * X


def test_pictures_stand_on_one_sheet():
    X = np.arange(3 * 4, dtype=float).reshape(3, 1, 2, 2)
    sheet = plot_samples(X, columns=2).images[0].get_array()
    assert sheet.shape == (2 + 1 + 2, 2 + 1 + 2)
    np.testing.assert_array_equal(sheet[:2, 3:], X[1, 0])
    np.testing.assert_array_equal(sheet[3:, :2], X[2, 0])
    coloured = plot_samples(np.random.default_rng(0).random((2, 3, 4, 5))).images[0].get_array()
    assert coloured.shape == (4, 5 + 1 + 5, 3)
    halves = plot_samples(X / 24, limits=(0, 1)).images[0]
    assert halves.get_clim() == (0, 1)
    np.testing.assert_allclose(halves.get_array()[:, :2], X[0, 0] / 24)
    pair = plot_reconstructions(Doubling(), X).images[0].get_array()
    np.testing.assert_array_equal(pair[3:, :2], 2 * X[0, 0])


def test_series_stand_side_by_side():
    X = np.random.default_rng(0).normal(size=(5, 2, 30))
    ax = plot_samples(X, columns=3)
    assert len(ax.lines) == 5
    np.testing.assert_allclose(np.ptp(ax.lines[0].get_ydata()) / np.ptp(ax.lines[1].get_ydata()),
                               np.ptp(X[0, 0]) / np.ptp(X[1, 0]))  # fmt: skip
    both = plot_reconstructions(Doubling(), X)
    assert [t.get_text() for t in both.get_legend().get_texts()] == ["given", "reconstructed"]


def test_codes_are_points_of_a_plane():
    codes = np.random.default_rng(0).normal(size=(20, 2))
    ax = plot_codes(codes, np.repeat(["a", "b"], 10))
    np.testing.assert_allclose(ax.collections[1].get_offsets(), codes[10:])
    wide = codes @ np.array([[1.0, 0, 0, 2], [0, 3, 0, 0]])
    points = np.asarray(plot_codes(wide).collections[0].get_offsets())
    assert np.linalg.norm(points) == pytest.approx(
        np.linalg.norm(wide - wide.mean(0))
    )  # two components hold all
    assert plot_codes(codes, codes[:, 0]).collections[0].get_array() is not None


def test_what_cannot_be_drawn_is_said():
    with pytest.raises(InputError, match="expected pictures"):
        plot_samples(np.zeros((3, 4)))
    with pytest.raises(InputError, match="code=2 or more"):
        plot_codes(np.zeros((3, 1)))
    with pytest.raises(InputError, match="a label for each of 3"):
        plot_codes(np.zeros((3, 2)), [0])
