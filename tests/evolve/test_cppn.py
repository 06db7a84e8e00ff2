"""Patterns: what a CPPN says at a point, and pictures of whole populations."""

import colorsys
import io

import numpy as np
import pytest
from sklearn.base import clone

from neuroloom.core import InputError
from neuroloom.evolve import CPPN, NEAT, Connection, CPPNRegressor, Genome, Node, cppn_config, render
from neuroloom.evolve.cppn import grid, with_distance


def _engine(outputs=1, dimensions=2, generations=3):
    engine = NEAT(cppn_config(dimensions, outputs, population=12), 3)
    engine.run(lambda net: np.arange(12.0), generations)
    return engine


def test_a_grid_has_square_cells_around_the_centre():
    np.testing.assert_allclose(grid(2), [[-0.5], [0.5]])
    points = grid(2, 4)
    assert points.shape == (8, 2)
    np.testing.assert_allclose(points[:4], [[-0.25, x] for x in (-0.75, -0.25, 0.25, 0.75)])
    np.testing.assert_allclose(points.mean(axis=0), 0, atol=1e-12)
    assert grid(2, 3, 4).shape == (24, 3)


def test_inputs_are_coordinates_distance_and_one():
    np.testing.assert_allclose(with_distance([[3.0, 4.0], [0.0, 0.0]]), [[3, 4, 5, 1], [0, 0, 0, 1]])
    with pytest.raises(InputError, match=r"shape \(n, d\)"):
        with_distance([1.0, 2.0])


def test_a_ring_by_hand():
    """One Gaussian of the distance: bright in the middle, dark outside, the same all round."""
    genome = Genome(4, 1, (Node(0, 0.0, 1.0, "gauss", "sum"),), (Connection(0, -3, 0, 1.0, True),))
    pattern = CPPN(genome)
    np.testing.assert_allclose(pattern([[0.6, 0.8], [0.0, 0.0]])[:, 0], [np.exp(-5), 1], atol=1e-6)
    picture = pattern.render(32)
    assert picture.shape == (32, 32)
    far = np.sqrt((grid(32, 32) ** 2).sum(axis=1)).reshape(32, 32)
    np.testing.assert_allclose(picture, 255 * np.exp(-5 * far**2), atol=0.6)
    for turned in (picture[::-1], picture[:, ::-1], picture.T):
        np.testing.assert_array_equal(turned, picture)


@pytest.mark.parametrize(("colour", "outputs"), [("grey", 1), ("rgb", 3), ("hsv", 3)])
@pytest.mark.parametrize("size", [(1, 1), (7, 5), (16, 33)])
def test_a_population_is_drawn_as_each_of_its_genomes_point_by_point(colour, outputs, size):
    engine = _engine(outputs)
    pictures = render(engine, *size, colour=colour)
    assert pictures.shape == (12, *size, *((3,) if outputs == 3 else ()))
    for k in (0, 5, 11):
        genome = engine.genomes[k]
        values = CPPN(genome, colour)(grid(*size))
        if colour == "grey":
            wanted = np.abs(values[:, 0])
        elif colour == "rgb":
            wanted = np.abs(values)
        else:
            bounded = [(h % 1, min(abs(s), 1), min(abs(v), 1)) for h, s, v in values]
            wanted = np.array([colorsys.hsv_to_rgb(*one) for one in bounded])
        wanted = np.rint(255 * np.clip(wanted, 0, 1)).reshape(pictures[k].shape)
        off = np.abs(pictures[k].astype(int) - wanted)
        assert np.mean(off > 1) < 0.02  # single precision, and steps that a rounding crosses
        np.testing.assert_array_equal(render([genome], *size, colour=colour)[0], pictures[k])


def test_threads_and_batches_do_not_change_a_picture():
    engine = _engine()
    from neuroloom.evolve.phenotypes import Phenotypes

    one, two = (Phenotypes(engine.genes, 4, 1, threads=t) for t in (1, 2))
    np.testing.assert_array_equal(render(one, 24), render(two, 24))
    np.testing.assert_array_equal(render(engine.genomes[2:4], 24), render(one, 24)[2:4])


def test_files_and_notebooks(tmp_path):
    from PIL import Image

    pattern = CPPN(_engine(3).genomes[4], "hsv")
    saved = pattern.save(tmp_path / "pattern.png", 40, 60)
    np.testing.assert_array_equal(np.asarray(Image.open(saved)), pattern.render(40, 60))
    assert Image.open(io.BytesIO(pattern._repr_png_())).size == (192, 192)


def test_patterns_of_space():
    pattern = CPPN(_engine(1, dimensions=3).genomes[0])
    assert pattern.dimensions == 3
    assert pattern(grid(2, 2, 2)).shape == (8, 1)
    with pytest.raises(InputError, match="patterns of 2 coordinates"):
        pattern.render(8)


def test_wrong_input():
    grey = _engine().genomes[0]
    with pytest.raises(InputError, match="'rgb' needs 3 outputs"):
        CPPN(grey, "rgb")
    with pytest.raises(InputError, match="`colour` must be one of"):
        CPPN(grey, "red")
    with pytest.raises(InputError, match="feed-forward genome"):
        CPPN(Genome(2, 1, (Node(0, 0.0, 1.0, "sin", "sum"),), ()))
    with pytest.raises(InputError, match="at least one"):
        render([])
    with pytest.raises(InputError, match="needs 3 outputs"):
        render([grey], colour="hsv")


def test_the_regressor_paints_a_pattern_at_any_resolution():
    points = grid(24, 32) * 5 + [100, 200]  # coordinates of any unit
    centred = grid(24, 32)
    y = 3 + 2 * np.exp(-4 * (centred**2).sum(axis=1))
    model = CPPNRegressor(population=80, generations=40, random_state=0).fit(points, y)
    assert model.score(points, y) > 0.95
    assert CPPN(model.best_genome_)(centred / centred.max()).shape == (768, 1)
    own = CPPN(model.best_genome_)((points - model.mean_) / model.scale_)[:, 0]
    np.testing.assert_allclose(own * model.target_scale_ + model.target_mean_, model.predict(points))
    np.testing.assert_allclose(model.picture(24, 32).ravel(), model.predict(points), atol=1e-9)
    assert model.picture(7, 1).shape == (7, 1)
    again = clone(model).fit(points, y)
    np.testing.assert_array_equal(again.predict(points), model.predict(points))
    learnt = CPPNRegressor(
        population=30, generations=10, random_state=0, learning="lamarckian", learning_steps=5
    ).fit(points, y)
    assert learnt.score(points, y) > 0.5


def test_only_the_plane_has_a_picture():
    X = np.random.default_rng(0).normal(size=(30, 3))
    model = CPPNRegressor(population=10, generations=2, random_state=0).fit(X, X[:, 0])
    assert model.best_genome_.inputs == 5
    with pytest.raises(InputError, match="2 coordinates"):
        model.picture()
