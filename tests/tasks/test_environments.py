"""Any environment as a task: `gymnasium:ENV` and `envpool:ENV`."""

import sys

import gymnasium
import numpy as np
import pytest

from neuroloom.core import EnvSet
from neuroloom.core.episodes import rollout
from neuroloom.core.errors import InputError, NotSupportedError
from neuroloom.core.worlds import solved_at
from neuroloom.evolve import FixedTopologyPolicy as CMAES
from neuroloom.nets import PPOPolicy
from neuroloom.runner import doctor, run
from neuroloom.runner.attempt import attempt
from neuroloom.runner.budget import measure_pace
from neuroloom.runner.listing import show_one
from neuroloom.runner.models import fit_model, predict_with_model
from neuroloom.runner.statistics.within import within_task
from neuroloom.tasks import open_task

OWN = '''
import gymnasium
import numpy as np


class Coin(gymnasium.Env):
    """Call the side that is shown, ten times."""

    def __init__(self, prize=1.0):
        self.observation_space = gymnasium.spaces.Box(0, 1, (1,), np.float32)
        self.action_space = gymnasium.spaces.Discrete(2)
        self.prize = prize

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.left = 10
        return self._show(), {}

    def step(self, action):
        earned = self.prize * (action == self.side)
        self.left -= 1
        return self._show(), earned, self.left == 0, False, {}

    def _show(self):
        self.side = int(self.np_random.integers(2))
        return np.array([self.side], np.float32)


class Odd(gymnasium.Env):
    """States that begin at 1, whole actions from -2, and no end by itself or by a limit."""

    def __init__(self):
        self.observation_space = gymnasium.spaces.Discrete(5, start=1)
        self.action_space = gymnasium.spaces.Box(-2, 3, (1,), np.int64)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return int(self.np_random.integers(1, 6)), {}

    def step(self, action):
        assert action.dtype == np.int64
        return int(self.np_random.integers(1, 6)), float(action[0]), False, False, {}


class Broken(Odd):
    """Fails when it is played."""

    def step(self, action):
        raise RuntimeError("the motor is off")


class Unmade(Odd):
    """Cannot be made."""

    def __init__(self):
        raise OSError("no such device")


gymnasium.register("Coin-v0", entry_point=Coin, reward_threshold=9.5, max_episode_steps=50)
gymnasium.register("Odd-v0", entry_point=Odd)
gymnasium.register("Broken-v0", entry_point=Broken, max_episode_steps=50)
gymnasium.register("Unmade-v0", entry_point=Unmade)
'''


