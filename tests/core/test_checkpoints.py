"""Trainings that were killed go on where they were kept, and end on the same weights to the last bit."""

import signal
from pathlib import Path

import numpy as np
import pytest
import torch

from neuroloom.core import Graph, GraphSet, InputError, LinkSet, NodeSet
from neuroloom.core import checkpoints as kept
from neuroloom.core.checkpoints import checkpoints
from neuroloom.core.training import OPTIMIZERS, TrainConfig, train
from neuroloom.core.watching import watched
from neuroloom.graphs import (
    GATNodeClassifier,
    GCNLinkClassifier,
    GINGraphClassifier,
    GRANDNodeClassifier,
    GraphSAGENodeClassifier,
)
from neuroloom.nets import GAN, CNNClassifier

N = 30
SCRIPT = """
import os, signal, sys
import numpy as np
from neuroloom.core import checkpoints as kept
from tests.core.test_checkpoints import fresh_net, problem

write, written = kept.Kept.write, []

def killed(self, *args):
    write(self, *args)
    written.append(1)
    if len(written) == 9:  # in the second of two members of six epochs
        os.kill(os.getpid(), signal.SIGKILL)

kept.Kept.write = killed
with kept.checkpoints(sys.argv[1], seconds=0):
    fresh_net().fit(*problem())
"""


def problem():
    rng = np.random.default_rng(0)
    y = np.arange(40) % 2
    return rng.normal(size=(40, 1, 24)) + 0.8 * y[:, None, None] * np.sin(np.arange(24)), y


def fresh_net(**changes):
    """Return a net with all that draws or remembers: dropout, batch norm, augmentation, held-out samples, members."""
    settings = {
        "filters": (4, 6),
        "epochs": 6,
        "batch_size": 7,
        "members": 2,
        "early_stopping": True,
        "augment": ("mixup", "noise"),
        "schedule": "plateau",
        "random_state": 5,
    }
    return CNNClassifier(**{**settings, **changes})


def _same(first, second):
    assert [sorted(w) for w in first.weights_] == [sorted(w) for w in second.weights_]
    for ours, theirs in zip(first.weights_, second.weights_, strict=True):
        for name, value in ours.items():
            np.testing.assert_array_equal(value, theirs[name])
    for ours, theirs in zip(first.history_, second.history_, strict=True):
        assert {**ours, "seconds": 0} == {**theirs, "seconds": 0}


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_a_killed_process_goes_on_to_the_same_weights(tmp_path, run_until_killed):
    whole = fresh_net().fit(*problem())
    run_until_killed(SCRIPT, tmp_path / "kept")
    assert sorted(p.name for p in (tmp_path / "kept").iterdir()) == ["training-0.pt", "training-1.pt"]
    steps = []
    with checkpoints(tmp_path / "kept", seconds=0):
        counted = torch.autograd.grad
        torch.autograd.grad = lambda *a, **k: steps.append(1) or counted(*a, **k)
        try:
            again = fresh_net().fit(*problem())
        finally:
            torch.autograd.grad = counted
    _same(whole, again)
    assert (
        3 * 5 <= len(steps) < 3 * 5 + 6
    )  # three epochs of the twelve were left (and a look at the gradients)
    assert not (tmp_path / "kept").exists()


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer_goes_on(optimizer, tmp_path):
    X = torch.from_numpy(np.random.default_rng(1).normal(size=(N, 3)))

    def run(stop=None, samples=None):
        torch.manual_seed(0)
        net = torch.nn.Sequential(
            torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.Dropout(0.3)
        ).double()

        def tell(progress):
            if progress.epoch == stop:
                raise KeyboardInterrupt

        config = TrainConfig(5, 8, optimizer, 0.05, schedule="step", every=2)
        result = train(net, lambda n, rows: n(X[rows]).square().mean(), config=config, n_samples=N, seed=2,
                       valid=lambda n: -n(X).square().mean(), progress=tell, samples=samples)  # fmt: skip
        return net.state_dict(), result

    whole, told = run()
    with pytest.raises(KeyboardInterrupt), checkpoints(tmp_path, seconds=0):
        run(stop=4, samples="mine")
    assert [p.name for p in tmp_path.iterdir()] == ["training-0.pt"]
    with checkpoints(tmp_path, seconds=0):
        again, retold = run(samples="mine")
    for name, value in whole.items():
        assert torch.equal(value, again[name]), name
    assert retold.kept == told.kept
    assert [h["score"] for h in retold.history] == [h["score"] for h in told.history]


