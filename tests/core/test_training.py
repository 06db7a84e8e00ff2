from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from neuroloom.core.errors import InputError
from neuroloom.core.seeding import stream
from neuroloom.core.training import OPTIMIZERS, DivergenceWarning, TrainConfig, train

N = 37


def _data() -> tuple[Any, Any]:
    generator = np.random.default_rng(3)
    X = generator.normal(size=(N, 3))
    return torch.from_numpy(X), torch.from_numpy(np.sin(X[:, :1] * 2) + X[:, 1:2] * X[:, 2:])


def _plain(seed: int = 0) -> Any:
    generator = torch.Generator().manual_seed(seed)
    net = torch.nn.Sequential(torch.nn.Linear(3, 7), torch.nn.Tanh(), torch.nn.Linear(7, 1)).double()
    with torch.no_grad():
        for p in net.parameters():
            p.copy_(torch.randn(p.shape, generator=generator, dtype=p.dtype) * 0.5)
    return net


class Stack(torch.nn.Module):  # type: ignore[misc]
    """Several of `_plain` in one, and a buffer a member that counts what it was trained on."""

    def __init__(self, members: list[Any]) -> None:
        super().__init__()
        states = [m.state_dict() for m in members]
        for name, key in (("w1", "0.weight"), ("b1", "0.bias"), ("w2", "2.weight"), ("b2", "2.bias")):
            setattr(self, name, torch.nn.Parameter(torch.stack([s[key] for s in states])))
        self.register_buffer("seen", torch.zeros(len(members), dtype=torch.float64))

    def forward(self, X: Any) -> Any:
        if self.training:
            self.seen = self.seen + 1
        hidden = torch.tanh(torch.baddbmm(self.b1[:, None], X, self.w1.mT))
        return torch.baddbmm(self.b2[:, None], hidden, self.w2.mT)


def _stack_loss(net: Any, rows: Any) -> Any:
    X, y = _data()
    if rows is None:
        return ((net(X.expand(len(net.w1), -1, -1)) - y) ** 2).mean((1, 2))
    weight = (rows >= 0).double()[..., None]
    return (weight * (net(X[rows]) - y[rows]) ** 2).sum((1, 2)) / weight.sum((1, 2))


def _plain_loss(net: Any, rows: Any) -> Any:
    X, y = _data()
    return ((net(X) - y) ** 2).mean() if rows is None else ((net(X[rows]) - y[rows]) ** 2).mean()


def _states_equal(a: Any, b: Any, tolerance: float = 1e-12) -> bool:
    return all(
        torch.allclose(p, q, rtol=0, atol=tolerance)
        for p, q in zip(a.parameters(), b.parameters(), strict=True)
    )


class _Lion:
    """Algorithm 2 of Chen et al. (2023), line by line, at β = (0.9, 0.999)."""

    def __init__(self, parameters: list[Any], rate: float, decay: float) -> None:
        self.parameters, self.rate, self.decay = parameters, rate, decay
        self.m = [torch.zeros_like(p) for p in parameters]

    def zero_grad(self) -> None:
        for p in self.parameters:
            p.grad = None

    def step(self) -> None:
        for i, p in enumerate(self.parameters):
            c = 0.9 * self.m[i] + 0.1 * p.grad
            p.data = p.data - self.rate * (torch.sign(c) + self.decay * p.data)
            self.m[i] = 0.999 * self.m[i] + 0.001 * p.grad


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_numbers_are_those_of_a_loop_written_by_hand(name: str) -> None:
    rate, decay = 0.02, 0.1
    ours, theirs = _plain(), _plain()
    optim = torch.optim
    hand = {
        "sgd": lambda p: optim.SGD(p, rate, weight_decay=decay),
        "momentum": lambda p: optim.SGD(p, rate, momentum=0.9, weight_decay=decay),
        "nesterov": lambda p: optim.SGD(p, rate, momentum=0.9, nesterov=True, weight_decay=decay),
        "adam": lambda p: optim.Adam(p, rate, weight_decay=decay),
        "adamw": lambda p: optim.AdamW(p, rate, weight_decay=decay),
        "nadam": lambda p: optim.NAdam(p, rate, weight_decay=decay),
        "radam": lambda p: optim.RAdam(p, rate, weight_decay=decay),
        "rmsprop": lambda p: optim.RMSprop(p, rate, momentum=0.9, weight_decay=decay),
        "adagrad": lambda p: optim.Adagrad(p, rate, weight_decay=decay),
        "adadelta": lambda p: optim.Adadelta(p, rate, weight_decay=decay),
        "adamax": lambda p: optim.Adamax(p, rate, weight_decay=decay),
        "lion": lambda p: _Lion(list(p), rate, decay),
    }[name](theirs.parameters())
    generator, history = stream(5, "batches"), []
    for _ in range(12):
        order, total = generator.permutation(N), 0.0
        for part in (order[:12], order[12:24], order[24:]):  # 37 samples at 15 make batches of 12, 12 and 13
            hand.zero_grad()
            loss = _plain_loss(theirs, torch.from_numpy(part))
            loss.backward()
            torch.nn.utils.clip_grad_norm_(theirs.parameters(), 0.8)
            hand.step()
            total += loss.item()
        history.append(total / 3)
    config = TrainConfig(12, 15, name, rate, decay, clip_norm=0.8)
    result = train(ours, _plain_loss, config=config, n_samples=N, seed=5)
    assert _states_equal(ours, theirs)
    assert [h["loss"] for h in result.history] == pytest.approx(history, rel=1e-10)
    assert [h["step"] for h in result.history] == list(range(1, 13))


