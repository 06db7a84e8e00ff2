"""Those who watch are told of every epoch, may end a training, and read back what was written."""

import io
import sys

import pytest
import torch

from neuroloom.core import InputError
from neuroloom.core.training import TrainConfig, train
from neuroloom.core.watching import ProgressLine, TensorBoard, Watcher, watched


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
