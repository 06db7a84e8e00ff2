"""The layers of the deep nets against torch's own modules, published counts and sums written out by hand."""

import numpy as np
import pytest
import torch
from torch import nn

from neuroloom.core.errors import InputError, NotSupportedError
from neuroloom.nets import (
    InceptionTimeClassifier,
    LeNetClassifier,
    LSTMClassifier,
    ResNetClassifier,
    RNNClassifier,
    TCNClassifier,
)
from neuroloom.nets._layers.augmentation import AUGMENTATIONS, CHANGES, Augmentation
from neuroloom.nets._layers.conv_lstm import ConvLSTMCell
from neuroloom.nets._layers.convolution import BlurPool, Halve, SameConv
from neuroloom.nets._layers.inception import InceptionStack
from neuroloom.nets._layers.lenet import SEEN, PartialConv
from neuroloom.nets._layers.multi_scale import MultiScaleEncoder, largest_of_pieces, smoothed
from neuroloom.nets._layers.pooling import POOLS, TimePool
from neuroloom.nets._layers.recurrent import CELLS, RecurrentLayer, run, run_fused
from neuroloom.nets._layers.temporal import AttentionBlock, CausalBlock, sinusoids


def _count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def _x(*shape: int, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(1).normal(size=shape)).to(dtype)


def test_lenet_has_the_published_number_of_parameters():
    published, usual = LeNetClassifier(form="1998"), LeNetClassifier()
    assert _count(published._encoder((1, 32, 32))) == 60_000
    assert _count(usual._network((1, 32, 32), 10)) == 61_706
    assert sum(len(maps) for maps in SEEN) == 60  # table I
    assert [sum(m in maps for maps in SEEN) for m in range(6)] == [10] * 6


def test_resnet_20_has_the_known_number_of_parameters():
    # 269,722 with zeros in the shortcuts, and two 1 x 1 convolutions with batch norm: 16·32 + 64 + 32·64 + 128
    assert _count(ResNetClassifier()._network((3, 32, 32), 10)) == 269_722 + 2_752