def test_members_of_a_stack_are_trained_as_if_alone() -> None:
    rates, decays, seeds = [0.003, 0.05, 0.02], [0.0, 0.3, 0.1], [4, 9, 11]
    stack = Stack([_plain(s) for s in seeds])
    kept = train(stack, _stack_loss, config=TrainConfig(15, 10, "nadam", rates, decays, clip_norm=0.5),
                 n_samples=N, seed=seeds, jobs=3)  # fmt: skip
    for j, seed in enumerate(seeds):
        alone = _plain(seed)
        one = train(alone, _plain_loss, config=TrainConfig(15, 10, "nadam", rates[j], decays[j], clip_norm=0.5),
                    n_samples=N, seed=seed)  # fmt: skip
        assert torch.allclose(stack.w1[j], alone[0].weight, atol=1e-11, rtol=0)
        assert kept.histories[j][-1]["loss"] == pytest.approx(one.history[-1]["loss"], rel=1e-9)


def test_jobs_with_fewer_samples_get_padded_rows() -> None:
    sizes, met = [37, 35], []

    def loss(net: Any, rows: Any) -> Any:
        met.append(rows.clone())
        return _stack_loss(net, rows)

    train(
        Stack([_plain(0), _plain(1)]), loss, config=TrainConfig(1, 10), n_samples=sizes, seed=[1, 2], jobs=2
    )
    for job, size in enumerate(sizes):
        rows = torch.cat([r[job] for r in met])
        assert sorted(rows[rows >= 0].tolist()) == list(range(size))
    assert [r.shape[1] for r in met] == [10] * 4


def test_early_stopping_ends_each_job_on_its_best_weights() -> None:
    path = [[-3.0, -1.0, -2.0, -2.0, -0.5, -9, -9, -9], [-5.0, -4.0, -3.0, -2.0, -2.0, -2.0, -2.0, -1.0]]
    stack, taken, at = Stack([_plain(0), _plain(1)]), [], iter(range(8))

    def valid(net: Any) -> Any:
        taken.append((net.w1.clone(), net.seen.clone(), net.training))
        epoch = next(at)
        return torch.tensor([path[0][epoch], path[1][epoch]])

    result = train(
        stack, _stack_loss, config=TrainConfig(8, None, learning_rate=0.1, patience=3), valid=valid, jobs=2
    )
    assert result.kept.tolist() == [5, 4]
    assert result.epochs.tolist() == [8, 7]
    assert result.scores.tolist() == [-0.5, -2.0]
    assert torch.equal(stack.w1[0], taken[4][0][0])
    assert torch.equal(stack.w1[1], taken[3][0][1])
    assert stack.seen.tolist() == [5, 4]  # buffers are put back with the weights
    assert not any(training for *_, training in taken)
    assert [len(h) for h in result.histories] == [8, 7]
    assert torch.equal(taken[6][0][1], taken[7][0][1])  # the stopped job stood still
    assert not torch.equal(taken[6][0][0], taken[7][0][0])


