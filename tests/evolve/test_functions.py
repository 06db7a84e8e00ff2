"""Functions of one's own: registered, evolved with, computed by torch, saved by name."""

import math
import subprocess
import sys

import numpy as np
import pytest
import torch

from neuroloom.core import EnvSet, InputError
from neuroloom.evolve import NEAT, Connection, Genome, NEATClassifier, NEATConfig, NEATPolicy, Node, functions
from neuroloom.evolve.functions import activation_code, register_activation, register_aggregation
from neuroloom.evolve.phenotypes import Phenotypes, as_samples
from neuroloom.evolve.population import pack_genomes

X = np.random.default_rng(0).uniform(-2, 2, (7, 2))


@pytest.fixture(autouse=True)
def own(monkeypatch):
    monkeypatch.setattr(functions, "_own_activations", {})
    monkeypatch.setattr(functions, "_own_aggregations", {})
    register_activation("sinc", torch.sinc)
    register_activation("bump", lambda z: math.exp(-z * z), scalar=True)
    register_aggregation("norm", lambda terms: terms.square().sum(0).sqrt())


def genome(activation="sinc", aggregation="norm"):
    nodes = (Node(0, 0.1, 1.0, "tanh"), Node(1, 0.2, 0.5, activation, aggregation))
    ends = [(-1, 1), (-2, 1), (1, 0), (-1, 0)]
    return Genome(2, 1, nodes, tuple(Connection(k, *e, 0.5 + k) for k, e in enumerate(ends)))


def by_hand(x, activation=np.sinc, aggregate=lambda terms: np.sqrt((terms**2).sum(0))):
    hidden = activation(0.2 + 0.5 * aggregate(np.stack([0.5 * x[:, 0], 1.5 * x[:, 1]])))
    return np.tanh(2.5 * (0.1 + 2.5 * hidden + 3.5 * x[:, 0]))[:, None]


def test_worked_by_hand_in_every_way_to_compute():
    plain = Genome(2, 1, (Node(0),), (Connection(0, -1, 0, 1.0),))
    bump = genome("bump", "sum")
    phenotypes = Phenotypes(pack_genomes([plain, genome(), bump]), 2, 1)
    assert phenotypes.own_rows.tolist() == [1, 2]
    wanted = [
        plain.activate(X),
        by_hand(X),
        by_hand(X, lambda z: np.exp(-(z**2)), lambda terms: terms.sum(0)),
    ]
    out = phenotypes.activate(as_samples(X, 2))
    lanes = phenotypes.activate_own(as_samples(np.tile(X, (3, 1)), 2), np.array([0, 7, 14, 21]))
    for g, own in enumerate((plain, genome(), bump)):
        assert own.activate(X) == pytest.approx(wanted[g], abs=1e-9)
        assert out[g].T == pytest.approx(wanted[g], abs=1e-5)
        assert lanes[:, 7 * g : 7 * g + 7].T == pytest.approx(wanted[g], abs=1e-5)
        assert own.to_torch()(torch.tensor(X, dtype=torch.float32)).detach().numpy() == pytest.approx(
            wanted[g], abs=1e-5
        )
    assert phenotypes.score_error(as_samples(X, 2), as_samples(wanted[1], 1))[1] == pytest.approx(0, abs=1e-9)
    likely = phenotypes.score_likelihood(as_samples(X, 2), np.ones(7, np.int64))
    assert likely[1] == pytest.approx(-np.log1p(np.exp(-wanted[1])).mean(), abs=1e-5)


def test_own_functions_have_gradients():
    net = genome().to_torch().double()
    given = torch.tensor(X)
    assert torch.autograd.gradcheck(
        lambda w: torch.func.functional_call(net, {"net.weight": w}, (given,)),
        net.net.weight.detach().clone().requires_grad_(),
    )


CONFIG = {
    "population": 30, "activation_default": "random", "activation_options": ("tanh", "sinc", "bump"),
    "activation_mutate_rate": 0.2, "aggregation_options": ("sum", "norm"), "aggregation_mutate_rate": 0.2,
    "node_add_prob": 0.5,
}  # fmt: skip


def fitness(outputs, y):
    return -np.abs(outputs[:, :, 0] - y).mean(axis=1)


