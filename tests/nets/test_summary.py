"""A net's layers, counted by hand."""

import numpy as np
import pytest

from neuroloom.core import InputError
from neuroloom.nets import (
    ConvLSTMClassifier,
    LeNetClassifier,
    LSTMClassifier,
    MGUClassifier,
    MLPClassifier,
    ResNetClassifier,
    TCNRegressor,
    TransformerClassifier,
    summary,
)

PICTURES, SERIES = (
    np.random.default_rng(0).normal(size=(20, 1, 32, 32)),
    np.random.default_rng(0).normal(size=(20, 3, 8)),
)


@pytest.mark.parametrize(("form", "second"), [("full", 10 * 10 * 16 * 150), ("1998", 10 * 10 * 25 * 60)])
def test_multiply_adds_of_lenet(form, second):
    net = LeNetClassifier(form=form, epochs=1, random_state=0).fit(PICTURES, np.arange(20) % 10)
    found = summary(net)
    wanted = [28 * 28 * 6 * 25, second, 16 * 25 * 120, 120 * 84, 84 * 10]
    assert found[found.multiply_adds > 0].multiply_adds.tolist() == wanted
    assert found.attrs["multiply_adds"] == sum(wanted)
    assert found.parameters.sum() == found.attrs["parameters"] == (61_706 if form == "full" else 60_850)
    assert found["shape"].iloc[0] == (6, 28, 28)


def test_multiply_adds_of_recurrence_and_attention():
    y = np.arange(20) % 2
    lstm = summary(
        LSTMClassifier(5, 2, bidirectional="sum", pooling="mean", epochs=1, random_state=0).fit(SERIES, y)
    )
    assert lstm.multiply_adds.tolist() == [8 * 2 * 4 * 5 * (3 + 5), 8 * 2 * 4 * 5 * (5 + 5), 5 * 2]
    mgu = summary(MGUClassifier(5, pooling="mean", epochs=1, random_state=0).fit(SERIES, y))
    assert mgu.multiply_adds.tolist() == [8 * 2 * 5 * (3 + 5), 5 * 2]
    frames = ConvLSTMClassifier(2, patch=4, kernel=3, pooling="last", epochs=1, random_state=0)
    assert summary(frames.fit(SERIES, y)).multiply_adds.tolist() == [2 * 4 * 3 * 8 * (3 + 2), 8 * 2]
    made = TransformerClassifier(4, 2, 1, patch=2, epochs=1, random_state=0).fit(SERIES, y)
    table = summary(made).set_index("kind").multiply_adds
    assert table["AttentionBlock"] == 2 * 4 * 4 * 4
    assert table["Linear"].sum() == 4 * (6 * 4 + 4 * 12 + 4 * 4 + 4 * 16 + 16 * 4) + 4 * 2


@pytest.mark.parametrize(
    "made",
    [
        ResNetClassifier((2, 4), 1, epochs=1),
        TCNRegressor(2, epochs=1),
        MGUClassifier(2, epochs=1),
        ConvLSTMClassifier(2, epochs=1),
        TransformerClassifier(4, 2, 1, epochs=1),
    ],
    ids=lambda made: type(made).__name__,
)
def test_every_parameter_has_its_row(made):
    made.random_state = 0
    found = summary(made.fit(SERIES, np.arange(20) % 2))
    assert found.parameters.sum() == found.attrs["parameters"] == made.n_parameters_


def test_others_are_refused():
    with pytest.raises(InputError, match="got MLPClassifier"):
        summary(MLPClassifier())