def test_finished_jobs_leave_the_stack_and_nothing_else_changes() -> None:
    class Bare(Stack):
        def __init__(self, members: list[Any]) -> None:
            super().__init__(members)
            del self.seen

        def forward(self, X: Any) -> Any:
            hidden = torch.tanh(torch.baddbmm(self.b1[:, None], X, self.w1.mT))
            return torch.baddbmm(self.b2[:, None], hidden, self.w2.mT)

    seeds, ends, sizes = [3, 4, 5, 6, 7], torch.tensor([4, 9, 2, 30, 4]), [37, 36, 37, 35, 37]
    results = []
    for shrinking in (False, True):
        stack, held, rows_seen = Bare([_plain(s) for s in seeds]), [ends], []

        def valid(net: Any, held: Any = held) -> Any:
            held.append(held[-1])
            return torch.minimum(torch.tensor(float(len(held) - 1)), held[-1].double())  # rises until `ends`

        def cut(rows: Any, held: Any = held) -> None:
            held.append(held.pop()[rows])

        def loss(net: Any, rows: Any, seen: Any = rows_seen) -> Any:
            seen.append(len(rows))
            return _stack_loss(net, rows)

        config = TrainConfig(25, 10, "adam", [0.01, 0.02, 0.03, 0.01, 0.05], 0.01, patience=3)
        done = train(stack, loss, config=config, n_samples=sizes, seed=seeds, valid=valid, jobs=5,
                     shrink=cut if shrinking else None)  # fmt: skip
        results.append((stack, done, rows_seen))
    (whole, a, all_rows), (small, b, fewer_rows) = results
    assert set(all_rows) == {5}
    assert sorted(set(fewer_rows)) == [1, 2, 5]
    assert a.epochs.tolist() == b.epochs.tolist() == [7, 12, 5, 25, 7]
    assert a.kept.tolist() == b.kept.tolist() == [4, 9, 2, 25, 4]
    assert _states_equal(whole, small)
    assert small.w1.shape == (5, 7, 3)
    for one, other in zip(a.histories, b.histories, strict=True):
        assert [r["loss"] for r in one] == pytest.approx([r["loss"] for r in other], rel=1e-9)


def test_min_epochs_puts_stopping_off() -> None:
    config = TrainConfig(20, patience=2, min_epochs=9)
    result = train(_plain(), _plain_loss, config=config, valid=lambda net: torch.tensor(0.0))
    assert result.epochs.tolist() == [9]
    assert result.kept.tolist() == [1]


def test_a_diverging_job_stops_alone_with_its_best_weights_and_a_warning() -> None:
    stack, alone, seen = Stack([_plain(0), _plain(1)]), _plain(1), []

    def loss(net: Any, rows: Any) -> Any:
        value = _stack_loss(net, rows)
        seen.append(net.w1.detach().clone())
        return value * torch.tensor([math.inf if len(seen) == 6 else 1.0, 1.0]).double()

    with pytest.warns(
        DivergenceWarning,
        match=r"of job 0 \(of 2\) diverged in epoch 6.*after epoch 5.*lower `learning_rate`",
    ):
        result = train(stack, loss, config=TrainConfig(30, learning_rate=0.01), jobs=2)
    train(alone, _plain_loss, config=TrainConfig(30, learning_rate=0.01))
    assert result.diverged.tolist() == [True, False]
    assert result.epochs.tolist() == [6, 30]
    assert torch.equal(stack.w1[0], seen[5][0])
    assert torch.allclose(stack.w1[1], alone[0].weight, atol=1e-12, rtol=0)
    assert torch.isfinite(stack.w1).all()


