"""Nets of tokens: what they read of a text, and what they do not; n-grams against scikit-learn's."""

import re

import numpy as np
import pytest
import torch
from sklearn.feature_extraction.text import TfidfVectorizer

from neuroloom.core import InputError
from neuroloom.core.tokens import token_batch
from neuroloom.methods import build
from neuroloom.methods.ngrams import NGramFeatures
from neuroloom.nets import (
    CNNClassifier,
    CNNTokenClassifier,
    ConvLSTMClassifier,
    ConvLSTMTokenClassifier,
    ConvNeXtClassifier,
    ConvNeXtTokenClassifier,
    FCNClassifier,
    FCNTokenClassifier,
    GRUTokenClassifier,
    GRUTokenRegressor,
    InceptionTimeClassifier,
    InceptionTimeTokenClassifier,
    LSTMTokenClassifier,
    MCNNClassifier,
    MCNNTokenClassifier,
    ResNetClassifier,
    ResNetTokenClassifier,
    TCNClassifier,
    TCNTokenClassifier,
    TransferClassifier,
    TransformerTokenClassifier,
    TransformerTokenFeatures,
    summary,
)
from neuroloom.tasks import open_task
from neuroloom.tasks.texts import is_nested

SMALL = {"embedding": 8, "epochs": 3, "random_state": 0}


def _order(n=300, seed=0):
    """Texts with one 1 and one 2 among other tokens: which comes first?"""
    rng = np.random.default_rng(seed)
    X = rng.integers(3, 9, (n, 12))
    ends = rng.integers(6, 13, n)
    y = np.empty(n, dtype=int)
    for i, end in enumerate(ends):
        a, b = rng.choice(end, 2, replace=False)
        X[i, a], X[i, b], X[i, end:] = 1, 2, 0
        y[i] = a < b
    return X, y


@pytest.mark.parametrize(
    "made",
    [
        CNNTokenClassifier((8, 8), 1, **SMALL),
        TCNTokenClassifier(8, **SMALL),
        GRUTokenClassifier(8, **SMALL),
        LSTMTokenClassifier(8, bidirectional="concatenate", pooling="attention", **SMALL),
        TransformerTokenClassifier(8, 2, 1, **SMALL),
        FCNTokenClassifier((4, 4), (5, 3), **SMALL),
        ResNetTokenClassifier((4, 4), **SMALL),
        InceptionTimeTokenClassifier(4, (5, 3), 3, members=1, **SMALL),
        ConvNeXtTokenClassifier((4, 8), (1, 1), patch=1, **SMALL),
        MCNNTokenClassifier(4, 3, width=8, **SMALL),
        ConvLSTMTokenClassifier(4, patch=3, **SMALL),
    ],
    ids=lambda m: type(m).__name__,
)
def test_padding_is_not_read_and_strange_tokens_are_one(made):
    X, y = _order(80)
    made.fit(X * 1000, y)  # whole numbers with gaps
    np.testing.assert_array_equal(made.vocabulary_, np.arange(1, 9) * 1000)
    rows = np.flatnonzero((X > 0).sum(1) == 8)[:3]
    alone = made.predict_proba(X[rows, :8] * 1000)
    np.testing.assert_allclose(made.predict_proba(X * 1000)[rows], alone, atol=1e-5)
    longer = np.pad(X[rows] * 1000, ((0, 0), (0, 5)))
    np.testing.assert_allclose(made.predict_proba(longer), alone, atol=1e-5)
    changed = X[rows, :8] * 1000
    changed[:, 7] = 7777
    strange = made.predict_proba(changed)
    assert np.abs(strange - alone).max() > 1e-6
    changed[:, 7] = 123_456
    np.testing.assert_array_equal(made.predict_proba(changed), strange)
    assert np.isfinite(made.predict_proba(np.zeros((1, 4), dtype=int))).all()  # an empty text
    with pytest.raises(InputError, match="at most 12 tokens, but got one of 13"):
        made.predict(np.ones((1, 13), dtype=int))


def test_a_net_of_tokens_learns_what_comes_first():
    (X, y), (X_test, y_test) = _order(400), _order(200, 1)
    net = GRUTokenClassifier(
        16, embedding=8, epochs=25, learning_rate=0.02, token_dropout=0.0, random_state=0
    )
    assert net.fit(X, y).score(X_test, y_test) > 0.95
    bag, _ = build("ngrams+logreg", "tokens", "classification", {"ngrams": {"longest": 1}}, random_state=0)
    assert bag.fit(X, y).score(X_test, y_test) < 0.6  # the words alone do not tell
    moved = TransferClassifier(net, "head", epochs=25, learning_rate=0.05, random_state=0)
    assert moved.fit(X[:100], 1 - y[:100]).score(X_test, 1 - y_test) > 0.9
    length = (X > 0).sum(1).astype(float)
    made = GRUTokenRegressor(16, embedding=8, epochs=25, learning_rate=0.02, random_state=0).fit(X, length)
    assert made.score(X_test, (X_test > 0).sum(1)) > 0.9


def test_features_and_the_summary_of_a_net_of_tokens():
    X, y = _order(60)
    net = TransformerTokenFeatures(8, 2, 1, **SMALL).fit(X, y)
    assert net.transform(X).shape == (60, 8)
    frame = summary(net)
    assert frame.kind[0] == "Embedding"
    assert frame.parameters[0] == (8 + 2) * 8


