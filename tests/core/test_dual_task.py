"""The dual task: sensors against points along a ray, moves and fitness by hand, drivers that solve it, one game."""

import math

import numpy as np
import pytest

from neuroloom.core import EnvSet, InputError
from neuroloom.core import _kernels_dual_task as robot
from neuroloom.core.dual_task import DUAL_TASK, LIMIT, ROOM, Robots, courses
from neuroloom.core.episodes import behaviour_ranges, play_population
from neuroloom.core.worlds import make_env

LANE = np.zeros(1, np.int64)


def _placed(x, y, heading, course=0):
    robots = Robots(1)
    robots.begin(LANE, np.full((1, 4, 2), 400.0))
    robots.state[:4, 0] = x, y, heading, course
    return robots


def _stands(x, y, walls):
    """Return whether a robot has room there, by points along each wall."""
    share = np.linspace(0, 1, 2000)[:, None]
    return all(
        np.hypot(*(np.array([x, y]) - (w[:2] + share * (w[2:] - w[:2]))).T).min() >= 10.5 for w in walls
    )


def test_range_finders_agree_with_points_along_their_rays():
    own, rng = courses(), np.random.default_rng(0)
    walls = own.corridor
    along = np.arange(0, 60, 0.01)
    checked = 0
    for _ in range(40):
        x, y, heading = rng.uniform(240, 270), rng.uniform(305, 405), rng.uniform(0, 360)
        if not _stands(x, y, walls):
            continue
        seen = _placed(x, y, heading).observe(LANE)[0]
        for k, angle in enumerate(np.linspace(-1.3398, 1.3398, 5)):
            direction = math.radians(heading) + angle
            points = np.array([x, y]) + along[:, None] * [math.cos(direction), math.sin(direction)]
            hit = np.inf
            for x1, y1, x2, y2 in walls:  # where the points change sides between a wall's ends
                wall = np.array([x2 - x1, y2 - y1])
                side = np.sign((points - [x1, y1]) @ [-wall[1], wall[0]])
                for j in np.flatnonzero(side[1:] * side[:-1] <= 0):
                    if 0 <= (points[j] - [x1, y1]) @ wall / (wall @ wall) <= 1:
                        hit = min(hit, along[j])
            wanted = min((hit - 10.5) / 40, 1)
            if abs(wanted - 0.25) > 0.01:  # what is nearer is not seen
                assert seen[k] == pytest.approx(wanted if wanted > 0.25 else 0, abs=1e-3)
                checked += 1
        assert seen[5:].tolist() == [0, 0, 0, 0]  # no food in the corridor
    assert checked > 80


def test_the_radar_tells_the_quarter_of_the_food():
    for place, heading, lit in [
        ((300, 400), 0, 0), ((300, 400), 44, 0), ((300, 400), 46, 3), ((300, 400), -46, 1), ((300, 400), 180, 2),
        ((400, 450), 270, 0), ((400, 450), 0, 3), ((400, 450), 180, 1),
    ]:  # fmt: skip
        seen = _placed(*place, heading, course=1).observe(LANE)[0]  # food at (400, 400), y pointing down
        assert seen[5:].tolist() == [float(k == lit) for k in range(4)]


def test_moves_worked_by_hand():
    robots = _placed(300.0, 600.0, 270.0, course=1)
    robots.step(LANE, np.array([[0.0, 1.0, 0.0]]))  # 20 units a second for 0.2 s, up
    np.testing.assert_allclose(robots.state[:3, 0], [300, 596, 270])
    robots.step(
        LANE, np.array([[0.25, 0.5, 0.75]])
    )  # turns right by half of 4.28 radians a second, then drives
    turned = 270 + math.degrees(0.5 * 4.28 * 0.2)
    angle = math.radians(turned)
    np.testing.assert_allclose(
        robots.state[:3, 0], [300 + 2 * math.cos(angle), 596 + 2 * math.sin(angle), turned]
    )
    robots = _placed(ROOM[0] + 12.0, 600.0, 180.0, course=1)
    robots.step(LANE, np.array([[0.0, 1.0, 0.0]]))  # the wall is in the way
    assert robots.state[0, 0] == ROOM[0] + 12
    robots.step(LANE, np.array([[0.0, 0.375, 0.0]]))  # just not
    assert robots.state[0, 0] == ROOM[0] + 10.5