def test_a_hopeless_learning_rate_is_reported() -> None:
    net = _plain()
    before = copy.deepcopy(net)
    with pytest.warns(DivergenceWarning, match=r"diverged in epoch \d+.*now 1e\+200"):
        result = train(net, _plain_loss, config=TrainConfig(9, 5, "sgd", 1e200), n_samples=N)
    assert result.diverged.all()
    assert result.kept.tolist() == [0]
    assert _states_equal(net, before, 0.0)


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("none", [1, 1, 1, 1]),
        ("cosine", [1, (1 + math.cos(math.pi / 4)) / 2, 0.5, (1 + math.cos(3 * math.pi / 4)) / 2]),
        ("flat-cosine", [1, 1, 1, 0.5]),
        ("linear", [1, 0.75, 0.5, 0.25]),
        ("exponential", [1, 0.5, 0.25, 0.125]),
        ("step", [1, 1, 0.5, 0.5]),
        ("piecewise", [1, 0.5, 0.5, 0.25]),
        ("power", [1, 1.5**-0.5, 2**-0.5, 2.5**-0.5]),
        (
            "plateau",
            [1, 1, 1, 0.5],
        ),  # scores do not improve after epoch 1: two epochs of waiting end with epoch 3
    ],
)
def test_schedules(schedule: str, expected: list[float]) -> None:
    net = torch.nn.Linear(1, 1, bias=False).double()
    path = [net.weight.detach().item()]

    def valid(net: Any) -> Any:
        path.append(net.weight.detach().item())
        return torch.tensor(0.0)

    config = TrainConfig(4, None, "sgd", 0.1, schedule=schedule, decay=0.5, every=2, milestones=(1, 3))
    train(net, lambda net, rows: net.weight.sum(), config=config, valid=valid)
    assert -np.diff(path) / 0.1 == pytest.approx(np.array(expected), abs=1e-12)


def test_one_cycle_is_torchs_own() -> None:
    net = torch.nn.Linear(1, 1, bias=False).double()
    path = [net.weight.detach().item()]
    config = TrainConfig(100, None, "sgd", 0.1, schedule="one-cycle")
    train(net, lambda net, rows: net.weight.sum(), config=config,
          progress=lambda p: path.append(net.weight.detach().item()))  # fmt: skip
    rates = -np.diff(path)
    assert rates[0] == pytest.approx(0.1 / 25)
    assert rates.argmax() == 30
    assert rates.max() == pytest.approx(0.1)
    assert rates[-1] < 1e-4
    other = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], 0.1)
    theirs = torch.optim.lr_scheduler.OneCycleLR(other, 0.1, total_steps=102, cycle_momentum=False)
    wanted = []
    for _ in range(100):
        wanted.append(other.param_groups[0]["lr"])
        other.step()
        theirs.step()
    assert np.abs(rates - wanted).max() < 0.004  # torch counts its steps from 0 to total - 1


def test_scales_by_parameter() -> None:
    net = _plain()
    before = copy.deepcopy(net)
    train(
        net,
        lambda net, rows: 0 * sum(p.sum() for p in net.parameters()),
        config=TrainConfig(1, None, "adamw", 0.1, 0.5),
        rate_scale={"0.weight": 0.5},
        decay_scale={"0.bias": 0.0},
    )
    shrunk = [(p / q).mean().item() for p, q in zip(net.parameters(), before.parameters(), strict=True)]
    assert shrunk == pytest.approx([1 - 0.025, 1.0, 1 - 0.05, 1 - 0.05])
    with pytest.raises(InputError, match=r"no trainable parameter is called 'nope'"):
        train(net, _plain_loss, config=TrainConfig(1), rate_scale={"nope": 1.0})


def test_random_layers_follow_the_seed_and_leave_torchs_generator_alone() -> None:
    nets = [_plain() for _ in range(3)]

    def run(seed: int) -> Any:
        net = torch.nn.Sequential(nets.pop(), torch.nn.Dropout(0.5))
        train(net, _plain_loss, config=TrainConfig(5, 10, learning_rate=0.01), n_samples=N, seed=seed)
        return net

    state = torch.get_rng_state()
    a = run(3)
    assert torch.equal(torch.get_rng_state(), state)
    assert _states_equal(a, run(3), 0.0)
    assert not _states_equal(a, run(4), 1e-6)