@pytest.fixture
def coin(tmp_path, monkeypatch):
    (tmp_path / "coins.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    yield "gymnasium:coins:Coin-v0"
    sys.modules.pop("coins", None)
    for name in ("Coin", "Odd", "Broken", "Unmade"):
        gymnasium.registry.pop(f"{name}-v0", None)


def test_an_environment_of_ones_own_is_a_task(coin):
    task = open_task(coin)

    assert (task.kind, task.problem, task.actions, task.name) == ("episodes", "control", "discrete", coin)
    data = task.load(3)
    assert data.notes == (
        "observations: 1 number; actions: 2 to choose from",
        "solved at a mean return of 9.5",
    )
    split = task.split(data, 0, 0, 5)
    assert (len(split.train), len(split.test)) == (1000, 100)
    assert len(set(data.X.seeds.tolist())) == 1100
    assert data.X.seeds.tolist() != task.load(4).X.seeds.tolist()


def test_it_runs_in_a_bench_with_options(coin, tmp_path):
    bench = {
        "name": "coins",
        "seeds": 2,
        "methods": ["cma-es", "dummy"],
        "method": {"cma-es": {"population": 8, "steps": 800}},
        "task": [{"name": coin, "options": {"prize": 2.0}, "test": 30}],
    }
    results = run(bench, out=tmp_path / "run", workers=1)
    scores = results.main().set_index(["method", "seed"]).value
    for seed in range(2):
        assert scores["cma-es", seed] == 20
        assert 0 <= scores["dummy", seed] <= 20


def test_the_spec_opens_the_same_task_again(coin):
    task = open_task({"name": coin, "options": {"prize": 2.0}, "test": 7})
    again = open_task(task.spec)
    assert again.fingerprint() == task.fingerprint() != open_task(coin).fingerprint()
    assert (again.options, again.test) == ({"prize": 2.0}, 7)
    assert "scored over 7 fresh episodes" in again.summary


@pytest.mark.parametrize(
    ("spec", "error", "match"),
    [
        ("gymnasium:CartPol-v1", InputError, "did you mean 'CartPole-v1'"),
        ("gymnasium:nowhere_at_all:Coin-v0", InputError, "cannot be made"),
        ("gymnasium:Blackjack-v1", NotSupportedError, "Tuple observations"),
        ({"name": "gymnasium:CartPole-v1", "options": {"colour": 1}}, InputError, "cannot be made.*colour"),
        ({"name": "gymnasium:CartPole-v1", "options": 3}, InputError, "must be a table of keyword arguments"),
        ({"name": "gymnasium:CartPole-v1", "test": 0}, InputError, "`test` must be"),
        ({"name": "gymnasium:CartPole-v1", "target": "y"}, InputError, "takes no target"),
    ],
)
def test_what_cannot_be_acted_in_is_named(spec, error, match):
    with pytest.raises(error, match=match):
        open_task(spec).load()


def test_envpools_are_those_of_envpool():
    pytest.importorskip("envpool")
    task = open_task({"name": "envpool:MountainCarContinuous-v0", "test": 5})
    data = task.load()
    assert (data.X.simulator, task.actions, len(data.X)) == ("envpool", "continuous", 1005)
    assert np.isclose(float(data.notes[1].split()[-1]), 90)
    with pytest.raises(InputError, match=r"of EnvPool cannot be made: .*colour"):
        open_task({"name": "envpool:MountainCarContinuous-v0", "options": {"colour": 1}}).load()


@pytest.mark.parametrize("method", ["cma-es", "ppo"])
def test_a_policy_is_fitted_saved_and_played(coin, tmp_path, method):
    said = fit_model(method, coin, tmp_path / "model", params=["steps=2000"])
    assert said.splitlines()[0] == "observations: 1 number; actions: 2 to choose from"
    text = predict_with_model(tmp_path / "model", "4").splitlines()
    assert text[0] == "sample,return"
    assert [line.partition(",")[2] for line in text[1:]] == ["10.0"] * 4
    (tmp_path / "seeds.txt").write_text("3\n8\n")
    again = predict_with_model(tmp_path / "model", tmp_path / "seeds.txt").splitlines()
    assert again == ["sample,return", "3,10.0", "8,10.0"]
    for wrong in ("0", "some.csv"):
        with pytest.raises(InputError, match="how many episodes it shall play"):
            predict_with_model(tmp_path / "model", wrong)


def test_a_named_task_of_samples_is_fitted_too(tmp_path):
    assert "learned from 178 samples" in fit_model("logreg", "wine", tmp_path / "model")
    with pytest.raises(InputError, match="is the name of a task"):
        fit_model("logreg", "wine", tmp_path / "other", target="y")


def test_repetitions_of_drawn_episodes_are_draws_of_the_data(coin, tmp_path):
    bench = {"name": "draws", "seeds": 3, "methods": ["dummy"], "tasks": [coin]}
    results = run(bench, out=tmp_path / "run", workers=1)
    found = within_task(results, coin)
    assert found.over == "draws"
    assert any("draws its data anew" in note for note in found.notes)
    assert not any("One published split" in note for note in found.notes)


def test_show_tells_what_an_environment_is(coin, capsys):
    show_one(coin, as_json=False)
    told = capsys.readouterr().out
    for line in ("data drawn anew for each seed", "observations: 1 number; actions: 2 to choose from"):
        assert line in told
    with pytest.raises(InputError, match="did you mean 'Acrobot-v1'"):
        show_one("gymnasium:Acrobt-v1", as_json=False)


def test_the_doctor_asks_for_no_simulator(monkeypatch):
    monkeypatch.setattr(doctor, "versions", lambda: dict.fromkeys(doctor.PACKAGES, "1"))
    found = {finding.what: finding.state for finding in doctor.findings(None)}
    assert "envpool" not in found
    assert found["gymnasium"] == "ok"


@pytest.mark.usefixtures("coin")
class TestOdd:
    def test_an_environment_without_a_limit_is_cut_and_the_note_says_so(self):
        data = open_task("gymnasium:coins:Odd-v0").load()
        assert data.notes[0].endswith("; episodes are cut after 1000 steps")
        short = open_task({"name": "gymnasium:coins:Odd-v0", "options": {"max_episode_steps": 9}}).load().X
        assert rollout(lambda seen: np.ones((len(seen), 1)), short[:3]).tolist() == [9, 9, 9]

    def test_states_and_whole_actions_are_as_the_environment_counts_them(self):
        X = EnvSet("coins:Odd-v0", np.arange(6), {"max_episode_steps": 20})
        found = rollout(lambda seen: np.full((len(seen), 1), 1.6), X[:1])
        assert found == 40  # 1.6 is nearest to 2
        for make in (CMAES, PPOPolicy):
            policy = make(steps=1_500, max_steps=20, random_state=0).fit(X)
            assert policy.act(np.array([1, 5])).shape == (2, 1)
            assert policy.score(X) > 20

    def test_one_that_fails_is_named(self, tmp_path):
        with pytest.raises(InputError, match=r"'coins:Unmade-v0' cannot be made: OSError: no such device"):
            open_task("gymnasium:coins:Unmade-v0").load()
        with pytest.raises(InputError, match="failed while it was played at random: RuntimeError: the motor"):
            attempt("gymnasium:coins:Broken-v0", minutes=0.05, methods=["neat"], out=tmp_path / "run")

    def test_it_is_tried_with_bounds_above_zero(self):
        pace, length = measure_pace(EnvSet("coins:Odd-v0", np.arange(90), {"max_episode_steps": 30}))
        assert (length, pace > 100) == (30, True)


def test_returns_that_are_cut_early_do_not_count_as_solved():
    X = EnvSet("Acrobot-v1", [0])
    assert (solved_at(X), solved_at(X, 60), solved_at(X, 500)) == (-100, np.inf, -100)


def test_a_task_that_no_file_can_be_asked_about_is_not_fitted(tmp_path):
    with pytest.raises(NotSupportedError, match="a file of your own with --horizon"):
        fit_model("seasonal-naive", "airline", tmp_path / "model")