@pytest.mark.filterwarnings("ignore::neuroloom.nets.gan.CollapseWarning")
def test_a_gan_goes_on_to_the_same_weights(tmp_path, monkeypatch):
    X, y = np.random.default_rng(0).normal(size=(60, 3)), np.arange(60) % 2
    net = {"noise": 2, "hidden": (6,), "batch_size": 20, "epochs": 10, "conditional": True, "random_state": 1}
    whole = GAN(**net).fit(X, y)
    put, steps = kept.Kept.put, []

    def stopped(self, made, said):
        put(self, made, said)
        if said["step"] == 20:
            raise KeyboardInterrupt

    monkeypatch.setattr(kept.Kept, "put", stopped)
    with pytest.raises(KeyboardInterrupt), checkpoints(tmp_path, seconds=0):
        GAN(**net).fit(X, y)
    monkeypatch.setattr(kept.Kept, "put", lambda self, made, said: steps.append(said["step"]))
    with checkpoints(tmp_path, seconds=0):
        again = GAN(**net).fit(X, y)
    assert steps == list(range(21, 31))
    for name, value in whole.weights_.items():
        np.testing.assert_array_equal(value, again.weights_[name])
    assert [h["loss"] for h in whole.history_] == [h["loss"] for h in again.history_]
    np.testing.assert_array_equal(whole.sample(5, y=1), again.sample(5, y=1))
    assert not tmp_path.exists()
    monkeypatch.setattr(kept.Kept, "put", stopped)
    with pytest.raises(KeyboardInterrupt), checkpoints(tmp_path, seconds=0):
        GAN(**net).fit(X, y)
    with pytest.raises(InputError, match="other samples, settings or seeds"), checkpoints(tmp_path):
        GAN(**{**net, "random_state": 2}).fit(X, y)


def test_a_network_of_whole_graphs_goes_on_to_the_same_weights(tmp_path):
    draws = np.random.default_rng(0)
    pairs = [draws.integers(0, 6, (8, 2)) for _ in range(24)]
    X = GraphSet([Graph.of(np.vstack([edges, [[0, 5]]])) for edges in pairs])
    y = np.arange(24) % 2
    net = {"hidden": 8, "epochs": 6, "batch_size": 8, "random_state": 0}
    whole = GINGraphClassifier(**net).fit(X, y)

    def stop(progress):
        if progress.epoch == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), checkpoints(tmp_path, seconds=0), watched(stop):
        GINGraphClassifier(**net).fit(X, y)
    assert [p.name for p in tmp_path.iterdir()] == ["training-0.pt"]
    with checkpoints(tmp_path, seconds=0), watched(lambda p: seen.append(p.epoch)) as _:
        seen = []
        again = GINGraphClassifier(**net).fit(X, y)
    assert min(seen) == 3
    np.testing.assert_array_equal(whole.predict_proba(X), again.predict_proba(X))
    for ours, theirs in zip(whole.history_, again.history_, strict=True):
        assert {**ours, "seconds": 0} == {**theirs, "seconds": 0}


def _ring(n=60):
    edges = [(i, (i + 1) % n) for i in range(n)] + [(i, (i + 7) % n) for i in range(0, n, 3)]
    features = np.random.default_rng(1).normal(size=(n, 4))
    return Graph.of(np.array(edges), features=features)


