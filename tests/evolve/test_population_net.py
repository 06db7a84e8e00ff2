"""PopulationNet: its gradients, the devices it moves to, threads, and a population trained at once."""

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from neuroloom.core import NotSupportedError
from neuroloom.core.seeding import stream
from neuroloom.evolve import NEAT, Connection, Genome, NEATConfig, Node, PopulationNet
from neuroloom.evolve.functions import ACTIVATIONS, AGGREGATIONS
from neuroloom.evolve.phenotypes import Phenotypes
from neuroloom.evolve.population import pack_genomes
from tests.evolve.genomes import genomes

SLOW = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
NUMBERS = ("weight", "bias", "response")


def rows(*shape, seed=0):
    return torch.tensor(stream(seed, "rows").uniform(-2, 2, shape), dtype=torch.float32)


def gradients(net, X):
    """Return the loss by weights, biases and responses; each output counts by a factor of its own."""
    out = net(X)
    factors = torch.tensor(stream(1, "factors").normal(size=out.shape), dtype=out.dtype)
    return torch.autograd.grad(
        (out * factors).sum(), [getattr(net, name) for name in NUMBERS], materialize_grads=True
    )


def both(population, X, **changes):
    """Return the gradients by the kernel, and in torch's operations in double precision."""
    phenotypes = Phenotypes(pack_genomes(population), population[0].inputs, population[0].outputs, **changes)
    fused = gradients(PopulationNet(phenotypes, train_response=True), X)
    exact = PopulationNet(phenotypes, train_response=True, fused=False).double()
    return fused, gradients(exact, X.double())


def check_close(found, wanted, owner_scale=2e-5):
    for a, b in zip(found, wanted, strict=True):
        scale = max(1.0, b.abs().max().item()) if b.numel() else 1.0
        assert (a.double() - b).abs().max().item() < owner_scale * scale if b.numel() else True


ROUGH = {"step", "sign", "inv", "log", "relu", "clamped", "abs", "hat", "lelu", "ramp"}
SMOOTH = tuple(name for name in ACTIVATIONS if name not in ROUGH)


@SLOW
@given(
    st.lists(genomes(inputs=3, outputs=2, activations=SMOOTH, aggregations=("sum", "product", "mean")), min_size=1,
             max_size=4),
    st.sampled_from([1, 2, 255, 256, 300]),
    st.booleans(),
)  # fmt: skip
def test_gradients_of_the_kernel_are_torchs(population, n, own):
    X = rows(len(population), n, 3) if own else rows(n, 3)
    fused, exact = both(population, X)
    assume(all(bool(g.isfinite().all()) and (not g.numel() or g.abs().max() < 1e3) for g in exact))
    _, near = both(
        population, X * (1 + 3e-6)
    )  # no sample at a clipped argument's edge, where single precision falls
    assume(
        all(
            not a.numel() or (a - b).abs().max() < 0.05 * max(1.0, a.abs().max())
            for a, b in zip(exact, near, strict=True)
        )
    )
    check_close(fused, exact, 1e-4)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_the_slope_of_every_activation(name):
    genome = Genome(1, 1, (Node(0, 0.0, 1.0, name),), (Connection(0, -1, 0, 1.0),))
    grid = np.setdiff1d(
        np.round(np.linspace(-6, 6, 241) + 0.0125, 4), []
    )  # kinks and jumps lie between the points
    X = torch.tensor(np.append(grid, [11.3, 11.9, -11.3, -11.9, 20.0, -20.0, 0.0]), dtype=torch.float32)
    fused, exact = both([genome] * len(X), X[:, None, None])  # a genome for each point
    for a, b in zip(fused, exact, strict=True):
        off = (a.double() - b).abs() / (1 + b.abs() + X.abs())
        assert off.max() < 1e-4, X[off.argmax()]


@pytest.mark.parametrize("name", AGGREGATIONS)
@pytest.mark.parametrize("fan", [0, 1, 2, 3, 4, 5, 9])
def test_gradients_of_every_aggregation_at_every_fan_in(name, fan):
    nodes = (
        Node(0, 0.3, 0.7, "tanh", name),
        Node(1, 0.1, 0.5, "identity"),
        *(Node(2 + k) for k in range(fan)),
    )
    conns = [Connection(k, -k - 1, 2 + k, 0.4 + 0.1 * k) for k in range(fan)]
    conns += [Connection(20 + k, 2 + k, 0, 0.3 + (k * 0.37) % 1.1) for k in range(fan)]
    fused, exact = both([Genome(9, 2, nodes, tuple(conns))], rows(30, 9))
    check_close(fused, exact)
    assert len(fused[0]) == 2 * fan


def test_of_equal_terms_the_first_takes_the_slope():
    for name in ("max", "min", "maxabs"):
        node = (Node(0, 0.0, 1.0, "identity", name),)
        genome = Genome(2, 1, node, (Connection(0, -1, 0, 1.0), Connection(1, -2, 0, 1.0)))
        for found in both([genome], torch.ones(1, 2)):
            assert [value != 0 for value in found[0].tolist()] == [True, False]


def test_gradcheck_of_both_ways():
    engine = NEAT(NEATConfig(3, 2, population=6, hidden=4, initial_connection="full_direct"), 4)
    X = rows(5, 3)
    for fused in (False, True):
        net = PopulationNet(engine.phenotypes(), train_response=True, fused=fused)
        kind = torch.float32 if fused else torch.float64
        net = net.to(kind)
        values = [getattr(net, name).detach().clone().requires_grad_() for name in NUMBERS]

        def compute(*given, net=net, kind=kind):
            return torch.func.functional_call(net, dict(zip(NUMBERS, given, strict=True)), (X.to(kind),))

        if not fused:
            assert torch.autograd.gradcheck(compute, values)
            assert torch.autograd.gradgradcheck(compute, values, atol=1e-4)
            continue
        with pytest.warns(UserWarning, match="is not a double precision floating point"):
            assert torch.autograd.gradcheck(compute, values, eps=1e-2, atol=2e-2, rtol=2e-2, nondet_tol=0.0)


