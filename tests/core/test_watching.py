"""Those who watch are told of every epoch, may end a training, and read back what was written."""

import io
import sys

import numpy as np
import pytest
import torch

from neuroloom.core import InputError
from neuroloom.core.training import TrainConfig, train
from neuroloom.core.watching import MLflow, ProgressLine, TensorBoard, Watcher, watched
from neuroloom.nets import MLPClassifier


def _learn(epochs=3, **more):
    net = torch.nn.Linear(1, 1, bias=False).double()
    return train(net, lambda n, _: n.weight.sum(), config=TrainConfig(epochs, learning_rate=0.1), **more)


def test_every_training_in_the_block_is_told_of():
    seen = []

    class Eyes(Watcher):
        def begin(self, epochs):
            seen.append(f"begin {epochs}")

        def __call__(self, progress):
            seen.append(progress.epoch)

        def end(self):
            seen.append("end")

    _learn()
    with watched(Eyes()), watched(lambda p: seen.append(p.loss)):
        first = _learn(2)
        _learn(1, progress=lambda p: seen.append("own"))
    _learn()
    losses = [h["loss"] for h in first.history]
    assert seen[:6] == ["begin 2", 1, losses[0], 2, losses[1], "end"]
    assert seen[6:9] == ["begin 1", "own", 1]
    assert seen[-1] == "end"
    assert len(seen) == 11


def test_a_true_answer_ends_the_training_and_an_error_is_an_end_too():
    told = []
    with watched(told.append, lambda p: p.epoch == 2):
        assert _learn(9).epochs.tolist() == [2]
        assert _learn(9).epochs.tolist() == [2]
    assert [p.epoch for p in told] == [1, 2, 1, 2]

    class Counting(Watcher):
        ended = 0

        def end(self):
            self.ended += 1

    counting = Counting()
    with pytest.raises(ZeroDivisionError), watched(counting):
        _learn(progress=lambda p: 1 / 0)
    assert counting.ended == 1


def test_the_line_tells_loss_and_score():
    shown = io.StringIO()
    with watched(ProgressLine("cnn", shown)):
        _learn(4, valid=lambda n: torch.tensor(0.25))
    assert shown.getvalue().startswith("cnn: 4 of 4 epochs (100%)")
    assert "loss " in shown.getvalue()
    assert shown.getvalue().rstrip().endswith("score 0.25")


def test_tensorboard_reads_what_was_written(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    with watched(TensorBoard(tmp_path)):
        results = [_learn(2, valid=lambda n: n.weight.sum()), _learn(3)]
    for number, result in enumerate(results):
        events = EventAccumulator(str(tmp_path / f"training-{number}")).Reload()
        assert [e.step for e in events.Scalars("loss")] == [1, 2, 3][: 2 + number]
        assert [e.value for e in events.Scalars("loss")] == pytest.approx([h["loss"] for h in result.history])
        assert ("score" in events.Tags()["scalars"]) == (number == 0)


def test_what_cannot_watch_is_named(monkeypatch, tmp_path):
    with pytest.raises(InputError, match="must be a function of the progress or a Watcher"), watched(Watcher):
        pass
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with (
        pytest.raises(InputError, match="needs tensorboard, which is not installed"),
        watched(TensorBoard(tmp_path)),
    ):
        _learn()


@pytest.fixture
def tracked(tmp_path, monkeypatch):
    """Give a function that reads what MLflow's files hold: runs, each (name, status, params, tags, numbers)."""
    tracking = pytest.importorskip("mlflow.tracking")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")

    def read(experiment):
        client = tracking.MlflowClient(tracking_uri=(tmp_path / "ml").as_uri())
        found = client.get_experiment_by_name(experiment)
        runs = client.search_runs([found.experiment_id], order_by=["attributes.start_time ASC"])
        return [
            (
                run.info.run_name,
                run.info.status,
                run.data.params,
                run.data.tags,
                {
                    name: [(m.step, m.value) for m in client.get_metric_history(run.info.run_id, name)]
                    for name in run.data.metrics
                },
            )
            for run in runs
        ]

    return read


@pytest.mark.slow
def test_mlflow_has_every_training_as_a_run(tmp_path, tracked, monkeypatch):
    import os

    monkeypatch.delenv("MLFLOW_ALLOW_FILE_STORE")
    X, y = np.random.default_rng(0).normal(size=(60, 5)), np.arange(60) % 2
    net = MLPClassifier(hidden=(4,), epochs=5, random_state=0)
    with watched(MLflow(tmp_path / "ml", name="small", params={"a b<c": "x" * 9000, "n": 3})):
        net.fit(X, y)
        net.fit(X, y)
    assert "MLFLOW_ALLOW_FILE_STORE" not in os.environ
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    runs = tracked("neuroloom")
    assert sorted(run[0] for run in runs) == ["small", "small 2"]
    for _, status, params, _, numbers in runs:
        assert status == "FINISHED"
        assert params["n"] == "3"
        assert len(params["a b_c"]) == 5000
        assert numbers["loss"] == [(r["step"], pytest.approx(r["loss"])) for r in net.history_]


@pytest.mark.slow
def test_mlflow_has_every_trial_of_a_bench(tmp_path, tracked):
    import neuroloom

    bench = {"name": "tracked", "seeds": 1, "folds": 2, "tasks": ["iris", "karate"], "methods": ["mlp"]}
    bench["method"] = {"mlp": {"epochs": 3}}
    for _ in range(2):  # a second run has nothing to add
        results = neuroloom.run(bench, tmp_path / "run", engine="inline", mlflow=tmp_path / "ml")
    runs = {(r[2]["task"], r[2]["fold"]): r for r in tracked("tracked")}
    frame = results.frame()
    assert len(runs) == len(tracked("tracked")) == 3
    for fold in (0, 1):
        name, status, params, tags, numbers = runs["iris", str(fold)]
        rows = frame[(frame["task"] == "iris") & (frame["fold"] == fold)].set_index("metric")
        assert (name, status) == (f"mlp on iris, seed 0, fold {fold}", "FINISHED")
        assert params["settings.epochs"] == "3"
        assert tags["status"] == "done"
        assert numbers["accuracy"] == [(0, rows.loc["accuracy", "value"])]
        assert [step for step, _ in numbers["curve.loss"]] == [1, 2, 3]
    assert runs["karate", "0"][3]["status"] == "skipped"
    assert "mlp takes" in runs["karate", "0"][3]["reason"]


def test_a_bench_goes_on_when_mlflow_is_lost(tmp_path, tracked, monkeypatch):
    import neuroloom
    from neuroloom.core.watching import Tracker

    def lost(*_):
        raise OSError("no answer from http://me:s3cret@host/mlflow")

    monkeypatch.setattr(Tracker, "begin", lost)
    bench = {"name": "lost", "seeds": 1, "folds": 2, "tasks": ["wine"], "methods": ["dummy"]}
    with pytest.warns(
        RuntimeWarning, match=r"MLflow takes no more trials .*me:\*\*\*@host.* the run goes on"
    ):
        results = neuroloom.run(bench, tmp_path / "run", engine="inline", mlflow=tmp_path / "ml")
    assert (results.main()["status"] == "done").sum() == 2


def test_a_missing_mlflow_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "mlflow.tracking", None)
    with pytest.raises(InputError, match=r"pip install \"neuroloom\[mlflow\]\""):
        MLflow(tmp_path).begin(3)