@pytest.mark.parametrize(
    ("make", "changes"),
    [
        (GATNodeClassifier, {}),
        (GraphSAGENodeClassifier, {"batch_size": 11, "neighbours": 2}),
        (GRANDNodeClassifier, {}),
        (GCNLinkClassifier, {"parts": 3}),
    ],
)
def test_a_network_of_nodes_or_links_goes_on_to_the_same_weights(make, changes, tmp_path):
    graph = _ring()
    if make is GCNLinkClassifier:
        pairs = np.array(
            [[i, (i + 2) % 60] for i in range(0, 60, 2)] + [[i, (i + 5) % 60] for i in range(30)]
        )
        X, y = LinkSet(graph, pairs), np.arange(60) < 30
    else:
        X, y = NodeSet(graph, np.arange(55)), np.arange(55) % 2
    net = {"epochs": 7, "random_state": 0, **changes}
    whole = make(**net).fit(X, y)

    def stop(progress):
        if progress.epoch == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), checkpoints(tmp_path, seconds=0), watched(stop):
        make(**net).fit(X, y)
    seen = []
    with checkpoints(tmp_path, seconds=0), watched(lambda p: seen.append(p.epoch)):
        again = make(**net).fit(X, y)
    assert min(seen) == 5
    np.testing.assert_array_equal(whole.predict_proba(X), again.predict_proba(X))
    with pytest.raises(KeyboardInterrupt), checkpoints(tmp_path, seconds=0), watched(stop):
        make(**net).fit(X, y)
    with pytest.raises(InputError, match="other samples"), checkpoints(tmp_path):
        make(**net).fit(X, ~y if y.dtype == bool else 1 - y)


def test_what_was_kept_of_something_else_is_refused(tmp_path):
    X, y = problem()

    net = fresh_net(members=1, epochs=1)
    with checkpoints(tmp_path, seconds=0) as keeper:
        net.fit(X, y)
        keeper.paths.clear()  # as if killed right after the last epoch
    for changed, samples in ((fresh_net(members=1, epochs=2), X), (fresh_net(members=1, epochs=1), X**3),
                             (fresh_net(members=1, epochs=1, augment=()), X)):  # fmt: skip
        with (
            pytest.raises(InputError, match="other samples, settings or seeds; remove"),
            checkpoints(tmp_path),
        ):
            changed.fit(samples, y)
    (tmp_path / "training-0.pt").write_bytes(b"nothing")
    with (
        pytest.raises(InputError, match=r"is no checkpoint .*; remove it to begin anew"),
        checkpoints(tmp_path),
    ):
        net.fit(X, y)
    with pytest.raises(InputError, match="need a folder"), checkpoints(tmp_path / "training-0.pt"):
        pass


def test_before_it_is_time_nothing_is_written_and_the_end_always_is(tmp_path):
    seen = []
    with checkpoints(tmp_path / "kept", seconds=3600):
        config = TrainConfig(3)
        net = torch.nn.Linear(1, 1)
        train(net, lambda n, _: n.weight.sum(), config=config, samples="mine",
              progress=lambda _: seen.append((tmp_path / "kept").exists()))  # fmt: skip
        assert (tmp_path / "kept" / "training-0.pt").exists()
    assert seen == [False] * 3
    assert not (tmp_path / "kept").exists()


def test_fit_keeps_and_goes_on_by_the_command(tmp_path, monkeypatch):
    from typer.testing import CliRunner

    from neuroloom.cli import app
    from neuroloom.methods.saving import load_estimator

    X, y = problem()
    np.savez(tmp_path / "waves.npz", X=X, y=y)
    monkeypatch.chdir(tmp_path)
    given = [
        "fit",
        "cnn",
        "waves.npz",
        "--param",
        "epochs=3",
        "--param",
        "filters=[4]",
        "--checkpoint",
        "kept",
    ]
    assert CliRunner().invoke(app, [*given, "--out", "whole"]).exit_code == 0
    assert not Path("kept").exists()
    write = kept.Kept.write

    def stopped(self, run, generators, beside, epoch, *rest):
        write(self, run, generators, beside, epoch, *rest)
        if epoch == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(kept.Kept, "write", stopped)
    monkeypatch.setattr(kept.Keeper, "next", _often(kept.Keeper.next))
    assert CliRunner().invoke(app, [*given, "--out", "again"]).exit_code != 0
    assert Path("kept", "training-0.pt").exists()
    monkeypatch.setattr(kept.Kept, "write", write)
    assert CliRunner().invoke(app, [*given, "--out", "again"]).exit_code == 0
    assert not Path("kept").exists()
    (whole, _), (again, _) = load_estimator(Path("whole")), load_estimator(Path("again"))
    np.testing.assert_array_equal(whole.predict_proba(X), again.predict_proba(X))
    said = CliRunner().invoke(app, ["fit", "wavelets", "waves.npz", "--checkpoint", "kept", "--out", "other"])
    assert "wavelets keeps no checkpoints" in said.output


def _often(following):
    """Let a keeper write after every epoch."""

    def wrapped(self):
        self.seconds = 0.0
        return following(self)

    return wrapped