@pytest.mark.parametrize(
    "made",
    [
        CNNClassifier((4, 4), 2, epochs=2, random_state=0),
        TCNClassifier(4, epochs=2, random_state=0),
        FCNClassifier((4, 4), (5, 3), epochs=2, random_state=0),
        ResNetClassifier((4, 4), epochs=2, random_state=0),
        InceptionTimeClassifier(2, (7, 3), 4, members=1, epochs=2, random_state=0),
        ConvNeXtClassifier((4, 8), (1, 1), patch=1, epochs=2, random_state=0),
        MCNNClassifier(4, 3, width=8, epochs=2, random_state=0),
        ConvLSTMClassifier(4, patch=4, bidirectional="concatenate", epochs=2, random_state=0),
    ],
    ids=lambda m: type(m).__name__,
)
@pytest.mark.parametrize("end", [7, 12, 15])
def test_a_padded_series_is_answered_as_the_series_that_it_is(made, end):
    X = np.random.default_rng(1).normal(size=(30, 2, 16))
    made.fit(X, np.arange(30) % 2)
    padded = X.copy()
    padded[4, :, end:] = np.nan
    found = made.predict_proba(padded)
    others = np.arange(30) != 4
    np.testing.assert_allclose(found[others], made.predict_proba(X)[others], atol=1e-6)
    with torch.inference_mode():
        alone = made.torch_module()(torch.from_numpy(made._scaled(X[4:5, :, :end])))
    np.testing.assert_allclose(found[4], torch.softmax(alone, 1)[0].numpy(), atol=1e-5)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.ones((3, 2, 2), dtype=int), r"shape \(n, length\)"),
        (np.array([[1, 0, 2], [1, 2, 3]]), "in text 0 tokens follow it"),
        (np.array([[1, -2]]), "at least 0"),
        (np.array([[0.5, 1.0]]), "whole numbers"),
        (np.array([[np.nan, 1.0]]), "whole numbers"),
        (np.array([["a", "b"]]), "whole numbers"),
        (np.zeros((3, 2), dtype=int), "no token at all"),
    ],
)
def test_what_is_no_text_is_said(X, message):
    with pytest.raises(InputError, match=message):
        GRUTokenClassifier().fit(X, np.arange(len(X)))


def test_lists_of_unequal_length_are_padded_and_augmentation_is_refused():
    np.testing.assert_array_equal(token_batch([[3, 1], [2], []]), [[3, 1], [2, 0], [0, 0]])
    np.testing.assert_array_equal(token_batch(np.array([[1.0, 2.0]])), [[1, 2]])
    X, y = _order(20)
    with pytest.raises(InputError, match="token_dropout"):
        CNNTokenClassifier(augment=("shift",)).fit(X, y)


def test_ngrams_are_those_of_scikit_learn():
    X, _ = _order(40)
    X = np.where(X == 8, 3, X)

    def analyzer(text):
        whole = ["edge", *map(str, text[text > 0]), "edge"]
        grams = [" ".join(whole[i : i + n]) for n in (1, 2, 3) for i in range(len(whole) - n + 1)]
        return [gram for gram in grams if gram != "edge"]

    theirs = TfidfVectorizer(analyzer=analyzer, sublinear_tf=True).fit(list(X[:30]))
    ours = NGramFeatures(3, 100_000).fit(X[:30])
    names = [name.replace("_", " ") for name in ours.get_feature_names_out()]
    order = [theirs.vocabulary_[name] for name in names]
    assert sorted(order) == list(range(len(theirs.vocabulary_)))
    np.testing.assert_allclose(ours.transform(X), theirs.transform(list(X)).toarray()[:, order], atol=1e-12)
    assert len(NGramFeatures(2, 7).fit(X).grams_) == 7


def test_brackets_are_nested_or_not_and_counts_do_not_tell():
    data = open_task("brackets").load(3)
    assert (data.y == "nested").sum() == 500
    for row, label in zip(data.X[:200], data.y[:200], strict=True):
        text = "".join(".()[]"[t] for t in row if t)
        left = text
        while (shorter := re.sub(r"\(\)|\[\]", "", left)) != left:
            left = shorter
        assert (left == "") == (label == "nested") == is_nested(row[row > 0].tolist())
        assert text.count("(") == text.count(")")
        assert text.count("[") == text.count("]")


def test_docstrings_are_sentences_of_the_library():
    task = open_task("docstrings")
    data = task.load()
    assert data.X.shape == (len(data.y), 24)
    assert len(data.y) > 1000
    assert set(data.y) == {
        "asyncio",
        "email",
        "http",
        "importlib",
        "logging",
        "multiprocessing",
        "unittest",
        "xml",
    }
    assert ((data.X > 0).sum(1) >= 4).all()
    assert len({tuple(row) for row in data.X.tolist()}) == len(data.X)
    counts = np.bincount(data.X.ravel())[1:]
    assert (np.diff(counts) <= 0).all()  # numbered by how often they stand there
    np.testing.assert_array_equal(token_batch(data.X), data.X)
    assert task.fingerprint() == open_task(task.spec).fingerprint()