def test_a_projection_follows_every_step() -> None:
    net, seen = torch.nn.Linear(1, 1, bias=False).double(), []

    def project() -> None:
        with torch.no_grad():
            net.weight.clamp_(min=0.25)
        seen.append(net.weight.item())

    train(net, lambda net, rows: net.weight.sum(), config=TrainConfig(30, None, "sgd", 0.2), project=project)
    assert len(seen) == 30
    assert net.weight.item() == 0.25


def test_progress_and_mode() -> None:
    net, told = _plain(), []
    net.eval()
    config = TrainConfig(3, learning_rate=0.01)
    train(net, _plain_loss, config=config, valid=lambda n: -_plain_loss(n, None), progress=told.append)
    assert [(p.epoch, p.epochs, p.running) for p in told] == [(1, 3, 1), (2, 3, 1), (3, 3, 1)]
    assert told[2].loss == pytest.approx(-told[1].score)
    assert not net.training
    assert all(p.is_contiguous() for p in net.parameters())


def test_what_the_loss_looks_at_is_renewed_and_a_true_answer_ends() -> None:
    net, order = torch.nn.Linear(1, 1, bias=False).double(), []

    def loss(net: Any, rows: Any) -> Any:
        order.append("step")
        return net.weight.sum()

    def tell(progress: Any) -> bool:
        order.append("told")
        return bool(progress.epoch == 2)

    result = train(net, loss, config=TrainConfig(9), renew=order.append, progress=tell)
    assert order == [1, "step", "told", 2, "step", "told"]
    assert result.epochs.tolist() == [2]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"epochs": 0}, r"`epochs` must be a whole number of at least 1, but got 0"),
        ({"batch_size": 0}, r"`batch_size`"),
        ({"optimizer": "adm"}, r"did you mean 'adam'"),
        ({"learning_rate": 0.0}, r"`learning_rate` must be a number in \(0, inf\)"),
        ({"learning_rate": [0.1, -1.0]}, r"`learning_rate`"),
        ({"weight_decay": -0.1}, r"`weight_decay`"),
        ({"momentum": 1.0}, r"`momentum`"),
        ({"betas": (0.9, 1.0)}, r"`betas`"),
        ({"schedule": "cosin"}, r"did you mean 'cosine'"),
        ({"decay": 0.0}, r"`decay`"),
        ({"every": 0}, r"`every`"),
        ({"clip_norm": 0.0}, r"`clip_norm`"),
        ({"patience": 0}, r"`patience`"),
        ({"min_epochs": -1}, r"`min_epochs`"),
    ],
)
def test_a_wrong_config_is_answered(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        TrainConfig(**fields)


def test_what_does_not_fit_together_is_answered() -> None:
    two = Stack([_plain(0), _plain(1)])
    with pytest.raises(InputError, match=r"there is no `valid`"):
        train(_plain(), _plain_loss, config=TrainConfig(1, patience=1))
    with pytest.raises(InputError, match=r"`n_samples` must be a whole number of at least 1, but got 0"):
        train(_plain(), _plain_loss, config=TrainConfig(1, 4))
    with pytest.raises(InputError, match=r"must have shape \(3, …\), but has \(2, 7, 3\)"):
        train(two, _stack_loss, config=TrainConfig(1), jobs=3)
    with pytest.raises(InputError, match=r"`learning_rate` must be one number or 2, one a job, but got 3"):
        train(two, _stack_loss, config=TrainConfig(1, learning_rate=[1, 1, 1]), jobs=2)
    with pytest.raises(InputError, match=r"equally many steps an epoch, but take \[3, 4\]"):
        train(two, _stack_loss, config=TrainConfig(1, 10), n_samples=[30, 31], seed=[0, 1], jobs=2)
    with pytest.raises(InputError, match=r"`seed` must be one number or 2"):
        train(two, _stack_loss, config=TrainConfig(1, 10), n_samples=30, seed=[0, 1, 2], jobs=2)
    with pytest.raises(InputError, match=r"has no trainable parameter"):
        train(torch.nn.ReLU(), _plain_loss, config=TrainConfig(1))
    mixed = torch.nn.Sequential(torch.nn.Linear(1, 1), torch.nn.Linear(1, 1).double())
    with pytest.raises(InputError, match=r"must share one type and device"):
        train(mixed, _plain_loss, config=TrainConfig(1))
