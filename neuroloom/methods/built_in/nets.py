"""Radial basis function networks and deep nets."""

from __future__ import annotations

from collections.abc import Iterator

from neuroloom.methods.method import FORECAST, LEARNED, Method, classifier_and_regressor, transformer

_DEEP_NETS = (
    ("cnn", "CNN", "series image", "CNN: convolutional network"),
    ("lstm", "LSTM", "series", "LSTM: recurrent network with long short-term memory"),
    ("resnet", "ResNet", "series image", "ResNet: residual convolutional network"),
    ("fcn", "FCN", "series", "FCN: fully convolutional network of series"),
    ("inceptiontime", "InceptionTime", "series", "InceptionTime: ensemble of networks with kernels of many lengths"),
    ("mcnn", "MCNN", "series", "MCNN: convolutions over a series as it is, at lower rates and smoothed"),
    ("tcn", "TCN", "series", "TCN: causal convolutions, ever further apart"),
    ("transformer", "Transformer", "series", "Transformer encoder: attention between the patches of a series"),
    ("gru", "GRU", "series", "GRU: recurrent network of gated units"),
    ("rnn", "RNN", "series", "plain recurrent network"),
    ("mgu", "MGU", "series", "MGU: recurrent network of minimal gated units"),
    ("sru", "SRU", "series", "SRU: recurrent network of simple units"),
    ("qrnn", "QRNN", "series", "QRNN: convolutions that gate a cheap recurrence"),
    ("convlstm", "ConvLSTM", "series", "ConvLSTM: recurrent network whose gates are convolutions over windows"),
    ("rwa", "RWA", "series", "RWA: recurrent weighted average"),
    ("lenet", "LeNet", "image", "LeNet-5: the convolutional network of 1998"),
    ("alexnet", "AlexNet", "image", "AlexNet: the convolutional network of 2012"),
    ("vgg", "VGG", "image", "VGG: small kernels one after the other, dense layers on top"),
    ("googlenet", "GoogLeNet", "image", "GoogLeNet: inception modules, kernels of three sizes side by side"),
    ("convnext", "ConvNeXt", "series image", "ConvNeXt: wide depthwise kernels and a dense net at each place"),
    ("capsnet", "CapsNet", "image", "CapsNet: capsules that vote for what they are part of"),
)  # fmt: skip

_GATED = ("rnn", "lstm", "gru", "mgu", "sru", "qrnn", "rwa", "convlstm")


_OF_TOKENS = tuple(key for key, _, kinds, _ in _DEEP_NETS if "series" in kinds)


_FORECASTERS = (
    ("dlinear", "DLinear", "DLinear: linear maps of trend and rest, what a Transformer must beat"),
    ("nbeats", "NBEATS", "N-BEATS: blocks that explain the history bit by bit and add up their forecasts"),
    ("patchtst", "PatchTST", "PatchTST: Transformer over patches of the history, beside a linear map of it"),
    (
        "encoder-decoder",
        "EncoderDecoder",
        "LSTM encoder-decoder whose intervals have three parts, by MC dropout",
    ),
)

_POLICIES = (
    ("ppo", "PPO", "PPO: actor and critic that learn by gradient, several clipped passes over what was met"),
    ("reinforce", "REINFORCE", "REINFORCE with a baseline: the plain policy gradient of whole episodes"),
    (
        "dqn",
        "DQN",
        "DQN: values of discrete actions, double, from a memory of steps and a network that stands still",
    ),
)

_CODERS = (
    ("autoencoder", "Autoencoder", "autoencoder: plain, deep, sparse, contractive, denoising"),
    ("vae", "VAE", "VAE: variational autoencoder, which draws new samples"),
    ("vq-vae", "VQVAE", "VQ-VAE: autoencoder whose code is words from a book of vectors"),
)

