"""The mazes: what the robot senses against points along a ray, how it moves by hand, one game whoever plays it."""

import math

import gymnasium
import numpy as np
import pytest

from neuroloom.core import EnvSet, InputError
from neuroloom.core import _kernels_maze as robot
from neuroloom.core.episodes import behaviour_ranges, play_population, spaces
from neuroloom.core.maze import HARD, LIMIT, MAZES, MEDIUM, as_behaviour, maze
from neuroloom.core.worlds import make_env


def _state(x, y, heading, speed=0.0, turn=0.0):
    return np.array([[x], [y], [heading], [speed], [turn]])


def _seen(state, own):
    seen = np.zeros(10)
    robot.sense(state, 0, own.walls, own.goal, seen)
    return seen


@pytest.mark.parametrize("env_id", MAZES)
def test_range_finders_agree_with_points_along_their_rays(env_id):
    own, rng = maze(env_id), np.random.default_rng(0)
    low, high = own.size
    along = np.arange(0, 100, 0.02)
    for _ in range(25):
        x, y = rng.uniform(low + 1, high - 1)
        heading = rng.uniform(0, 360)
        seen = _seen(_state(x, y, heading), own)
        for k, angle in enumerate(robot.FINDER_ANGLES):
            direction = np.array(
                [math.cos(math.radians(heading + angle)), math.sin(math.radians(heading + angle))]
            )
            points = np.array([x, y]) + along[:, None] * direction
            hit = 100.0
            for x1, y1, x2, y2 in own.walls:  # where the points change sides between a wall's ends
                normal, wall = np.array([y1 - y2, x2 - x1]), np.array([x2 - x1, y2 - y1])
                side = np.sign((points - [x1, y1]) @ normal)
                for j in np.flatnonzero(side[1:] * side[:-1] <= 0):
                    share = (points[j] - [x1, y1]) @ wall / (wall @ wall)
                    if -1e-9 <= share <= 1 + 1e-9:
                        hit = min(hit, along[j])
            assert seen[k] * 100 == pytest.approx(hit, abs=0.5)


def test_the_radar_tells_the_quarter_of_the_goal():
    own = maze(MEDIUM)  # the goal at (270, 100), y pointing down
    for place, heading, ahead in [
        ((200, 100), 0, 3), ((200, 100), 180, 1), ((200, 100), 90, 2), ((200, 100), -90, 0), ((200, 100), 44, 3),
        ((200, 100), 46, 2), ((270, 50), 90, 3), ((270, 50), 0, 0), ((270, 130), 0, 2), ((200, 100), -46, 0),
    ]:  # fmt: skip
        quarter = _seen(_state(*place, heading), own)[6:]
        assert quarter.tolist() == [float(k == ahead) for k in range(4)]


def test_moves_worked_by_hand():
    walls = np.array([[50.0, -100, 50, 100]])
    state = _state(0, 0, 0)
    robot.move(state, 0, 1.0, 1.0, walls)  # it drives along the heading it had, then turns
    np.testing.assert_allclose(state[:, 0], [0.5, 0, 0.5, 0.5, 0.5])
    robot.move(state, 0, -1.0, 1.0, walls)
    angle = math.radians(0.5)
    np.testing.assert_allclose(state[:, 0], [0.5 + math.cos(angle), math.sin(angle), 0.5, 1.0, 0.0])
    for _ in range(10):
        robot.move(state, 0, -1.0, 1.0, walls)
    assert state[3:, 0].tolist() == [3.0, -3.0]
    state = _state(39.5, 3, 0, 2.0)
    robot.move(state, 0, 0.0, 0.0, walls)  # to 41.5, 8.5 from the wall
    assert state[0, 0] == 41.5
    robot.move(state, 0, 0.0, 0.0, walls)  # 43.5 would be within its radius
    assert state[:4, 0].tolist() == [41.5, 3, 0, 2]
    assert robot.distance_to_wall(3.0, 4.0, np.array([0.0, 0, -5, 0])) == 5.0


@pytest.mark.parametrize("env_id", MAZES)
def test_lanes_play_gymnasiums_game(env_id):
    X = EnvSet(env_id, [3, 1, 2], {"spread": 20.0})

    def act(observations, owners):
        left = observations[:, 0] - observations[:, 4]
        return np.stack(
            [np.tanh(3 * left + owners - 0.5), 0.6 + 0 * left], axis=1, dtype=np.float32, casting="same_kind"
        )

    played = play_population(act, X, 2, ends=True)
    own = maze(env_id)
    for member in range(2):
        for k, seed in enumerate(X.seeds):
            env = make_env(env_id, {"spread": 20.0})
            seen, info = env.reset(seed=int(seed))
            start = np.linalg.norm(env.unwrapped.state[:2, 0] - own.goal)
            done, total, steps = False, 0.0, 0
            while not done:
                seen, reward, ended, cut, info = env.step(act(seen[None], np.array([member]))[0])
                total, steps, done = total + reward, steps + 1, ended or cut
            assert steps <= LIMIT
            assert played.returns[member, k] == pytest.approx(total, abs=1e-9)
            np.testing.assert_allclose(played.ends[member, k], info["behaviour"])
            place = env.unwrapped.state[:2, 0]
            assert total == pytest.approx(start - np.linalg.norm(place - own.goal))
            np.testing.assert_allclose(as_behaviour(own, place[None])[0], info["behaviour"])
    assert len(np.unique(played.returns)) > 3


@pytest.mark.parametrize("env_id", MAZES)
def test_the_environment_is_one_of_gymnasiums(env_id):
    from gymnasium.utils.env_checker import check_env

    env = make_env(env_id)
    check_env(env.unwrapped, skip_render_check=True)
    first, other = env.reset(seed=1)[0], env.reset(seed=2)[0]
    np.testing.assert_array_equal(first, other)  # the published start is one
    X = EnvSet(env_id, [0])
    assert behaviour_ranges(X) == [(0.0, 1.0)] * 2
    assert behaviour_ranges(EnvSet("CartPole-v1", [0])) is None
    assert spaces(X).inputs == 10
    own = maze(env_id)
    assert gymnasium.spec(env_id).reward_threshold == pytest.approx(np.hypot(*(own.start[:2] - own.goal)) - 5)
    for wall in own.walls:  # nobody stands in a wall
        assert robot.distance_to_wall(*own.start[:2], wall) > robot.RADIUS
    with pytest.raises(InputError, match="spread"):
        play_population(lambda *_: None, EnvSet(env_id, [0], {"spread": -1}), 1)


def test_a_robot_at_the_goal_is_done():
    env = make_env(HARD)
    env.reset()
    env.unwrapped.state[:, 0] = [maze(HARD).goal[0] + 6, maze(HARD).goal[1], 180.0, 0.6, 0]
    _, reward, ended, _, info = env.step(np.array([0, 1], np.float32))
    assert ended
    assert reward == pytest.approx(1.1, abs=1e-6)
    assert (info["behaviour"] < 0.2).all()
