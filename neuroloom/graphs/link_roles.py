"""The role over pairs of nodes: is there a link between them?

A network's encoder gives every node a vector, a decoder reads pairs of them. While it learns, a link that it is asked
for is never among those that messages run along: the links called positive are dealt into parts, each part is asked
for over the observed graph and the other parts, and negatives are drawn anew each time. Pairs to be predicted are
read over the observed graph and all links called positive in training.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from neuroloom.core.answers import some
from neuroloom.core.checkpoints import digest, keeping
from neuroloom.core.checks import check_choice, check_float, check_int, check_lengths
from neuroloom.core.errors import InputError
from neuroloom.core.graph import Graph
from neuroloom.core.samples import LinkSet, observed_graph
from neuroloom.core.seeding import as_seed, derive, stream
from neuroloom.graphs.link_heuristics import as_links, links_over
from neuroloom.graphs.network import GraphNetwork, one_thread, sparse_or_dense, undirected

if TYPE_CHECKING:
    import torch

    _Model = GraphNetwork
else:
    _Model = object

FEWEST_TO_HOLD_OUT = 50  # labelled pairs
PAIRS_AT_ONCE = 50_000
Ints = NDArray[np.int64]


class Messages:
    """The graph that messages run along: one adjacency a layer, and the common neighbours of pairs in it."""

    def __init__(self, model: GraphNetwork, graph: Graph, device: torch.device, common: bool) -> None:
        import scipy.sparse

        from neuroloom.graphs._layers.sparse import Sparse

        both_ways = undirected(graph)
        self.adjacencies = [Sparse(model._adjacency(both_ways), device)] * (model._hops() or 1)
        self.device = device
        self._pattern: Any = None
        if common:
            self._pattern = scipy.sparse.csr_array(
                both_ways.without_self_loops().to_scipy(), dtype=np.float32
            )
            self._pattern.data[:] = 1
            each = 1 / np.maximum(self._pattern.sum(axis=0), 1)
            self._shared_out = scipy.sparse.csr_array(self._pattern @ scipy.sparse.diags_array(each))

    def shared(self, pairs: Ints) -> Any:
        """Return the sparse ``(n, nodes)`` of one over the degree at common neighbours of ``pairs (n, 2)``, if
        wanted.
        """
        from neuroloom.graphs._layers.sparse import Sparse

        if self._pattern is None:
            return None
        return Sparse(self._pattern[pairs[:, 0]].multiply(self._shared_out[pairs[:, 1]]), self.device)


@dataclass(eq=False, repr=False, kw_only=True)
class LinkClassifier(ClassifierMixin, _Model):  # type: ignore[misc]
    """Classifier of pairs of nodes, a link or none.

    Args:
        decoder: what reads a pair of vectors: ``"mlp"``, a dense net on their product, or ``"dot"``, their inner
            product.
        common_neighbours: whether the dense net sees the common neighbours, too, see :class:`NCNLinkClassifier`.
        parts: parts that the links called positive are dealt into, at least 2; a step asks for one of them.
        negatives: pairs without a link for each link in a step, at least 1; a third of them share an end with the
            link, and another third a neighbour of that end, too.
        head_dropout: share of the dense net's hidden units dropped in training, in [0, 1).
    """

    decoder: str = "mlp"
    common_neighbours: bool = False
    parts: int = 5
    negatives: int = 3
    head_dropout: float = 0.3
    hidden: int = 64
    dropout: float = 0.2
    epochs: int = 300
    patience: int = 60
    learning_rate: float = 0.005
    weight_decay: float = 0.0
    normalize: str = "standard"

    def fit(self, X: LinkSet, y: Any, eval_set: tuple[LinkSet, Any] | None = None) -> Self:
        """Learn from labelled pairs and the observed graph.

        Args:
            X: the pairs, none an edge of their graph.
            y: ``(n,)`` labels of two values, the larger meaning a link.
            eval_set: pairs and labels to stop early on; without it a share of ``X`` is held out, unless there are fewer
                than 50.

        Raises:
            InputError: a parameter is out of range, there are not two labels, or the parts do not fit together.
            NotSupportedError: ``X`` is no LinkSet.
        """
        from neuroloom.core.devices import resolve_device

        X, labels = as_links(X), np.asarray(y)
        check_lengths(X, labels)
        self._check_training()
        self._check_links()
        seed = as_seed(self.random_state)
        self.classes_ = np.unique(labels)
        if len(self.classes_) != 2:
            raise InputError(f"y must hold two labels, no link and link, but holds {len(self.classes_)}.")
        self.graph_ = observed_graph(X, labels)
        self.observed_ = X.graph.structure()
        truth = labels == self.classes_[1]
        pairs, truth, valid = self._split(X, truth, eval_set, seed)
        if truth.sum() < 2:
            raise InputError("a link network needs at least 2 links to learn from; pass more labelled pairs.")
        device = resolve_device(self.device)
        self._learn_features(X.graph, seed, "prone" if len(X.graph.indices) else "degree")
        raw = self._raw(X.graph)
        self._learn_scale(raw)
        self.input_ = self._scaled(raw)
        self._train(X.graph, pairs, truth, valid, seed, device)
        return self

    def _check_links(self) -> None:
        from neuroloom.graphs._layers.links import DECODERS

        check_choice("decoder", self.decoder, DECODERS)
        check_int("parts", self.parts, 2)
        check_int("negatives", self.negatives)
        check_float("head_dropout", self.head_dropout, 0, 1, open_high=True)
        if self.common_neighbours and self.decoder == "dot":
            raise InputError(
                "`common_neighbours` needs decoder='mlp'; an inner product has no room for them."
            )

    def _split(self, X: LinkSet, truth: NDArray[np.bool_], eval_set: Any, seed: int) -> tuple[Any, Any, Any]:
        """Return pairs and truth to train on, and both to stop on or None."""
        if eval_set is not None:
            valid = as_links(eval_set[0])
            check_lengths(valid, eval_set[1])
            if valid.graph.structure() != self.observed_:
                raise InputError("the pairs of `eval_set` must belong to the graph of X.")
            return X.pairs, truth, (valid.pairs, np.asarray(eval_set[1]) == self.classes_[1])
        if len(truth) < FEWEST_TO_HOLD_OUT:
            return X.pairs, truth, None
        held = some(len(truth), self.validation_fraction, stream(seed, "held out"))
        if len(np.unique(truth[held])) < 2:
            return X.pairs, truth, None
        return X.pairs[~held], truth[~held], (X.pairs[held], truth[held])

    def _net(self) -> torch.nn.Module:
        from neuroloom.graphs._layers.links import LinkNet

        encoder = self._encoder(self.n_features_in_, None)
        return LinkNet(encoder, self.decoder, self.common_neighbours, self.head_dropout)

    def _train(
        self,
        observed: Graph,
        pairs: Ints,
        truth: NDArray[np.bool_],
        valid: Any,
        seed: int,
        device: torch.device,
    ) -> None:
        import torch

        from neuroloom.core.training import TrainConfig
        from neuroloom.core.training import train as run

        with one_thread(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(derive(seed, "weights"))
            network = self._net().to(device)
        x = sparse_or_dense(self.input_, device)
        draws = stream(seed, "negatives")
        loss, renew = self._steps(observed, pairs, truth, x, draws, device)
        read = observed.indptr, observed.indices, observed.weights, self.input_
        of = digest(self, *read, pairs, truth, *(valid or ())) if keeping() else None
        score = None
        if valid is not None:
            known = Messages(self, observed.with_edges(pairs[truth]), device, self.common_neighbours)
            asked, shared = torch.from_numpy(valid[0]).to(device), known.shared(valid[0])
            right = torch.from_numpy(valid[1]).to(device)

            def score(net: Any) -> torch.Tensor:
                """Return the share of pairs of a link and none that are ranked rightly."""
                return _ranked_right(net(known.adjacencies, x, asked, shared), right)

        with one_thread():
            result = run(
                network,
                loss,
                config=TrainConfig(
                    epochs=self.epochs if score is not None else min(self.epochs, 2 * self.patience),
                    optimizer="adam",
                    learning_rate=self.learning_rate,
                    weight_decay=self.weight_decay,
                    patience=self.patience if score is not None else None,
                ),
                seed=derive(seed, "training"),
                valid=score,
                decay_scale=self._decay_scale(
                    [name for name, p in network.named_parameters() if p.requires_grad]
                ),
                renew=renew,
                samples=of,
                draws=[draws],
            )
        self._keep(network, result.history)

    def _steps(
        self, observed: Graph, pairs: Ints, truth: NDArray[np.bool_], x: Any, draws: Any, device: torch.device
    ) -> tuple[Any, Callable[[int], None]]:
        """Return the loss of a step, which asks for a part of the links and for pairs without one.

        And what is to be called before each epoch, a step each, with its number from 1: whose turn it is.
        """
        import torch
        from torch.nn.functional import binary_cross_entropy_with_logits

        links, given = pairs[truth], pairs[~truth]
        dealt = np.array_split(draws.permutation(len(links)), min(self.parts, len(links)))
        known = observed.with_edges(links)
        asked = [links[part] for part in dealt]
        rest = [
            Messages(
                self, observed.with_edges(np.delete(links, part, axis=0)), device, self.common_neighbours
            )
            for part in dealt
        ]
        turn = 0

        def loss(net: Any, rows: Any) -> torch.Tensor:
            part, messages = asked[turn], rest[turn]
            none = drawn_non_links(known, part, self.negatives, draws)
            some_given = given[draws.permutation(len(given))[: len(part)]]
            every = np.concatenate([part, none, some_given])
            logits = net(messages.adjacencies, x, torch.from_numpy(every).to(device), messages.shared(every))
            wanted = (torch.arange(len(every), device=device) < len(part)).to(logits.dtype)
            weight = torch.where(
                wanted > 0, len(every) / (2 * len(part)), len(every) / (2 * max(len(every) - len(part), 1))
            )
            return binary_cross_entropy_with_logits(logits, wanted, weight)

        def renew(epoch: int) -> None:
            nonlocal turn
            turn = (epoch - 1) % len(asked)

        return loss, renew

    def decision_function(self, X: LinkSet) -> NDArray[np.float64]:
        """Return ``(n,)`` logits; above 0 they mean a link."""
        import torch

        from neuroloom.core.devices import resolve_device

        check_is_fitted(self, "weights_")
        links, device = links_over(X, self.graph_, self.observed_), resolve_device(self.device)
        network = self._restored(self._net(), device)
        messages = Messages(self, self.graph_, device, self.common_neighbours)
        x, made = sparse_or_dense(self.input_, device), [np.empty(0)]
        with one_thread(), torch.no_grad():
            for start in range(0, len(links), PAIRS_AT_ONCE):
                pairs = links.pairs[start : start + PAIRS_AT_ONCE]
                asked = torch.from_numpy(pairs).to(device)
                made.append(
                    network(messages.adjacencies, x, asked, messages.shared(pairs)).double().cpu().numpy()
                )
        return np.concatenate(made)

    def predict_proba(self, X: LinkSet) -> NDArray[np.float64]:
        """Return ``(n, 2)`` chances of no link and of one, as if links were as frequent as other pairs."""
        link = 0.5 * (1 + np.tanh(self.decision_function(X) / 2))
        return np.column_stack([1 - link, link])

    def predict(self, X: LinkSet) -> NDArray[Any]:
        """Return ``(n,)`` labels."""
        labels: NDArray[Any] = self.classes_[(self.decision_function(X) > 0).astype(int)]
        return labels


def drawn_non_links(known: Graph, links: Ints, each: int, draws: np.random.Generator) -> Ints:
    """Return about ``each · len(links)`` pairs that are no edges of ``known``.

    Three kinds take turns: any pair; an end of one of ``links (k, 2)`` and any node, so that a node's degree alone does
    not tell links from others; and such an end and a node two random steps away, which shares a neighbour with it.
    Pairs that turn out to be edges or loops are left out rather than drawn again.
    """
    count = each * len(links)
    pairs = draws.integers(known.n_nodes, size=(count, 2))
    kind, rows = np.arange(count) % 3, np.arange(count) // each
    ends = links[rows, draws.integers(2, size=count)]
    pairs[kind > 0, 0] = ends[kind > 0]
    pairs[kind == 2, 1] = _walked(known, ends[kind == 2], draws)
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    none: Ints = pairs[~known.has_edges(pairs)]
    return none


def _walked(graph: Graph, nodes: Ints, draws: np.random.Generator) -> Ints:
    """Return where two random steps from each of ``nodes`` end; a node without neighbours stays where it is."""
    at = nodes
    for _ in range(2 if len(graph.indices) else 0):
        degree = graph.degrees[at]
        place = graph.indptr[at] + (draws.random(len(at)) * degree).astype(np.int64)
        at = np.where(degree > 0, graph.indices[np.minimum(place, len(graph.indices) - 1)], at)
    return at


def _ranked_right(logits: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    """Return the area under the ROC curve, less a ten-thousandth of the loss, which decides between equals."""
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits

    loss = binary_cross_entropy_with_logits(logits, right.to(logits.dtype))
    at = torch.argsort(torch.argsort(logits, stable=True), stable=True).double()
    links = right.sum()
    over = at[right].sum() - links * (links - 1) / 2
    return over / (links * (len(right) - links)) - 1e-4 * loss.double()
