"""Gradient within a generation: what is learnt, what is inherited, and that it is the same every time."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_wine, make_friedman1

from neuroloom.core import InputError
from neuroloom.evolve import NEAT, NEATClassifier, NEATConfig, NEATRegressor
from neuroloom.evolve.learning import Learning
from neuroloom.evolve.population import pack_genomes
from tests.evolve.genomes import chain

X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=float)
Y = np.array([0.0, 1.0, 1.0, 0.0])


def fitness(outputs, y):
    return -((outputs[:, :, 0] - y) ** 2).mean(1)


def error(outputs):
    return ((outputs[:, :, 0] - torch.tensor(Y, dtype=torch.float32)) ** 2).mean(1)


def engine(seed=0, **changes):
    return NEAT(NEATConfig(2, 1, population=40, node_add_prob=0.3, conn_add_prob=0.3, **changes), seed)


def test_one_step_is_adams():
    """Adam's first step is the rate against the gradient's sign, whatever its size."""
    genes = pack_genomes([chain(0, "identity"), chain(1, "identity")])
    config = NEATConfig(1, 1)
    samples = np.array([[1.0], [2.0]])
    learning = Learning("lamarckian", lambda out: (out[:, :, 0] - 9).square().mean(1), samples, 1, 0.1)
    found = learning.train(genes, config)
    assert found.weight == pytest.approx(genes.weight + 0.1, abs=1e-5)
    assert found.bias == pytest.approx(genes.bias + 0.1, abs=1e-5)


def test_learning_never_makes_a_network_worse():
    run = engine()
    run.run(fitness, 8, X, Y)
    before = fitness(run.activate(X), Y)
    learning = Learning("lamarckian", error, X, 5, 3.0)  # far too large a step for most
    after = fitness(NEAT._compile(run, learning.train(run.genes, run.config)).activate(
        X.T.astype(np.float32)).transpose(0, 2, 1), Y)  # fmt: skip
    assert (after >= before - 1e-6).all()
    assert (after > before + 1e-3).any()


def test_weights_stay_within_their_bounds():
    run = engine(weight_max_value=1.0, weight_min_value=-1.0, bias_max_value=0.5, bias_min_value=-0.5)
    found = Learning("lamarckian", error, X, 50, 0.5).train(run.genes, run.config)
    assert np.abs(found.weight).max() == 1.0
    assert np.abs(found.bias).max() == 0.5


def test_lamarck_writes_back_and_baldwin_does_not():
    runs = {}
    for rule in (None, "lamarckian", "baldwinian"):
        runs[rule] = engine()
        runs[rule].run(fitness, 1, X, Y, learning=rule)
    assert np.array_equal(runs["baldwinian"].genes.weight, runs[None].genes.weight)
    assert not np.array_equal(runs["lamarckian"].genes.weight, runs[None].genes.weight)
    assert np.array_equal(runs["lamarckian"].fitness, runs["baldwinian"].fitness)
    assert runs["baldwinian"].fitness.max() > runs[None].fitness.max()
    best = runs["baldwinian"].best_genome_  # the network after learning
    assert fitness(best.activate(X)[None], Y)[0] == pytest.approx(best.fitness, abs=1e-5)


def test_each_step_counts_as_an_evaluation():
    run = engine()
    run.run(fitness, 2, X, Y, learning="baldwinian", learning_steps=4)
    assert [entry["evaluations"] for entry in run.history_] == [40 * 5, 40 * 10]


@pytest.mark.parametrize("rule", ["lamarckian", "baldwinian"])
def test_the_same_on_any_number_of_threads(rule):
    found = []
    before = torch.get_num_threads()
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            run = NEAT(NEATConfig(2, 1, population=40, node_add_prob=0.3), 0, threads=threads)
            run.run(fitness, 6, X, Y, learning=rule)
            assert torch.get_num_threads() == threads
            found.append(run)
    finally:
        torch.set_num_threads(before)
    assert np.array_equal(found[0].genes.weight, found[1].genes.weight)
    assert np.array_equal(found[0].fitness, found[1].fitness)


def test_blocks_do_not_matter(monkeypatch):
    run = engine()
    run.run(fitness, 6, X, Y)
    learning = Learning("lamarckian", error, X, 3, 0.05)
    whole = learning.train(run.genes, run.config)
    monkeypatch.setattr("neuroloom.evolve.learning._BLOCK", 64)
    parts = learning.train(run.genes, run.config)
    assert parts.weight == pytest.approx(whole.weight, abs=1e-4)
    assert parts.bias == pytest.approx(whole.bias, abs=1e-4)


def test_resumes_bit_for_bit():
    whole = engine()
    whole.run(fitness, 6, X, Y, learning="lamarckian")
    first = engine()
    first.run(fitness, 3, X, Y, learning="lamarckian")
    second = NEAT.from_state(first.state())
    second.run(fitness, 3, X, Y, learning="lamarckian")
    assert np.array_equal(whole.genes.weight, second.genes.weight)
    assert whole.history_[-1]["score"] == second.history_[-1]["score"]


def test_an_exploding_network_leaves_the_others_alone():
    run = engine(activation_default="exp", activation_options=("exp",), weight_init_stdev=20.0)
    found = Learning("lamarckian", error, X * 1e6, 5, 0.1).train(run.genes, run.config)
    assert np.isfinite(found.weight).all()
    assert np.isfinite(found.bias).all()


def test_a_loss_of_its_own_and_trained_networks_told():
    run = engine()
    run.run(lambda out, y: (4 - np.abs(out[:, :, 0] - y).sum(1)) ** 2, 3, X, Y, learning="lamarckian",
            loss=lambda out, y: (out[:, :, 0] - y).square().mean(1))  # fmt: skip
    assert run.history_[-1]["score"] > 8
    net = run.ask()
    with torch.no_grad():
        net.weight.add_(0.25)
    run.tell(np.arange(40), net)
    assert np.array_equal(run.genes.weight, net.to_genes().weight)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"learning": "darwin"}, "`learning` must be one of"),
        (
            {"learning": "lamarckian", "learning_steps": 0},
            "`learning_steps` must be a whole number of at least 1",
        ),
        ({"learning": "lamarckian", "learning_rate": 0.0}, "`learning_rate`"),
        ({"learning": "lamarckian", "X": None}, "learning needs the samples `X`"),
        (
            {"learning": "lamarckian", "loss": lambda out, y: out.detach().numpy()[:, 0, 0]},
            "torch can differ",
        ),
        ({"learning": "lamarckian", "loss": lambda out, y: out.mean()}, r"the loss must have shape \(40,\)"),
        ({"learning": "lamarckian", "fitness": lambda out, y: np.abs(out[:, :, 0]).sum(1)}, "torch can diff"),
    ],
)
def test_says_what_cannot_be_learnt(changes, message):
    given = {"fitness": fitness, "X": X, "y": Y} | changes
    with pytest.raises(InputError, match=message):
        engine().run(generations=2, **given)


def test_estimators_learn_in_fewer_generations():
    data = {
        NEATClassifier: load_wine(return_X_y=True),
        NEATRegressor: make_friedman1(200, noise=1.0, random_state=0),
    }
    small = {"population": 30, "generations": 5, "random_state": 0}
    for model, (rows, y) in data.items():
        plain, lamarck, baldwin = (
            model(**small, learning=rule).fit(rows, y) for rule in (None, "lamarckian", "baldwinian")
        )
        assert lamarck.score(rows, y) > baldwin.score(rows, y) - 1e-9 > plain.score(rows, y) + 0.05
    again = model(**small, learning="lamarckian").fit(rows, y)
    assert np.array_equal(again.predict(rows), lamarck.predict(rows))
    two = NEATClassifier(**small, learning="lamarckian").fit(rows, np.where(y > np.median(y), "high", "low"))
    assert two.score(rows, np.where(y > np.median(y), "high", "low")) > 0.85


def test_learning_is_the_array_engines():
    with pytest.raises(InputError, match="`learning` needs engine='array', but got engine='neat-python'"):
        NEATClassifier(learning="lamarckian", engine="neat-python").fit(X, Y > 0)
