"""Texts to texts: attention by the papers' equations, searches against all paths, and what is learned."""

import itertools

import numpy as np
import pytest
import torch
from torch import nn

from neuroloom.core import InputError, NotSupportedError
from neuroloom.core.tokens import Alphabet
from neuroloom.methods.saving import load_estimator, save_estimator
from neuroloom.nets import Seq2Seq
from neuroloom.nets._layers.sequences import (
    Attention,
    Memory,
    RecurrentTranslator,
    TransformerTranslator,
    search,
)

KINDS = ("bahdanau", "luong", "none", "transformer")


def _network(kind, answers=4, dtype=torch.float64):
    torch.manual_seed(3)
    if kind == "transformer":
        made = TransformerTranslator(5, answers, 8, 2, 2, 0.0, 9)
    else:
        made = RecurrentTranslator(5, answers, 6, 8, kind, 0.0)
    return made.to(dtype).eval()


SOURCE = torch.tensor([[1, 2, 3, 4, 5], [3, 1, 0, 0, 0], [2, 2, 4, 0, 0]])


def test_attention_is_that_of_the_papers():
    rng = np.random.default_rng(0)
    h, s = rng.normal(size=(2, 5, 4)), rng.normal(size=(2, 3))
    inside = np.array([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0]], dtype=bool)
    memory = Memory(torch.from_numpy(h), torch.from_numpy(inside), ())
    for additive in (True, False):
        layer = Attention(additive, 3, 4).double()
        context, weights = layer(torch.from_numpy(s), memory)
        for i in range(2):
            if additive:  # e_j = v · tanh(W s + U h_j), appendix A.1.2 of Bahdanau et al.
                w, u, bias = layer.of_state.weight, layer.of_memory.weight, layer.of_memory.bias
                v = layer.v.weight[0].detach().numpy()
                e = [v @ np.tanh((w.detach().numpy() @ s[i]) + (u.detach().numpy() @ row) + bias.detach().numpy())
                     for row in h[i]]  # fmt: skip
            else:  # s · W h_j, eq. 8 of Luong et al.
                e = [s[i] @ (layer.of_memory.weight.detach().numpy() @ row) for row in h[i]]
            a = np.where(inside[i], np.exp(e), 0)
            a /= a.sum()
            np.testing.assert_allclose(weights[i].detach().numpy(), a, atol=1e-12)
            np.testing.assert_allclose(context[i].detach().numpy(), a @ h[i], atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_steps_are_the_whole_and_padding_is_not_read(kind):
    network = _network(kind)
    before = torch.tensor([[4, 1, 3], [4, 2, 2], [4, 0, 1]])
    whole = network(SOURCE, before)
    memory = network.begin(SOURCE)
    for t in range(3):
        logits, state, weights = network.step(before[:, t], memory)
        memory = memory._replace(state=state)
        torch.testing.assert_close(logits, whole[:, t])
        torch.testing.assert_close(weights.sum(1), torch.ones(3, dtype=torch.float64))
        assert weights[1, 2:].abs().max() == 0
    alone = network(SOURCE[1:2, :2], before[1:2])
    torch.testing.assert_close(alone, whole[1:2])


def test_a_decoder_block_sees_no_later_token():
    network = _network("transformer")
    before = torch.tensor([[4, 1, 3, 2]])
    first = network(SOURCE[:1], before)
    before[0, 2] = 1
    again = network(SOURCE[:1], before)
    torch.testing.assert_close(first[:, :2], again[:, :2])
    assert (first[:, 2:] - again[:, 2:]).abs().min() > 0


def _log_probability(network, source, path, longest):
    """Log-probability of a path (with its end, if it has one) by the whole forward pass."""
    ended = [*path, 0][: longest + 1]
    before = torch.tensor([[network.out.out_features, *ended[:-1]]])
    each = torch.log_softmax(network(source, before), dim=2)[0].detach()
    return float(sum(each[t, token] for t, token in enumerate(ended)))


@pytest.mark.parametrize("kind", ["luong", "transformer"])
@pytest.mark.parametrize("penalty", [0.0, 1.0])
def test_a_beam_as_wide_as_all_paths_finds_the_best_and_a_narrow_one_is_greedy(kind, penalty):
    network, longest = _network(kind), 3
    network.out.weight.data *= 4  # so that paths differ
    network.out.bias.data[0] -= 1.0
    paths = [p for n in range(longest + 1) for p in itertools.product((1, 2, 3), repeat=n)]
    for row in range(3):
        source = SOURCE[row : row + 1]
        scores = {
            p: _log_probability(network, source, p, longest) / ((5 + len(p) + 1) / 6) ** penalty
            for p in paths
        }
        best = max(scores, key=scores.get)
        found = search(network, source, longest, 64, penalty)
        assert tuple(int(t) for t in found.tokens[0] if t) == best
        assert float(found.log_probability.detach()) / ((6 + len(best)) / 6) ** penalty == pytest.approx(
            scores[best]
        )
        greedy, memory, token = [], network.begin(source), torch.tensor([4])
        for _ in range(longest):
            logits, state, _ = network.step(token, memory)
            token, memory = logits.argmax(1), memory._replace(state=state)
            if int(token) == 0:
                break
            greedy.append(int(token))
        one = search(network, source, longest, 1, penalty)
        assert [int(t) for t in one.tokens[0] if t] == greedy
    together = search(network, SOURCE, longest, 3, penalty)
    alone = [search(network, SOURCE[i : i + 1], longest, 3, penalty) for i in range(3)]
    torch.testing.assert_close(together.log_probability, torch.cat([a.log_probability for a in alone]))


def _reversed_strings(n, seed, longest=5):
    rng = np.random.default_rng(seed)
    texts = ["".join(rng.choice(list("abcd"), rng.integers(2, longest + 1))) for _ in range(n)]
    return texts, [text[::-1] for text in texts]


@pytest.mark.parametrize(("kind", "epochs"), [("bahdanau", 12), ("luong", 12), ("transformer", 20)])
def test_it_reverses_strings_that_it_has_not_seen(kind, epochs, tmp_path):
    letters = Alphabet(["abcd"])
    texts, answers = _reversed_strings(700, 0)
    seen = dict(zip(texts[:500], answers[:500], strict=True))
    held = [t for t in texts[500:] if t not in seen]
    assert len(held) > 40
    net = Seq2Seq(
        kind, 32, heads=2, layers=1, embedding=16, epochs=epochs, learning_rate=0.01, random_state=0
    )
    net.fit(letters.encode(texts[:500]), letters.encode(answers[:500]))
    found = letters.decode(net.predict(letters.encode(held)))
    assert np.mean([f == t[::-1] for f, t in zip(found, held, strict=True)]) > 0.8
    assert net.score(letters.encode(held), letters.encode([t[::-1] for t in held])) > 0.8
    if kind == "luong":
        looks = net.attend(letters.encode(["abcd", "ca"]))
        assert [w.shape for w in looks] == [(5, 4), (3, 2)]
        np.testing.assert_allclose(looks[0].sum(1), 1, atol=1e-5)
        save_estimator(net, tmp_path / "net", {})
        again = load_estimator(tmp_path / "net")[0]
        np.testing.assert_array_equal(
            again.predict(letters.encode(held), beam=3), net.predict(letters.encode(held), beam=3)
        )


def test_it_stops_early_and_the_same_seed_gives_the_same():
    letters = Alphabet(["abcd"])
    X, y = (letters.encode(part) for part in _reversed_strings(60, 1))
    settings = {"units": 8, "embedding": 4, "epochs": 4, "random_state": 5}
    nets = [Seq2Seq(**settings).fit(X, y, eval_set=(X[:20], y[:20])) for _ in range(2)]
    assert "score" in nets[0].history_[0]
    for name, value in nets[0].weights_[0].items():
        np.testing.assert_array_equal(value, nets[1].weights_[0][name])
    # the loss is the mean over the tokens and the end of each answer, by hand
    net = nets[0]._restored(0)
    source, target = torch.from_numpy(nets[0]._read(X[:1])), nets[0]._targets(y[:1])
    n = int((y[0] > 0).sum())
    assert target[0, : n + 1].tolist() == [*y[0, :n].tolist(), 0]
    assert set(target[0, n + 1 :].tolist()) <= {-1}
    logits = net(source, torch.tensor([[5, *y[0, :n].tolist()]]))
    wanted = nn.functional.cross_entropy(logits[0], torch.from_numpy(target[0, : n + 1]))
    torch.testing.assert_close(nets[0]._loss(net, source, torch.from_numpy(target))[0], wanted)


def test_letters_become_tokens_and_letters_again():
    letters = Alphabet(["banana", "c"])
    assert letters.letters == "abcn"
    np.testing.assert_array_equal(letters.encode(["cab", "", "az"]), [[3, 1, 2], [0, 0, 0], [1, 5, 0]])
    assert letters.decode([[3, 1, 2], [0, 0, 0], [1, 5, 0]]) == ["cab", "", "a\ufffd"]


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"units": 9}, InputError, "must be even"),
        ({"attention": "loong"}, InputError, "luong"),
        ({"attention": "transformer", "units": 10, "heads": 4}, InputError, "multiple of `heads`"),
        ({"members": 2}, NotSupportedError, "leave `members` at 1"),
        ({"early_stopping": True}, NotSupportedError, "eval_set"),
        ({"longest": 2}, InputError, "an answer has 3 tokens"),
        ({"beam": 0}, InputError, "`beam` must be"),
    ],
)
def test_wrong_settings_are_named(settings, error, message):
    X = np.array([[1, 2, 3], [2, 1, 0]])
    with pytest.raises(error, match=message):
        Seq2Seq(**{"units": 4, "epochs": 1, **settings}).fit(X, X)