def test_inceptiontime_is_the_published_network():
    """Against the authors' definition, written out; of one channel and two classes it has 420,450 parameters."""
    assert _count(InceptionTimeClassifier()._network((1, 50), 2)) == 420_450
    torch.manual_seed(0)
    stack = InceptionStack(1, 3, (8, 4, 2), 6).double()
    for norm in (m for m in stack.modules() if isinstance(m, nn.BatchNorm1d)):
        for value in (norm.weight, norm.bias, norm.running_mean, norm.running_var):
            nn.init.uniform_(value, 0.5, 1.5)
    x = _x(2, 1, 11)

    def normalised(norm, h):
        return nn.functional.batch_norm(h, norm.running_mean, norm.running_var, norm.weight, norm.bias)

    h = residual = x
    for d, module in enumerate(stack.modules_):
        inner = h if d == 0 else nn.functional.conv1d(h, module.narrow.weight)
        parts = []
        for kernel, branch in zip((8, 4, 2), module.branches, strict=True):
            padded = nn.functional.pad(inner, ((kernel - 1) // 2, kernel // 2))  # the longer side is behind
            parts.append(nn.functional.conv1d(padded, branch.conv.weight))
        largest = nn.functional.pad(h, (1, 1), value=-np.inf).unfold(2, 3, 1).amax(3)
        parts.append(nn.functional.conv1d(largest, module.pooled.weight))
        h = normalised(module.norm, torch.cat(parts, 1)).relu()
        if d % 3 == 2:
            conv, norm = stack.shortcuts[d // 3]
            h = (h + normalised(norm, nn.functional.conv1d(residual, conv.conv.weight))).relu()
            residual = h
    torch.testing.assert_close(stack.eval()(x), h.mean(2))


def test_a_partial_convolution_sees_its_maps_alone():
    layer, x = PartialConv().double(), _x(2, 6, 9, 9)
    found, start = layer(x), 0
    for out, maps in enumerate(SEEN):
        kernels = layer.kernels[start : start + len(maps)]
        wanted = nn.functional.conv2d(x[:, list(maps)], kernels[None], layer.bias[out : out + 1])
        torch.testing.assert_close(found[:, out : out + 1], wanted)
        start += len(maps)


@pytest.mark.parametrize(
    ("kernel", "stride", "dilation"), [(1, 1, 1), (8, 1, 1), (5, 2, 1), (3, 1, 4), (2, 2, 1)]
)
def test_same_convolutions_keep_the_length(kernel, stride, dilation):
    layer = SameConv(1, 2, 3, kernel, stride=stride, dilation=dilation).double()
    x = _x(4, 2, 11)
    found = layer(x).detach().numpy()
    assert found.shape == (4, 3, -(-11 // stride))
    span = dilation * (kernel - 1)
    need = max(0, (found.shape[2] - 1) * stride + span + 1 - 11)
    padded = np.pad(x.numpy(), ((0, 0), (0, 0), (need // 2, need - need // 2)))
    w, b = layer.conv.weight.detach().numpy(), layer.conv.bias.detach().numpy()
    for t in range(found.shape[2]):
        seen = padded[:, :, t * stride : t * stride + span + 1 : dilation]
        np.testing.assert_allclose(found[:, :, t], np.einsum("bct,oct->bo", seen, w) + b, atol=1e-12)


def test_causal_blocks_see_no_later_step_and_all_that_the_paper_says():
    net = nn.Sequential(*[CausalBlock(1 if not i else 4, 4, 3, 2**i, 0.0) for i in range(3)]).double().eval()
    x = _x(1, 1, 40).requires_grad_()
    (reach,) = torch.autograd.grad(net(x)[0, :, 30].sum(), x)
    seen = np.flatnonzero(reach[0, 0].numpy())
    assert seen.max() == 30
    assert 30 - seen.min() + 1 <= 1 + 2 * 2 * (2**3 - 1) == 29
    made = TCNClassifier(kernel=3, filters=4)._encoder((1, 200))
    assert sum(isinstance(m, CausalBlock) for m in made) == 6  # 1 + 4 · (2^6 - 1) = 253 ≥ 200 > 125


@pytest.mark.parametrize("kind", ["lstm", "gru", "rnn"])
def test_recurrent_cells_are_torchs_own(kind):
    torch.manual_seed(0)
    cell = CELLS[kind](3, 5).double()
    theirs = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}[kind](3, 5).double()
    with torch.no_grad():
        theirs.weight_ih_l0.copy_(cell.w_in.weight)
        theirs.weight_hh_l0.copy_(cell.w_state.weight)
        theirs.bias_ih_l0.copy_(cell.w_in.bias)
        theirs.bias_hh_l0.zero_()
        if kind == "gru":
            cell.b_state.normal_()
            theirs.bias_hh_l0[10:] = cell.b_state
    x = _x(7, 2, 3)
    wanted, _ = theirs(x)
    torch.testing.assert_close(run(cell, x, None, None, 0.0)[0], wanted)
    torch.testing.assert_close(run_fused(cell, x, None)[0], wanted)
    if kind == "lstm":
        np.testing.assert_array_equal(cell.w_in.bias.detach().numpy(), [0.0] * 5 + [1.0] * 5 + [0.0] * 10)


@pytest.mark.parametrize("kind", ["lstm", "gru", "mgu", "sru", "qrnn", "convlstm"])
def test_units_that_remember_for_times_of_their_own(kind):
    """Of a state left alone, ``u / (1 + u)`` stays at each step, ``u`` even in 1 … 49: it fades over ``u`` steps."""
    torch.manual_seed(0)
    cell = ConvLSTMCell(4, 1200, frame=(4,), kernel=3) if kind == "convlstm" else CELLS[kind](1, 300)
    before = cell.gate_bias.detach().clone().view(cell.gates, 300)
    cell.remember(50)
    after = cell.gate_bias.detach().view(cell.gates, 300)
    names = {"lstm": "ifgo", "gru": "rzn", "mgu": "fn", "sru": "xfrs", "qrnn": "zfo", "convlstm": "ifgo"}[
        kind
    ]
    holds = "z" if kind == "gru" else "f"
    sign = -1 if kind == "mgu" else 1  # its gate says how much of the state goes
    times = torch.exp(sign * after[names.index(holds)])
    assert 1 <= times.min() < 3
    assert 47 < times.max() <= 49
    assert times.mean().item() == pytest.approx(25, abs=2)
    for gate, name in enumerate(names):
        if name == "i":
            torch.testing.assert_close(after[gate], -after[names.index("f")])
        elif name != holds:
            torch.testing.assert_close(after[gate], before[gate])


def test_what_has_no_gate_cannot_remember():
    X, y = np.zeros((4, 1, 5)), [0, 1, 0, 1]
    with pytest.raises(NotSupportedError, match="RNNCell has no gate to hold its state; leave `chrono` out"):
        RNNClassifier(chrono=9).fit(X, y)
    with pytest.raises(InputError, match="`chrono` must be a whole number of at least 2"):
        LSTMClassifier(chrono=1).fit(X, y)
    faded = LSTMClassifier(chrono=9, layer_norm=True, epochs=1, random_state=0).fit(X, y).weights_[0]
    assert np.ptp(faded["encoder.layers.0.cells.0.norm_in.bias"][64:128]) > 1


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


def _by_hand(kind, cell, x):
    """Outputs ``(time, units)`` of one series by the papers' equations, step by step."""
    p = {name: value.detach().numpy() for name, value in cell.named_parameters()}
    w, b, n = p["w_in.weight"], p["w_in.bias"], cell.units
    parts = [(w[i * n : (i + 1) * n], b[i * n : (i + 1) * n]) for i in range(cell.gates)]
    h = c = np.zeros(n)
    out, history, last = [], [], np.zeros(x.shape[1])
    for row in x:
        if kind == "mgu":
            u = np.split(p["w_state.weight"], 2)
            f = _sigmoid(parts[0][0] @ row + parts[0][1] + u[0] @ h)
            h = (1 - f) * h + f * np.tanh(parts[1][0] @ row + parts[1][1] + u[1] @ (f * h))
        elif kind == "sru":
            a = [m @ row + v for m, v in parts]
            f, r = _sigmoid(a[1] + p["v"][0] * c), _sigmoid(a[2] + p["v"][1] * c)
            c = f * c + (1 - f) * a[0]
            h = r * c + (1 - r) * a[3]
        elif kind == "qrnn":
            z, f, o = (m @ np.concatenate([row, last]) + v for m, v in parts)
            c = _sigmoid(f) * c + (1 - _sigmoid(f)) * np.tanh(z)
            h, last = _sigmoid(o) * c, row
        else:
            h = np.tanh(p["begin"]) if not history else h
            u = [np.zeros((n, n)), *np.split(p["w_state.weight"], 3)[1:]]
            value = (parts[0][0] @ row + parts[0][1]) * np.tanh(parts[1][0] @ row + parts[1][1] + u[1] @ h)
            history.append((value, np.exp(parts[2][0] @ row + parts[2][1] + u[2] @ h)))
            h = np.tanh(sum(v * e for v, e in history) / sum(e for _, e in history))
        out.append(h)
    return np.array(out)


@pytest.mark.parametrize("kind", ["mgu", "sru", "qrnn", "rwa"])
def test_recurrent_cells_by_hand(kind):
    torch.manual_seed(1)
    cell = CELLS[kind](3, 4).double()
    with torch.no_grad():
        for name, p in cell.named_parameters():
            if name != "w_state.weight":
                p.normal_()
    x = _x(6, 1, 3)
    found = run(cell, x, None, None, 0.0)[0][:, 0].detach().numpy()
    np.testing.assert_allclose(found, _by_hand(kind, cell, x[:, 0].numpy()), atol=1e-12)


@pytest.mark.parametrize("frame", [(6,), (3, 4)])
def test_a_convolutional_lstm_by_hand(frame):
    """Of series and of pictures, by sums over each kernel's places around each place of a frame."""
    torch.manual_seed(3)
    places, k = int(np.prod(frame)), 3
    cell = ConvLSTMCell(2 * places, 3 * places, frame=frame, kernel=k).double()
    conv = cell.w_in.same.conv
    np.testing.assert_array_equal(conv.bias.detach().numpy(), [0.0] * 3 + [1.0] * 3 + [0.0] * 6)
    with torch.no_grad():
        for p in cell.parameters():
            p.normal_(std=0.5)

    def convolved(x, weight):  # x (channels, *frame), weight (out, channels, *kernel)
        padded = np.pad(x, [(0, 0)] + [(1, 1)] * len(frame))
        out = np.zeros((len(weight), *frame))
        for at in np.ndindex(*frame):
            seen = padded[(slice(None), *(slice(a, a + k) for a in at))]
            out[(slice(None), *at)] = (weight * seen).reshape(len(weight), -1).sum(1)
        return out

    w, u = conv.weight.detach().numpy(), cell.w_state.same.conv.weight.detach().numpy()
    b = conv.bias.detach().numpy().reshape(-1, *[1] * len(frame))
    w_i, w_f, w_o = cell.peepholes.detach().numpy().reshape(3, 3, *frame)
    x = _x(5, 2, 2 * places)
    h = c = np.zeros((3, *frame))
    wanted = []
    for row in x[:, 1].numpy().reshape(5, 2, *frame):
        i, f, g, o = np.split(convolved(row, w) + convolved(h, u) + b, 4)
        c, old = _sigmoid(f + w_f * c) * c + _sigmoid(i + w_i * c) * np.tanh(g), c
        assert not np.array_equal(c, old)
        h = _sigmoid(o + w_o * c) * np.tanh(c)
        wanted.append(h.ravel())
    found = run(cell, x, None, None, 0.0)[0][:, 1].detach().numpy()
    np.testing.assert_allclose(found, wanted, atol=1e-12)
    assert cell.work == (12 * 2 + 12 * 3) * k ** len(frame) * places


def test_a_convolutional_lstm_over_frames_of_one_place_is_an_lstm():
    torch.manual_seed(4)
    cell, plain = ConvLSTMCell(3, 5, frame=(1,), kernel=1).double(), CELLS["lstm"](3, 5).double()
    with torch.no_grad():
        plain.w_in.weight.copy_(cell.w_in.same.conv.weight[..., 0])
        plain.w_in.bias.copy_(cell.w_in.same.conv.bias)
        plain.w_state.weight.copy_(cell.w_state.same.conv.weight[..., 0])
    x = _x(7, 2, 3)
    torch.testing.assert_close(run(cell, x, None, None, 0.0)[0], run_fused(plain, x, None)[0])


def test_a_series_smoothed_thinned_and_cut_into_pieces():
    x, inside = _x(2, 1, 11), torch.ones(2, 1, 11, dtype=torch.float64)
    inside[1, :, 7:] = 0
    x = x * inside
    found = smoothed(x, inside, 5)
    values = x[1, 0, :7].numpy()
    wanted = [values[max(t - 2, 0) : t + 3].mean() for t in range(7)]
    np.testing.assert_allclose(found[1, 0], [*wanted, 0, 0, 0, 0], atol=1e-12)
    np.testing.assert_allclose(found[0, 0, 5], x[0, 0, 3:8].mean())
    for pieces in (1, 3, 5, 9):
        largest = largest_of_pieces(x, inside, pieces)
        for row, n in ((0, 11), (1, 7)):
            alone = nn.functional.adaptive_max_pool1d(x[row : row + 1, :, :n], pieces)
            torch.testing.assert_close(largest[row : row + 1], alone)
    net = MultiScaleEncoder(1, 4, 3, (2, 3), (3,), 3, 5, 0.0).double().eval()
    seen = []
    hooks = [b.register_forward_pre_hook(lambda _, given: seen.append(given[0])) for b in net.branches]
    assert net(x.masked_fill(inside == 0, torch.nan)).shape == (2, 5)
    assert len(hooks) == 4
    for found, wanted in zip(seen, (x, x[..., ::2], x[..., ::3], smoothed(x, inside, 3)), strict=True):
        torch.testing.assert_close(found, wanted)


@pytest.mark.parametrize("norm", [False, True])
@pytest.mark.parametrize("kind", sorted(CELLS))
def test_padding_is_not_read(kind, norm):
    torch.manual_seed(2)
    layer = RecurrentLayer(kind, 2, 3, norm, 0.0, "concatenate").double().eval()
    short, x = _x(4, 1, 2), torch.full((7, 2, 2), 9.0, dtype=torch.float64)
    x[:4, :1] = short
    out, _ = layer(x, torch.tensor([4, 7]))
    torch.testing.assert_close(out[:4, :1], layer(short)[0])
    pooled = TimePool("mean", 6)(out, torch.tensor([4, 7]))
    torch.testing.assert_close(pooled[:1], layer(short)[0].mean(0))


@pytest.mark.parametrize("how", POOLS)
def test_pooling_leaves_padding_out(how):
    torch.manual_seed(0)
    pool = TimePool(how, 3).double()
    h = _x(6, 2, 3)
    both = pool(h, torch.tensor([4, 6]))
    torch.testing.assert_close(both[:1], pool(h[:4, :1]))
    torch.testing.assert_close(both[1:], pool(h[:, 1:]))
    assert both.shape == (2, pool.width)


@pytest.mark.parametrize(("merge", "wanted"), [("sum", 5.0), ("average", 2.5), ("product", 6.0)])
def test_ways_are_merged(merge, wanted):
    layer = RecurrentLayer("rnn", 1, 1, False, 0.0, merge).double()
    layer._way = lambda way, x, keep, state: (torch.full_like(x, [2.0, 3.0][way]), (x,))
    np.testing.assert_array_equal(layer(_x(3, 1, 1))[0], np.full((3, 1, 1), wanted))


def test_recurrent_dropout_hides_the_same_units_at_every_step():
    torch.manual_seed(3)
    cell = CELLS["rnn"](1, 50).double()
    with torch.no_grad():
        cell.w_in.weight.zero_()
        cell.w_in.bias.fill_(0.5)
        cell.w_state.weight.copy_(torch.eye(50))
    out = run(cell, _x(3, 1, 1), None, None, 0.5)[0][:, 0].detach().numpy()
    hidden = np.isclose(out[1], np.tanh(0.5))
    assert 10 < hidden.sum() < 40
    np.testing.assert_allclose(out[1][~hidden], np.tanh(0.5 + 2 * np.tanh(0.5)))
    np.testing.assert_array_equal(np.isclose(out[2], np.tanh(0.5)), hidden)


def test_attention_blocks_are_torchs_own():
    torch.manual_seed(4)
    ours = AttentionBlock(8, 2, 0.0).double()
    theirs = nn.TransformerEncoderLayer(8, 2, 32, 0.0, "gelu", batch_first=True, norm_first=True).double()
    with torch.no_grad():
        theirs.self_attn.in_proj_weight.copy_(ours.qkv.weight)
        theirs.self_attn.in_proj_bias.copy_(ours.qkv.bias)
        for mine, other in ((ours.out, theirs.self_attn.out_proj), (ours.dense[0], theirs.linear1),
                            (ours.dense[3], theirs.linear2), (ours.norms[0], theirs.norm1),
                            (ours.norms[1], theirs.norm2)):  # fmt: skip
            other.weight.copy_(mine.weight)
            other.bias.copy_(mine.bias)
    x, inside = _x(2, 5, 8), torch.tensor([[True] * 5, [True] * 3 + [False] * 2])
    wanted = theirs(x, src_key_padding_mask=~inside)
    torch.testing.assert_close(ours(x, inside)[inside], wanted[inside])
    weights = ours.attention(x, inside).detach().numpy()
    np.testing.assert_allclose(weights.sum(-1), 1)
    assert not weights[1, :, :, 3:].any()


def test_sinusoids_are_the_papers():
    code = sinusoids(50, 6).numpy()
    for t, i in ((3, 0), (17, 1), (49, 2)):
        rate = 10000 ** (-2 * i / 6)
        np.testing.assert_allclose(
            code[t, 2 * i : 2 * i + 2], [np.sin(t * rate), np.cos(t * rate)], atol=1e-6
        )


@pytest.mark.parametrize("dims", [1, 2])
def test_blurred_pooling_moves_less_with_the_sample(dims):
    shape = (64, 3, *(32,) * dims)
    x = _x(*shape)
    axis = 2

    def moved(layer):
        a, b = layer(x), layer(x.roll(1, axis))
        inner = a.mean(tuple(range(2, 2 + dims))) - b.mean(tuple(range(2, 2 + dims)))
        return float(inner.abs().mean())

    blurred, plain = BlurPool(dims, 3).double(), Halve(dims, 3, "max")
    assert blurred(x).shape == plain(x).shape == (64, 3, *(16,) * dims)
    assert moved(blurred) < 0.5 * moved(plain)
    flat = torch.full(shape, 2.5, dtype=torch.float64)
    torch.testing.assert_close(blurred(flat), torch.full((64, 3, *(16,) * dims), 2.5, dtype=torch.float64))


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_augmentation_keeps_the_shape_and_follows_the_seed(name):
    x = _x(6, 2, 8, 8, dtype=torch.float32)
    rows = torch.tensor([4, 1, 3])
    torch.manual_seed(5)
    first, partners, share = Augmentation([name])(x, rows)
    torch.manual_seed(5)
    again, *_ = Augmentation([name])(x, rows)
    torch.testing.assert_close(first, again, rtol=0, atol=0)
    assert first.shape == (3, 2, 8, 8)
    assert not torch.equal(first, x[rows])
    if name == "mixup":
        torch.testing.assert_close(first, share * x[rows] + (1 - share) * x[partners])
        assert sorted(partners.tolist()) == [1, 3, 4]


def test_augmentation_does_what_it_says():
    torch.manual_seed(6)
    ramp = torch.arange(40.0).expand(200, 1, 40)
    moved = CHANGES["shift"](ramp)
    by = moved[:, 0, 20] - 20
    assert set(by.abs().tolist()) == {0.0, 1.0, 2.0, 3.0, 4.0}
    assert ((moved[:, 0, 5:] - moved[:, 0, 4:-1])[:, :30] == 1).all()
    holes = (CHANGES["cutout"](torch.ones(50, 2, 12, 10)) == 0).sum((2, 3))
    assert (holes == 6 * 5).all()
    flipped = CHANGES["flip"](ramp)[:, 0, 0]
    assert 60 < int((flipped == 39).sum()) < 140
    flat = torch.full((4, 1, 9, 9), 3.0)
    torch.testing.assert_close(CHANGES["affine"](flat), flat)
