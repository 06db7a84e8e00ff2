"""NSGA-II: fronts and crowding by hand and one by one, and runs over networks."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes

from neuroloom.core import EnvSet, InputError
from neuroloom.evolve import NEATConfig, NSGA2Classifier, NSGA2Policy, NSGA2Regressor
from neuroloom.evolve.champions import CONFIRMED, FIRST
from neuroloom.evolve.nsga2 import NSGA2, crowding_distances, front_ranks, survival_order
from neuroloom.evolve.population import size as count_of


def test_fronts_and_crowding_worked_by_hand():
    costs = np.array([[1.0, 5], [2, 3], [4, 1], [3, 4], [5, 5], [2, 6]])
    np.testing.assert_array_equal(front_ranks(costs), [0, 0, 0, 1, 2, 1])
    front = np.array([[0.0, 8], [1, 5], [4, 1], [8, 0]])  # ranges 8 and 8
    np.testing.assert_allclose(crowding_distances(front), [np.inf, 4 / 8 + 7 / 8, 7 / 8 + 5 / 8, np.inf])
    np.testing.assert_array_equal(crowding_distances(front[:2]), [np.inf, np.inf])


@pytest.mark.parametrize("k", [2, 3])
def test_fronts_are_peeled_off_one_by_one(k):
    rng = np.random.default_rng(k)
    costs = rng.integers(0, 6, size=(60, k)).astype(float)
    wanted, left, rank = np.zeros(60, int), set(range(60)), 0
    while left:
        front = {
            i for i in left if not any(all(costs[j] <= costs[i]) and any(costs[j] < costs[i]) for j in left)
        }
        for i in front:
            wanted[i] = rank
        left, rank = left - front, rank + 1
    np.testing.assert_array_equal(front_ranks(costs), wanted)


def test_pairs_compared_by_their_first_cost_alone():
    costs = np.array([[1.0, 9], [2, 1], [3, 5], [2, 7]])
    np.testing.assert_array_equal(front_ranks(costs), [0, 0, 1, 1])
    alone = np.zeros((4, 4), bool)
    alone[0, 1] = alone[1, 0] = True  # row 0 now beats row 1, whatever the second cost says
    np.testing.assert_array_equal(front_ranks(costs, alone), [0, 1, 2, 2])
    everywhere = np.ones((4, 4), bool)
    np.testing.assert_array_equal(front_ranks(costs, everywhere), [0, 1, 2, 1])  # a lone ranking by the first
    np.testing.assert_array_equal(survival_order(costs, everywhere)[0], 0)


def test_copies_are_the_last_to_survive():
    costs = np.array([[3.0, 3], [1, 2], [1, 2], [2, 1], [1, 2]])
    order = survival_order(costs).tolist()
    assert sorted(order[:2]) == [1, 3]
    assert order[2:] == [0, 2, 4]


def _run(engine, generations):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 4))
    y = X[:, :1] * 0.8 - X[:, 1:2] * 0.5 + 0.3 * np.sin(3 * X[:, 2:3])
    engine.run("neg_mean_squared_error", generations, X, y)
    return X, y


def _engine(**options):
    config = NEATConfig(
        4, 1, population=50, initial_connection="fs_neat", output_activation="identity", node_add_prob=0.1,
        conn_add_prob=0.2, conn_delete_prob=0.1, activation_options=("tanh", "sin"), activation_default="random",
    )  # fmt: skip
    return NSGA2(config, 1, **options)


@pytest.mark.parametrize("complexity", ["connections", "nodes"])
def test_the_front_is_of_all_that_were_kept_and_rises_with_size(complexity):
    engine = _engine(complexity=complexity)
    assert engine.front_ == []
    X, y = _run(engine, 40)
    front = engine.front_
    sizes = [
        one.n_hidden if complexity == "nodes" else sum(c.enabled for c in one.connections) for one in front
    ]
    errors = [-one.fitness for one in front]
    assert sizes == sorted(set(sizes))
    assert errors == sorted(set(errors), reverse=True)
    assert errors[-1] == -engine.best_genome_.fitness
    for one in front:
        assert ((one.activate(X) - y) ** 2).mean() == pytest.approx(-one.fitness, rel=1e-3, abs=1e-5)
    if complexity == "connections":  # one input explains at most 0.8 x0, two leave the wave
        assert len(front) >= 3
        assert sizes[0] == 0
        least = dict(zip(sizes, errors, strict=True))
        assert least[2] < least[1] < least[0]


def test_nothing_of_the_front_is_lost():
    engine = _engine()
    best = {}
    for _ in range(25):
        _run(engine, 1)
        now = {len(one.connections): one.fitness for one in engine.front_}
        for size, fitness in best.items():
            assert max(now[s] for s in now if s <= size) >= fitness
        best = {**now}


def _weighed(rate):
    """Return a run whose evaluation gives the sum of squared weights as the cost."""
    engine = _engine(complexity="given", cost_rate=rate)
    X, y = np.random.default_rng(0).normal(size=(4, 60)).astype(np.float32), 0.3
    held = []

    def evaluate(phenotypes):
        genes = phenotypes.genes
        ends = np.concatenate([[0], np.cumsum(genes.weight**2 * genes.enabled)])
        cost = np.diff(ends[genes.conn_ptr])
        fitness = -((phenotypes.activate(X)[:, 0] - y * X[0]) ** 2).mean(axis=1)
        held.append((fitness.astype(float), cost))
        return held[-1]

    engine.run_phenotypes(evaluate, 25)
    return engine, np.concatenate(held, axis=1)


def test_a_given_cost_is_traded_and_counts_as_often_as_it_is_asked_to():
    engine, (fitness, cost) = _weighed(1.0)
    front = engine.front_costs_
    assert front.tolist() == sorted(set(front))
    for one, own in zip(engine.front_, front, strict=True):
        weights = [c.weight for c in one.connections if c.enabled]
        assert own == pytest.approx(sum(w * w for w in weights))
        assert not ((fitness > one.fitness) & (cost <= own)).any()  # no network ever seen outdoes the front
    means = [_weighed(rate)[0]._parents.costs.mean() for rate in (0.0, 1.0)]
    assert means[1] < 0.7 * means[0]
    other, _ = _weighed(0.25)
    again, _ = _weighed(0.25)
    assert [one.fitness for one in other.front_] == [one.fitness for one in again.front_]


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (np.zeros(50), r"two things of an evaluation, \(fitness, cost\)"),
        ((np.zeros(50), np.zeros(49)), "50 finite numbers"),
        ((np.zeros(50), np.full(50, np.nan)), "not finite"),
    ],
)
def test_a_cost_that_is_none_is_refused(found, message):
    with pytest.raises(InputError, match=message):
        _engine(complexity="given").tell(found)


def test_one_seed_one_run_and_a_saved_one_goes_on(tmp_path):
    twins = [_engine(cost_rate=0.5), _engine(cost_rate=0.5)]
    for twin in twins:
        _run(twin, 8)
    twins[1].save(tmp_path / "run")
    other = NSGA2.load(tmp_path / "run")
    for run in (twins[0], other):
        _run(run, 6)
    assert [one.fitness for one in twins[0].front_] == [one.fitness for one in other.front_]
    for a, b in zip(twins[0].genes, other.genes, strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_classifier_finds_small_networks_that_come_close():
    X, y = load_breast_cancer(return_X_y=True)
    model = NSGA2Classifier(population=80, generations=40, random_state=0).fit(X[::2], y[::2])
    assert model.score(X[1::2], y[1::2]) > 0.92
    small = next(one for one in model.front_ if sum(c.enabled for c in one.connections) == 3)
    guess = small.activate((X[1::2] - model.mean_) / model.scale_)[:, 0] > 0
    assert (guess == y[1::2]).mean() > 0.88
    assert model.front_[-1].fitness == model.best_genome_.fitness
    assert model.plot_front() is not None
    for unknown in ("depth", "given"):
        with pytest.raises(InputError, match="complexity"):
            clone(model).set_params(complexity=unknown).fit(X, y)


def test_the_regressor_learns():
    X, y = load_diabetes(return_X_y=True)
    model = NSGA2Regressor(population=60, generations=40, random_state=0).fit(X[::2], y[::2])
    assert model.score(X[1::2], y[1::2]) > 0.35


def test_the_policy_offers_small_networks_judged_on_the_champions_episodes():
    X = EnvSet("CartPole-v1", np.arange(40))
    policy = NSGA2Policy(population=40, generations=12, random_state=0).fit(X)
    said, found = policy.alternatives()
    assert said == "enabled connections"
    assert policy.history_[-1]["env_steps"] > policy.history_[-2]["env_steps"] > 0
    scores = [other.score(X) for _, other in found]
    assert [one.fitness for one in policy.front_] == scores
    assert scores == sorted(set(scores))
    assert [size for size, _ in found] == [one.n_enabled for one in policy.front_]
    assert scores[-1] == policy.score(X)
    assert scores[-1] > 450
    assert found[0][0] == 0
    assert scores[0] < 50  # without a connection nothing is balanced


def test_judging_the_front_plays_half_as_much_as_the_search_at_most():
    class Counted(NSGA2Policy):
        def _judged_again(self, genes, X):
            before = self.history_[-1]["env_steps"]
            found = super()._judged_again(genes, X)
            self.judged = (self.history_[-1]["env_steps"] - before) / 7 / count_of(genes)
            self.genomes = count_of(genes)
            return found

    X = EnvSet("Pendulum-v1", np.arange(200), {"max_episode_steps": 7})  # no episode ends before its time
    policy = Counted(population=16, generations=15, random_state=0).fit(X)
    assert policy.judged == min(CONFIRMED, max(FIRST, 15 * 16 * 2 // (2 * policy.genomes)))
    assert policy.judged < CONFIRMED
