"""Double pole balancing: the motion against SciPy and conserved energy, and one game whoever plays it."""

from __future__ import annotations

import math

import gymnasium
import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.linalg import solve_discrete_are

from neuroloom.core import EnvSet, InputError
from neuroloom.core import _kernels_double_pole as physics
from neuroloom.core.double_pole import (
    BOX,
    WITH_VELOCITIES,
    WITHOUT_VELOCITIES,
    generalisation_starts,
    random_start,
    standard_start,
)
from neuroloom.core.episodes import rollout, rollout_population, spaces
from neuroloom.core.worlds import make_env

G = 9.8
POLES = ((0.1, 1.0), (0.01, 0.1))  # mass, whole length


def lagrange(state, force, cart_friction=5e-4, pole_friction=2e-6):
    """The accelerations from the mass matrix of Lagrange's equations, each pole a uniform rod."""
    _, dx, *angles = state
    mass = np.zeros((3, 3))
    right = np.zeros(3)
    mass[0, 0] = 1.0 + sum(m for m, _ in POLES)
    right[0] = force - cart_friction * np.sign(dx)
    for k, (m, length) in enumerate(POLES):
        angle, spin = angles[2 * k], angles[2 * k + 1]
        half = length / 2
        mass[0, k + 1] = mass[k + 1, 0] = m * half * math.cos(angle)
        mass[k + 1, k + 1] = m * length**2 / 3
        right[0] += m * half * spin**2 * math.sin(angle)
        right[k + 1] = m * G * half * math.sin(angle) - pole_friction * spin
    return np.linalg.solve(mass, right)


def energy(state):
    _, dx, *angles = state
    total = 0.5 * dx**2
    for k, (m, length) in enumerate(POLES):
        angle, spin = angles[2 * k], angles[2 * k + 1]
        half = length / 2
        vx, vy = dx + half * spin * math.cos(angle), -half * spin * math.sin(angle)
        total += (
            0.5 * m * (vx**2 + vy**2) + 0.5 * (m * length**2 / 12) * spin**2 + m * G * half * math.cos(angle)
        )
    return total


def steady_gain():
    """The linear-quadratic gain for one action, from the derivatives at rest of the motion without friction."""

    def after(z):
        once = physics.runge_kutta(*z[:6], 10.0 * z[6], 0.01, 0.0, 0.0)
        return np.array(physics.runge_kutta(*once, 10.0 * z[6], 0.01, 0.0, 0.0))

    eye = np.eye(7) * 1e-6
    slopes = np.array([(after(row) - after(-row)) / 2e-6 for row in eye]).T
    a, b = slopes[:, :6], slopes[:, 6:]
    p = solve_discrete_are(a, b, np.eye(6), np.eye(1))
    return np.linalg.solve(np.eye(1) + b.T @ p @ b, b.T @ p @ a)[0]


GAIN = steady_gain()


def steady(observations):
    return np.clip(-(observations @ GAIN)[:, None], -1, 1)


@pytest.mark.parametrize("seed", range(5))
def test_accelerations_are_those_of_lagranges_equations(seed):
    rng = np.random.default_rng(seed)
    state, force = rng.normal(0, 0.6, 6), rng.uniform(-10, 10)
    found = physics.accelerations(*state[1:], force, physics.CART_FRICTION, physics.POLE_FRICTION)
    np.testing.assert_allclose(found, lagrange(state, force), rtol=1e-9)


@pytest.mark.parametrize("force", [10.0, -3.7])
def test_an_action_follows_the_differential_equation(force):
    def slope(_, z):
        acc = lagrange(z, force)
        return [z[1], acc[0], z[3], acc[1], z[5], acc[2]]

    state = np.array([0.3, 0.4 * np.sign(force), -0.05, 0.2, 0.1, -0.3])
    exact = state
    for _ in range(5):
        state = np.array(physics.push(*state, force))
    exact = solve_ivp(slope, (0, 0.1), exact, rtol=1e-12, atol=1e-13).y[:, -1]
    np.testing.assert_allclose(state, exact, atol=2e-4)
    fine = np.array([0.3, 0.4 * np.sign(force), -0.05, 0.2, 0.1, -0.3])
    for _ in range(1000):
        fine = np.array(physics.runge_kutta(*fine, force, 1e-4, physics.CART_FRICTION, physics.POLE_FRICTION))
    np.testing.assert_allclose(fine, exact, atol=1e-9)