def test_evolution_uses_them_and_goes_on_from_a_file(tmp_path):
    y = np.sinc(X[:, 0])
    engine = NEAT(NEATConfig(2, 1, **CONFIG), 0)
    engine.run(fitness, 6, X, y)
    used = {node.activation for own in engine.genomes for node in own.nodes}
    assert used == {"tanh", "sinc", "bump"}
    assert "norm" in {node.aggregation for own in engine.genomes for node in own.nodes}
    best = engine.best_genome_
    assert fitness(best.activate(X)[None], y)[0] == pytest.approx(best.fitness, abs=1e-5)
    engine.save(tmp_path / "run")
    genomes = list(engine.genomes)
    functions._own_activations.clear()
    with pytest.raises(InputError, match=r"'(sinc|bump)' is not known.*register_activation\("):
        NEAT.load(tmp_path / "run")
    register_activation("bump", lambda z: math.exp(-z * z), scalar=True)  # now with other codes
    register_activation("sinc", torch.sinc)
    assert activation_code("bump") == functions.OWN
    again = NEAT.load(tmp_path / "run")
    assert again.genomes == genomes
    assert again.best_genome_ == best
    again.run(fitness, 3, X, y)
    assert again.generation == 9


def test_learning_and_estimators_use_them():
    y = (np.sinc(X[:, 0]) > 0).astype(int)
    model = NEATClassifier(population=20, generations=4, activations=("sinc",), node_add_prob=0.9, random_state=0,
                           learning="lamarckian").fit(X, y)  # fmt: skip
    plain = NEATClassifier(
        population=20, generations=4, activations=("sinc",), node_add_prob=0.9, random_state=0
    ).fit(X, y)
    assert model.history_[-1]["score"] > plain.history_[-1]["score"]
    assert "sinc" in {node.activation for node in model.best_genome_.nodes}


def test_a_policy_with_its_own_activation_plays_by_torch():
    policy = NEATPolicy(population=5, generations=1, activations="sinc", random_state=0, episodes=1,
                        settings={"hidden": 2})  # fmt: skip
    policy.fit(EnvSet("CartPole-v1", np.arange(2)))
    assert policy.predict(EnvSet("CartPole-v1", np.arange(2))).mean() == policy.history_[-1]["score"]
    assert "sinc" in {node.activation for node in policy.best_genome_.nodes}
    register_activation(
        "sinc", lambda z: torch.sin(torch.pi * z) / (torch.pi * z)
    )  # the same, written otherwise
    again = NEATPolicy(**policy.get_params()).fit(EnvSet("CartPole-v1", np.arange(2)))
    assert again.history_[-1]["score"] == policy.history_[-1]["score"] > 5


def test_json_holds_the_name_and_loading_without_registration_says_so(tmp_path):
    (tmp_path / "genome.json").write_text(genome().to_json())
    script = (
        "import sys; from neuroloom.evolve import Genome\n"
        "try: Genome.from_json(open(sys.argv[1]).read())\n"
        "except ValueError as error: print(error)"
    )
    found = subprocess.run(
        [sys.executable, "-c", script, tmp_path / "genome.json"], capture_output=True, text=True
    )
    assert "activation 'sinc' is not known" in found.stdout
    assert "must be registered first: register_activation('sinc', function)" in found.stdout
    assert Genome.from_json(genome().to_json()) == genome()


def test_says_what_cannot_be_registered_or_computed():
    with pytest.raises(InputError, match="'tanh' is a built-in activation"):
        register_activation("tanh", torch.tanh)
    with pytest.raises(InputError, match="must be an identifier, but got 'my sine'"):
        register_activation("my sine", torch.sin)
    with pytest.raises(InputError, match="the aggregation 'range' must be a function, but got int"):
        register_aggregation("range", 3)
    register_activation("flat", lambda z: z.sum())
    with pytest.raises(InputError, match=r"must return a tensor of shape \(7,\), but returned \(\)"):
        genome("flat").activate(X)
    register_activation("number", lambda z: 1.0)
    with pytest.raises(InputError, match=r"returned float; if it takes and returns numbers.*scalar=True"):
        genome("number").activate(X)
    for k in range(functions.OWN - 4):
        register_activation(f"f{k}", torch.sin)
    with pytest.raises(InputError, match="no more than 128 activations"):
        register_activation("one_more", torch.sin)