def test_threads_and_blocks_of_genomes_change_no_bit():
    engine = NEAT(NEATConfig(3, 2, population=37, hidden=5, initial_connection="full_direct"), 1)
    X = rows(300, 3)
    one = gradients(PopulationNet(Phenotypes(engine.genes, 3, 2), train_response=True), X)
    two = gradients(PopulationNet(Phenotypes(engine.genes, 3, 2, threads=2), train_response=True), X)
    assert all(torch.equal(a, b) for a, b in zip(one, two, strict=True))


def test_the_kernel_has_no_second_derivative_and_says_so():
    net = NEAT(NEATConfig(3, 2, population=4), 0).ask()
    with pytest.raises(NotSupportedError, match=r"no second derivative.*fused=False"):
        torch.autograd.grad(net(rows(5, 3)).sum(), net.weight, create_graph=True)


def test_gradients_by_the_inputs():
    net = NEAT(NEATConfig(3, 2, population=4, hidden=2), 0).ask()
    X = rows(5, 3).requires_grad_()
    slope = torch.autograd.grad(net(X)[2, :, 1].sum(), X)[0]
    moved = X.detach() + torch.tensor([0.0, 1e-2, 0.0])
    back = X.detach() - torch.tensor([0.0, 1e-2, 0.0])
    wanted = (net(moved) - net(back))[2, :, 1] / 2e-2
    assert slope[:, 1].numpy() == pytest.approx(wanted.detach().numpy(), abs=5e-3)


def test_weights_changed_between_the_passes_are_refused_as_torch_does():
    net = NEAT(NEATConfig(3, 2, population=4), 0).ask()
    out = net(rows(5, 3)).sum()
    with torch.no_grad():
        net.weight.add_(1.0)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        out.backward()


def test_responses_are_trained_and_written_back_on_request():
    engine = NEAT(NEATConfig(2, 1, population=5, hidden=2), 0)
    assert [name for name, _ in PopulationNet(engine.phenotypes()).named_parameters()] == ["weight", "bias"]
    net = PopulationNet(engine.phenotypes(), train_response=True)
    assert [name for name, _ in net.named_parameters()] == ["weight", "bias", "response"]
    X = rows(20, 2)
    loss = net(X).square().sum()
    loss.backward()
    with torch.no_grad():
        net.response -= 0.01 * net.response.grad
    assert net(X).square().sum() < loss
    genes = net.to_genes()
    assert not np.array_equal(genes.response, engine.genes.response)
    assert net.genome(3).activate(X.numpy()) == pytest.approx(net(X)[3].detach().numpy(), abs=1e-5)


def tensors(value, seen=None):
    """Yield every tensor that can be reached from a module."""
    seen = set() if seen is None else seen
    if id(value) in seen or isinstance(value, Phenotypes):
        return
    seen.add(id(value))
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from tensors(part, seen)
    elif isinstance(value, list | tuple | set):
        for part in value:
            yield from tensors(part, seen)
    elif hasattr(value, "__dict__"):
        yield from tensors(vars(value), seen)


def test_no_sample_at_all():
    for fused in (True, False):
        net = PopulationNet(NEAT(NEATConfig(3, 2, population=4), 0).phenotypes(), fused=fused)
        for shape in ((0, 3), (4, 0, 3)):
            out = net(torch.zeros(shape))
            assert out.shape == (4, 0, 2)
            out.sum().backward()
        assert net.weight.grad.abs().sum() == 0


def test_every_tensor_moves_with_the_module():
    population = [
        Genome(9, 2, (Node(0, 0.0, 1.0, "tanh", name), Node(1, 0.0, 1.0, "sin"), Node(2)),
               (*(Connection(k, -k - 1, k % 3, 1.0) for k in range(5)), Connection(9, 2, 0, 1.0)))
        for name in AGGREGATIONS
    ]  # fmt: skip
    net = PopulationNet(Phenotypes(pack_genomes(population), 9, 2)).to("meta")
    assert {t.device.type for t in tensors(net)} == {"meta"}
    assert len(list(tensors(net))) > 10
    for shape in ((4, 9), (len(population), 4, 9)):
        out = net(torch.zeros(shape))  # on no data, but an index that stayed behind would be an error
        assert out.device.type == "meta"
        assert out.shape == (len(population), 4, 2)
    out.sum().backward()
    assert net.weight.grad.device.type == "meta"
    with torch.device("meta"):
        assert PopulationNet(Phenotypes(pack_genomes(population), 9, 2)).weight.device.type == "meta"


def test_a_population_trained_at_once_descends():
    engine = NEAT(NEATConfig(3, 1, population=30, hidden=4, initial_connection="full_direct"), 0)
    X = rows(200, 3)
    y = torch.sin(X[:, 0]) * X[:, 1]
    net = engine.ask()
    adam = torch.optim.Adam(net.parameters(), lr=0.02)
    first = (net(X)[:, :, 0] - y).square().mean(1).detach()
    for _ in range(150):
        losses = (net(X)[:, :, 0] - y).square().mean(1)
        adam.zero_grad()
        losses.sum().backward()
        adam.step()
    assert (losses < 0.9 * first).all()
    assert losses.min() < 0.6 * y.var()
    again = net.genome(int(losses.argmin())).activate(X.numpy())[:, 0]
    assert np.mean((again - y.numpy()) ** 2) == pytest.approx(losses.min().item(), rel=0.1)
