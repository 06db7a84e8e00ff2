"""Evolution that was killed goes on from its checkpoint, to the same network to the last bit."""

import numpy as np
import pytest
from sklearn.datasets import load_iris

from neuroloom.core import EnvSet, InputError
from neuroloom.core.checkpoints import checkpoints
from neuroloom.evolve import (
    ESHyperNEATClassifier,
    FixedTopologyClassifier,
    HyperNEATClassifier,
    HyperNEATPolicy,
    MAPElitesClassifier,
    MAPElitesPolicy,
    NEATClassifier,
    NEATPolicy,
    NEATRegressor,
    NoveltyClassifier,
    NoveltyPolicy,
    NSGA2Classifier,
    NSGA2Policy,
)

X, Y = load_iris(return_X_y=True)
EPISODES = EnvSet("CartPole-v1", np.arange(40))
SCRIPT = """
import os, signal, sys
from neuroloom.core.checkpoints import checkpoints
from tests.evolve.test_keeping import EPISODES, fresh
from neuroloom.evolve import NEATPolicy

def kill(engine):
    if engine.history_[-1]["step"] == 4:
        os.kill(os.getpid(), signal.SIGKILL)

with checkpoints(sys.argv[1], seconds=0):
    fresh(NEATPolicy, callbacks=kill).fit(EPISODES)
"""


def fresh(make, **changes):
    return make(**{"population": 16, "generations": 8, "random_state": 3, **changes})


def learn(model):
    return model.fit(EPISODES) if hasattr(model, "act") else model.fit(X, Y)


def stopping(at, seen=None):
    def stop(engine):
        if seen is not None:
            seen.append(engine.history_[-1]["step"])
        if engine.history_[-1]["step"] == at:
            raise KeyboardInterrupt

    return stop


def same(one, other):
    assert one.best_genome_.to_dict() == other.best_genome_.to_dict()
    for a, b in zip(one.history_, other.history_, strict=True):
        assert {k: v for k, v in a.items() if k != "seconds"} == {
            k: v for k, v in b.items() if k != "seconds"
        }


@pytest.mark.parametrize(
    ("make", "changes"),
    [
        (NEATClassifier, {"early_stopping": True, "patience": 7}),
        (NEATClassifier, {"learning": "lamarckian", "learning_steps": 2}),
        (NEATRegressor, {}),
        (HyperNEATClassifier, {"connection_cost": 0.25}),
        (ESHyperNEATClassifier, {}),
        (NSGA2Classifier, {}),
        (NoveltyClassifier, {}),
        (MAPElitesClassifier, {}),
        (NEATPolicy, {"network": "recurrent"}),
        (NEATPolicy, {"steps": 60_000, "generations": 100}),
        (HyperNEATPolicy, {}),
        (NSGA2Policy, {}),
        (NoveltyPolicy, {}),
        (MAPElitesPolicy, {}),
    ],
)
def test_a_run_that_was_stopped_goes_on(make, changes, tmp_path):
    whole = learn(fresh(make, **changes))
    with pytest.raises(KeyboardInterrupt), checkpoints(tmp_path / "kept", seconds=0):
        learn(fresh(make, **changes, callbacks=stopping(4)))
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["training-0.safetensors"]
    seen = []
    with checkpoints(tmp_path / "kept", seconds=0):
        again = learn(fresh(make, **changes, callbacks=stopping(None, seen)))
    same(whole, again)
    assert seen
    assert min(seen) == 4
    assert not (tmp_path / "kept").exists()


def test_a_killed_process_goes_on_to_the_same_policy(tmp_path, run_until_killed):
    run_until_killed(SCRIPT, tmp_path / "kept")
    seen = []
    with checkpoints(tmp_path / "kept"):
        again = learn(fresh(NEATPolicy, callbacks=stopping(None, seen)))
    same(learn(fresh(NEATPolicy)), again)
    assert min(seen) == 4


def test_runs_that_had_ended_are_not_done_again(tmp_path):
    def both(at, seen=None):
        first = learn(fresh(NEATClassifier, callbacks=stopping(None, seen)))
        return first, learn(fresh(NEATPolicy, callbacks=stopping(at)))

    with pytest.raises(KeyboardInterrupt), checkpoints(tmp_path / "kept"):
        both(3)
    seen = []
    with checkpoints(tmp_path / "kept"):
        first, second = both(None, seen)
    assert not seen
    same(first, learn(fresh(NEATClassifier)))
    same(second, learn(fresh(NEATPolicy)))


def test_other_samples_settings_and_seeds_are_refused(tmp_path):
    with pytest.raises(KeyboardInterrupt), checkpoints(tmp_path / "kept", seconds=0):
        learn(fresh(NEATPolicy, callbacks=stopping(4)))
    others = [
        lambda: fresh(NEATPolicy, random_state=4).fit(EPISODES),
        lambda: fresh(NEATPolicy, episodes=3).fit(EPISODES),
        lambda: fresh(NEATPolicy).fit(EPISODES[1:]),
        lambda: fresh(NEATPolicy).fit(EnvSet("CartPole-v1", EPISODES.seeds, {"sutton_barto_reward": True})),
    ]
    for other in others:
        with pytest.raises(InputError, match="was kept of other samples"), checkpoints(tmp_path / "kept"):
            other()
    with checkpoints(tmp_path / "kept"):
        learn(fresh(NEATPolicy))


def test_a_search_by_another_librarys_optimiser_begins_anew(tmp_path):
    with checkpoints(tmp_path / "kept", seconds=0) as keeper:
        learn(fresh(FixedTopologyClassifier))
    assert keeper.paths == []