def test_energy_is_kept_without_friction_and_lost_with_it():
    start = np.array([0.0, 0.5, 0.3, 0.2, -0.2, 0.5])
    free, rubbed = start, start
    for _ in range(2000):
        free = np.array(physics.runge_kutta(*free, 0.0, 1e-3, 0.0, 0.0))
        rubbed = np.array(physics.runge_kutta(*rubbed, 0.0, 1e-3, 0.05, 1e-4))
    assert energy(free) == pytest.approx(energy(start), abs=1e-7)
    assert energy(rubbed) < energy(start) - 0.01


def test_the_mirrored_game_is_the_same():
    state, force = np.array([0.3, 0.4, -0.05, 0.2, 0.1, -0.3]), 4.0
    there, back = physics.push(*state, force), physics.push(*-state, -force)
    np.testing.assert_allclose(there, -np.array(back), rtol=1e-14)


def test_falling_is_judged_at_track_and_36_degrees():
    edge = 36 * math.pi / 180
    assert not physics.fallen(2.4, edge, -edge)
    assert physics.fallen(-2.41, 0.0, 0.0)
    assert physics.fallen(0.0, edge + 1e-9, 0.0)
    assert physics.fallen(0.0, 0.0, -edge - 1e-9)
    assert physics.fallen(math.nan, 0.0, 0.0)


def test_a_linear_controller_saves_both_poles_where_doing_nothing_fails():
    starts = np.arange(30)
    held = rollout(steady, EnvSet(WITH_VELOCITIES, starts))
    idle = rollout(lambda seen: np.zeros((len(seen), 1)), EnvSet(WITH_VELOCITIES, starts))
    assert held.max() == 1000
    assert np.median(held) == 1000
    assert idle.max() < 100


def test_lanes_play_the_single_environments_game():
    seeds = np.array([3, 0, 11, 7, 3])
    for env_id, act in [
        (WITH_VELOCITIES, steady),
        (WITHOUT_VELOCITIES, lambda seen: -seen[:, 1:2].clip(-1, 1)),
    ]:
        wanted = []
        for seed in seeds:
            env = make_env(env_id)
            seen, _ = env.reset(seed=int(seed))
            total, over = 0.0, False
            while not over:
                seen, reward, ended, cut, _ = env.step(act(seen[None])[0].astype(np.float32))
                total, over = total + reward, ended or cut
            wanted.append(total)
        assert rollout(act, EnvSet(env_id, seeds)).tolist() == wanted
    two = rollout_population(
        lambda seen, who: np.where(who[:, None] == 1, steady(seen), 0.0), EnvSet(WITH_VELOCITIES, seeds), 2
    )
    assert two[1].tolist() == rollout(steady, EnvSet(WITH_VELOCITIES, seeds)).tolist()
    assert (two[0] < two[1]).all()
    assert rollout(steady, EnvSet(WITH_VELOCITIES, [1]), max_steps=7).tolist() == [7.0]


def test_the_environments_are_gymnasiums():
    env = make_env(WITHOUT_VELOCITIES)
    assert gymnasium.spec(WITHOUT_VELOCITIES).max_episode_steps == 1000
    start = standard_start(4.5)
    seen, _ = env.reset(options={"state": start})
    assert seen.dtype == np.float32
    np.testing.assert_allclose(seen, [0, math.radians(4.5), 0], rtol=1e-6)
    after, reward, ended, cut, _ = env.step(np.array([1.0], np.float32))
    np.testing.assert_allclose(after, np.array(physics.push(*start, 10.0))[[0, 2, 4]], rtol=1e-6)
    assert (reward, ended, cut) == (1.0, False, False)
    assert env.reset(seed=4)[0].tolist() == env.reset(seed=4)[0].tolist()
    assert spaces(EnvSet(WITH_VELOCITIES, [0])).inputs == 6
    with pytest.raises(InputError, match="must be six finite numbers"):
        env.reset(options={"state": [1, 2]})
    with pytest.raises(InputError, match="finite actions of shape"):
        rollout(lambda seen: np.zeros(len(seen)), EnvSet(WITH_VELOCITIES, [1]))


def test_starts():
    grid = generalisation_starts()
    assert grid.shape == (6, 625)
    assert len(np.unique(grid, axis=1).T) == 625
    np.testing.assert_allclose(np.unique(grid[0].round(9)), [-1.944, -1.08, 0, 1.08, 1.944], atol=1e-9)
    np.testing.assert_allclose(grid[3].max(), math.radians(0.9 * 8.6))
    assert not grid[4:].any()
    drawn = np.array([random_start(np.random.default_rng(s)) for s in range(200)])
    assert (np.abs(drawn) <= BOX).all()
    assert (np.abs(drawn[:, :4]).max(axis=0) > 0.95 * BOX[:4]).all()
