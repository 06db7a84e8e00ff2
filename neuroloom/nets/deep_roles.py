"""Roles of the deep nets over series and pictures: classifier, regressor, and features for any head."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import TransformerMixin
from sklearn.utils.validation import check_is_fitted

from neuroloom.core.answers import Answers, Classification, Judged, Regression
from neuroloom.core.checkpoints import digest
from neuroloom.core.checks import check_lengths
from neuroloom.core.errors import InputError
from neuroloom.core.seeding import as_seed, derive
from neuroloom.nets.deep_network import DeepNetwork

if TYPE_CHECKING:
    import torch

    _Model = DeepNetwork
else:
    _Model = object

_AT_ONCE = 256  # samples answered at once
_DIAGNOSED = 64  # samples that tell whether gradients reach the first layer


class DeepTraining(_Model):
    """How members are trained and asked."""

    def _train(
        self,
        answers: Judged,
        values: NDArray[Any],
        target: NDArray[Any],
        valid: tuple[NDArray[Any], NDArray[Any]] | None,
        seed: int,
    ) -> None:
        import torch

        from neuroloom.core.devices import resolve_device
        from neuroloom.core.training import train
        from neuroloom.nets._layers.augmentation import Augmentation
        from neuroloom.nets._layers.gradient_flow import warn_of_gradients

        device = resolve_device(self.device)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derive(seed, "weights"))
            network = self._network(self.shape_, self.n_answers_)
        self._take_over(network, len(self.weights_))
        network.to(device)
        x = torch.from_numpy(values).to(device)
        losses = answers._losses(target, device)
        changed = Augmentation(self.augment)
        divergence = getattr(
            network, "divergence", None
        )  # of weights that are distributions from their prior

        def loss(net: torch.nn.Module, rows: Any) -> torch.Tensor:
            inputs, partners, share = changed(x, rows)
            out = net(inputs)
            found = losses(out, rows)
            if partners is not None:
                found = share * found + (1 - share) * losses(out, partners)
            return found if divergence is None else found + net.divergence() / len(values)

        check = None
        if valid is not None:
            held, score = torch.from_numpy(valid[0]).to(device), answers._scores(valid[1], device)

            def check(net: torch.nn.Module) -> torch.Tensor:
                return score(torch.cat([net(part) for part in held.split(_AT_ONCE)]))

        still = {name: 0.0 for name, p in network.named_parameters() if p.ndim < 2 and p.requires_grad}
        config = self._config(len(values), valid is not None)
        result = train(network, loss, config=config, n_samples=len(values), seed=derive(seed, "train"), valid=check,
                       decay_scale=still, rate_scale=self._rates(network),
                       samples=digest(self, values, target, *(valid or ())))  # fmt: skip
        some = torch.arange(min(len(values), _DIAGNOSED), device=device)
        warn_of_gradients(network, lambda net: losses(net(x[some]), some), result.history)
        self.weights_.append({k: v.cpu().numpy().copy() for k, v in network.state_dict().items()})
        self.history_ += result.history if not self.history_ else []
        self.best_epochs_.append(int(result.kept[0]))
        trained = sum(p.numel() for p in network.parameters() if p.requires_grad)
        self.n_parameters_ = int(trained) * self.members

    def _each_member(self, X: Any) -> Iterator[tuple[torch.nn.Module, list[torch.Tensor]]]:
        import torch

        check_is_fitted(self)
        values = torch.from_numpy(self._read(X))
        for member in range(len(self.weights_)):
            network = self._restored(member)
            device = next(network.parameters()).device
            yield network, [part.to(device) for part in values.split(_AT_ONCE)]

    def _member_outputs(self, X: Any) -> NDArray[np.float64]:
        """Return ``(members, n, answers)``."""
        import torch

        with torch.inference_mode():
            made = [torch.cat([net(part) for part in parts]) for net, parts in self._each_member(X)]
            found: NDArray[np.float64] = torch.stack(made).double().cpu().numpy()
        return found


class DeepRole(DeepTraining):
    """What the roles share: the fit, and the members' vectors."""

    def fit(self, X: Any, y: Any, eval_set: tuple[Any, Any] | None = None) -> Self:
        """Learn from samples and answers.

        Args:
            X: ``(n, channels, length)`` series, ``(n, length)`` of one channel, or ``(n, channels, height, width)``
                pictures.
            y: ``(n,)`` labels or numbers; for several labels a sample ``(n, labels)`` of 0 and 1.
            eval_set: ``(X_val, y_val)`` to choose the epoch by and to stop early on.

        Raises:
            InputError: a parameter is out of range, or samples and answers are not usable.
        """
        check_lengths(X, y)
        values = self._learn_shape(X)
        self._check_training()
        answers = self._answers_for(y)
        target = answers._read_target(y)
        self.n_answers_ = answers._n_answers()
        seed = as_seed(self.random_state)
        valid = None
        if eval_set is not None:
            check_lengths(*eval_set)
            known, wanted = answers._known_target(eval_set[1])
            valid = (self._read(eval_set[0])[known], wanted) if known.any() else None
        elif self.early_stopping:
            held = answers._held_out(target, seed)
            if held.any():
                valid = values[held], target[held]
                values, target = values[~held], target[~held]
        self.weights_: list[dict[str, NDArray[Any]]] = []
        self.history_: list[dict[str, float]] = []
        self.best_epochs_: list[int] = []
        for member in range(self.members):
            self._train(answers, values, target, valid, derive(seed, "member", member))
        return self

    def _answers_for(self, y: Any) -> Answers:
        """Return what knows the kind of answers: the estimator itself where it predicts."""
        assert isinstance(self, Answers)
        return self

    def transform(self, X: Any) -> NDArray[np.float64]:
        """Return the vectors before the head, ``(n, members · width)``: the last hidden layer as features."""
        import torch

        with torch.inference_mode():
            made = [torch.cat([net.encoder(part) for part in parts]) for net, parts in self._each_member(X)]
            found: NDArray[np.float64] = torch.cat(made, dim=-1).double().cpu().numpy()
        return found

    def _answer_module(self, link: str, **to_answers: float) -> torch.nn.Module:
        from neuroloom.nets._answering import Link, SignalAnswers

        check_is_fitted(self)
        if hasattr(self, "vocabulary_"):
            raise InputError(
                f"{type(self).__name__} reads tokens, which have no gradient; ask it by its answers alone."
            )
        networks = self._answering()
        kept = None if self.mean_ is None or self.scale_ is None else (self.mean_, self.scale_)
        made = SignalAnswers(
            networks, Link(link, **to_answers), kept, self.normalize != "none", self.n_answers_
        )
        return made.to(next(networks[0].parameters()).device).eval()

    def _answering(self) -> list[torch.nn.Module]:
        """Return the networks whose mean answers."""
        return [self._restored(member) for member in range(len(self.weights_))]

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Return names of what ``transform`` gives, like ``lstm0_12``: the member and the unit."""
        check_is_fitted(self)
        stem = (
            type(self).__name__.removesuffix("Classifier").removesuffix("Regressor").removesuffix("Features")
        )
        width = self._restored(0).encoder.width
        made = [f"{stem.lower()}{m}_{unit}" for m in range(len(self.weights_)) for unit in range(width)]
        return np.array(made, dtype=object)


@dataclass(eq=False, repr=False, kw_only=True)
class DeepClassifier(DeepRole, Classification):
    """Role of a classifier; with several members the mean of their probabilities answers."""

    def _outputs(self, X: Any) -> NDArray[np.float64]:
        """Return ``(n, classes)`` log-odds; of several members, those of their mean probability."""
        found = self._member_outputs(X)
        if len(found) == 1:
            return found[0]  # type: ignore[no-any-return]
        from scipy.special import expit, log_softmax, logit, logsumexp

        if self.multilabel_:
            return logit(np.clip(expit(found).mean(axis=0), 1e-15, 1 - 1e-15))  # type: ignore[no-any-return]
        return logsumexp(log_softmax(found, axis=2), axis=0) - np.log(len(found))  # type: ignore[no-any-return]

    def answer_module(self) -> torch.nn.Module:
        """Return ``(n, *shape_) -> (n, classes)`` probabilities as a differentiable torch module on the device.

        It is a copy, in evaluation mode, over samples in their own unit, without padding.

        Raises:
            InputError: the network reads tokens, which have no gradient.
        """
        return self._answer_module("sigmoid" if self.multilabel_ else "softmax")


@dataclass(eq=False, repr=False, kw_only=True)
class DeepRegressor(DeepRole, Regression):
    """Role of a regressor; the members' mean answers."""

    def _outputs(self, X: Any) -> NDArray[np.float64]:
        found: NDArray[np.float64] = self._member_outputs(X).mean(axis=0)
        return found

    def answer_module(self) -> torch.nn.Module:
        """Return ``(n, *shape_) -> (n, 1)`` numbers as a differentiable torch module on the device.

        It is a copy, in evaluation mode, over samples in their own unit, without padding.

        Raises:
            InputError: the network reads tokens, which have no gradient.
        """
        return self._answer_module("identity", scale=self.target_scale_, offset=self.target_mean_)


class DeepFeatures(TransformerMixin, DeepRole):  # type: ignore[misc]
    """Role of a transformer: the network is fitted on ``y``, labels or numbers, and its last hidden layer is given."""

    def _answers_for(self, y: Any) -> Answers:
        from sklearn.utils.multiclass import type_of_target

        made: Answers = Regression() if type_of_target(y).startswith("continuous") else Classification()
        made.validation_fraction, made.monitor = self.validation_fraction, self.monitor
        return made