def test_who_stands_still_earns_what_the_places_are_worth():
    env = make_env(DUAL_TASK, {"food": "published"})
    env.reset(seed=0)
    total, steps, ended = 0.0, 0, False
    while not ended:
        _, reward, done, cut, info = env.step(np.zeros(3, np.float32))
        total, steps, ended = total + reward, steps + 1, done or cut
    assert steps == 2 * LIMIT
    corridor = 1 - math.hypot(394 - 255, 184 - 393) / 650
    room = (1 - math.hypot(345.5 - 171, 591 - 517) / math.hypot(479, 350)) / 4
    assert total == pytest.approx((corridor + room) / 2)
    np.testing.assert_allclose(info["behaviour"], [(255 - 230) / 191, (393 - 165) / 261, 0])


def _drive(env, target):
    """Return the action that turns to a place and drives there."""
    x, y, heading = env.unwrapped.robots.state[:3, 0]
    error = (math.degrees(math.atan2(target[1] - y, target[0] - x)) - heading + 180) % 360 - 180
    turn = np.clip(error / math.degrees(4.28 * 0.2), -1, 1)
    return np.array([max(-turn, 0), float(abs(error) < 60), max(turn, 0)], np.float32)


@pytest.mark.parametrize(("food", "seed"), [("published", 0), ("random", 2)])
def test_a_driver_who_knows_the_places_solves_it(food, seed):
    env = make_env(DUAL_TASK, {"food": food})
    env.reset(seed=seed)
    way = [(253.0, 316.0), (395.0, 316.0), (394.0, 184.0)]
    total, ended = 0.0, False
    while not ended:
        state = env.unwrapped.robots.state[:, 0]
        if state[3] == 0:
            if len(way) > 1 and math.dist(state[:2], way[0]) < 6:
                way.pop(0)
            target = way[0]
        else:
            target = env.unwrapped.robots.food[0, int(state[5])]
        _, reward, ended, cut, info = env.step(_drive(env, target))
        total += reward
        assert not cut
    assert total == pytest.approx(1)
    assert info["behaviour"][2] == 1


def test_food_lies_at_random_places_of_the_seed():
    env = make_env(DUAL_TASK)
    places = []
    for seed in (1, 1, 2):
        env.reset(seed=seed)
        places.append(env.unwrapped.robots.food[0].copy())
    np.testing.assert_array_equal(places[0], places[1])
    assert not np.array_equal(places[0], places[2])
    assert (places[2] >= [ROOM[0] + 50, ROOM[1] + 50]).all()
    assert (places[2] <= [ROOM[2] - 50, ROOM[3] - 50]).all()
    with pytest.raises(InputError, match="`food` must be one of"):
        make_env(DUAL_TASK, {"food": "nowhere"})


def test_lanes_play_gymnasiums_game():
    X = EnvSet(DUAL_TASK, [3, 1, 2])

    def act(seen, owners):
        left, right = seen[:, 0] + seen[:, 8], seen[:, 4] + seen[:, 6]
        drive = 0.4 + 0.3 * owners
        return np.stack([0.4 * left, drive + 0 * left, 0.4 * right], axis=1).clip(0, 1).astype(np.float32)

    played = play_population(act, X, 2, ends=True)
    for member in range(2):
        for k, seed in enumerate(X.seeds):
            env = make_env(DUAL_TASK)
            seen, info = env.reset(seed=int(seed))
            done, total = False, 0.0
            while not done:
                seen, reward, ended, cut, info = env.step(act(seen[None], np.array([member]))[0])
                total, done = total + reward, ended or cut
            assert played.returns[member, k] == pytest.approx(total, abs=1e-9)
            np.testing.assert_allclose(played.ends[member, k], info["behaviour"])
    assert len(np.unique(played.returns)) > 3
    assert behaviour_ranges(X) == [(0.0, 1.0)] * 3


def test_the_environment_is_one_of_gymnasiums():
    from gymnasium.utils.env_checker import check_env

    check_env(make_env(DUAL_TASK).unwrapped, skip_render_check=True)
    assert (robot.LIMIT, robot.FOODS) == (LIMIT, 4)