_UNCERTAIN = (
    ("mc-dropout", "MCDropout", "MC dropout: a dense network that leaves units out when answering, too"),
    ("deep-ensemble", "DeepEnsemble", "deep ensemble: dense networks that each tell mean and noise"),
    (
        "bayes-by-backprop",
        "BayesByBackprop",
        "Bayes by backprop: a dense network whose every weight is a normal",
    ),
    ("laplace", "Laplace", "last-layer Laplace: a dense network whose output weights are Gaussian"),
    ("swag", "SWAG", "SWAG: a dense network with the Gaussian that gradient descent wanders in"),
)


def methods() -> Iterator[Method]:
    """Yield them in the order in which they are listed."""
    nets = "neuroloom.nets"
    yield Method("kmeans-features", "nets", "affinities to k-means prototypes, features for any head",
                 transformer(f"{nets}:KMeansFeatures", "table"), offered=False)  # fmt: skip
    yield Method("rbfn", "nets", "RBFN: radial basis function network",
                 classifier_and_regressor("table", nets, "RBFN"), version=3)  # fmt: skip
    yield Method("resource-allocating-network", "nets", "RBFN that grows, one sample after another",
                 classifier_and_regressor("table", nets, "ResourceAllocating"), offered=False)  # fmt: skip
    yield Method(
        "mlp",
        "nets",
        "MLP: dense network",
        classifier_and_regressor("table", nets, "MLP"),
        batch=True,
        version=2,
    )
    for key, stem, kinds, title in _DEEP_NETS:
        own: dict[tuple[str, str], str] = {}
        for kind in kinds.split():
            own |= classifier_and_regressor(kind, nets, stem) | transformer(f"{nets}:{stem}Features", kind)
            if key == "capsnet":
                del own[kind, LEARNED[1]]  # a capsule stands for a class
        if key in _OF_TOKENS:
            own |= classifier_and_regressor("tokens", nets, f"{stem}Token")
            own |= transformer(f"{nets}:{stem}TokenFeatures", "tokens")
        yield Method(key, "nets", title, own, version=2 + (key in _GATED), offered=key in ("cnn", "lstm"))
    yield Method("bayesian-cnn", "nets", "Bayesian CNN: a convolutional network whose every weight is a normal",
                 {case: cls for kind in ("series", "image")
                  for case, cls in classifier_and_regressor(kind, nets, "BayesianCNN").items()},
                 offered=False)  # fmt: skip
    for key, stem, title in _FORECASTERS:
        yield Method(key, "nets", title, {("series", FORECAST): f"{nets}:{stem}Forecaster"}, version=2)
    for key, stem, title in _CODERS:
        own = {}
        for kind in ("table", "series", "image"):
            own |= transformer(f"{nets}:{stem}", kind) | {(kind, "detection"): f"{nets}:{stem}Detector"}
        yield Method(key, "nets", title, own, offered=False)
    yield Method("deep-svdd", "nets", "Deep SVDD: a net that brings normal samples close to one point",
                 {(kind, "detection"): f"{nets}:DeepSVDDDetector" for kind in ("table", "image")},
                 offered=False)  # fmt: skip
    yield Method("contrastive", "nets", "embedding in which samples of one class are near each other",
                 transformer(f"{nets}:ContrastiveFeatures", "table", "series", "image"), offered=False)  # fmt: skip
    yield Method("self-supervised", "nets", "embedding in which two views of one sample are near each other",
                 transformer(f"{nets}:ContrastiveFeatures", "table", "series", "image"), fixed={"loss": "self"},
                 offered=False)  # fmt: skip
    yield Method("gan", "nets", "GAN: generator and critic; draws new samples, and what its critic sees are features",
                 transformer(f"{nets}:GAN", "table", "image"), offered=False)  # fmt: skip
    for key, stem, title in _POLICIES:
        actions = "discrete" if key == "dqn" else ""
        yield Method(key, "nets", title, {("episodes", "control"): f"{nets}:{stem}Policy"}, actions=actions,
                     version=2 if key in ("ppo", "dqn") else 1)  # fmt: skip
    for key, stem, title in _UNCERTAIN:
        own = classifier_and_regressor("table", nets, stem)
        yield Method(key, "nets", title, own, batch=True, offered=False)
