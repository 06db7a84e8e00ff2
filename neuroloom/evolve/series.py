"""NEAT as a classifier of series: recurrent networks that read them step by step.

Stanley and Miikkulainen (2002), "Evolving neural networks through augmenting topologies".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin

from neuroloom.core.checks import check_choice, check_int, check_lengths
from neuroloom.core.errors import InputError
from neuroloom.core.seeding import as_seed, derive
from neuroloom.evolve.config import NEATConfig, refuse_plastic
from neuroloom.evolve.estimators import _WORST, NEATEstimator, probabilities
from neuroloom.evolve.genome import Genome
from neuroloom.evolve.phenotypes import in_threads
from neuroloom.evolve.recurrent import RecurrentPhenotypes, as_sequences

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]
Ints = NDArray[np.int64]


class NEATSeriesClassifier(ClassifierMixin, NEATEstimator):  # type: ignore[misc]
    """NEAT classifier of series: a recurrent network whose topology and weights evolve reads each step by step.

    The network has an input a channel and an output a class (one in all for two classes). Its outputs, their mean over
    time or the last ones, pass through the softmax; the fitness is the mean log-likelihood of the labels, computed for
    the whole population by a compiled kernel. Channels are standardised over all training series, and series longer
    than ``steps`` are shortened to so many by the means of neighbouring values.

    Args:
        population: number of genomes, at least 2.
        generations: number of generations, at least 1; exactly so many are run unless ``early_stopping``.
        learning: None.
        device: ``"auto"`` or ``"cpu"``: recurrent networks are stepped by the CPU's kernel.
        random_state: seed, generator or None.
        network: ``"recurrent"`` or ``"ctrnn"``, as in ``NEATConfig``.
        readout: ``"mean"`` of the outputs over time, or the ``"last"`` ones.
        steps: most steps that a network reads, at least 2.
        activations: what hidden nodes may compute, names from ``neuroloom.evolve.functions.ACTIVATIONS``.
        initial_connection: how the first genomes are connected, as in ``NEATConfig``.
        node_add_prob: chance in [0, 1] that a child gains a node.
        conn_add_prob: chance in [0, 1] that a child gains a connection.
        early_stopping: whether to stop when the validation score (on ``eval_set``, or on series held out) has not risen
            for ``patience`` generations; the genome that validated best is kept.
        patience: generations, at least 1.
        validation_fraction: share in (0, 1) of the series held out for early stopping where no ``eval_set`` is given.
        settings: further settings of ``NEATConfig`` by name, or None.
        callbacks: told of every generation, a function of the engine or several, see ``neuroloom.evolve.callbacks``.

    Attributes:
        best_genome_: the network, a :class:`~neuroloom.evolve.Genome`.
        history_: a dict for each generation: ``step``, ``seconds``, ``score`` (best fitness so far), ``evaluations``,
            ``species``, ``mean_fitness``, …
        classes_: the labels.

    Raises:
        InputError: a parameter is out of its range, or ``X`` is no finite array ``(n, channels, length)``.

    Source:
        Stanley and Miikkulainen (2002), "Evolving neural networks through augmenting topologies".
    """

    def __init__(
        self,
        population: int = 150,
        generations: int = 100,
        learning: str | None = None,
        device: str = "auto",
        random_state: Any = None,
        *,
        network: str = "recurrent",
        readout: str = "mean",
        steps: int = 64,
        activations: tuple[str, ...] | list[str] | str = ("tanh", "relu", "gauss", "sin"),
        initial_connection: str = "full",
        node_add_prob: float = 0.1,
        conn_add_prob: float = 0.2,
        early_stopping: bool = False,
        patience: int = 20,
        validation_fraction: float = 0.15,
        settings: dict[str, Any] | None = None,
        callbacks: Any = None,
    ) -> None:
        super().__init__(
            population,
            generations,
            learning,
            device,
            random_state,
            activations=activations,
            initial_connection=initial_connection,
            node_add_prob=node_add_prob,
            conn_add_prob=conn_add_prob,
            early_stopping=early_stopping,
            patience=patience,
            validation_fraction=validation_fraction,
            settings=settings,
            callbacks=callbacks,
        )
        self.network = network
        self.readout = readout
        self.steps = steps

    def fit(self, X: Any, y: Any, eval_set: tuple[Any, Any] | None = None) -> Self:
        """Evolve on ``X (n, channels, length)`` and labels ``y (n,)``; ``eval_set`` chooses the genome."""
        from sklearn.utils.multiclass import check_classification_targets

        self._check()
        rows, y = self._series(X), np.asarray(y)
        check_lengths(rows, y)
        check_classification_targets(y)
        self.n_channels_, self.length_ = rows.shape[1:]
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise InputError(
                f"NEATSeriesClassifier needs series of at least 2 classes, but got {len(self.classes_)} class."
            )
        seed = as_seed(self.random_state)
        held = None
        if eval_set is not None:
            check_lengths(*eval_set)
            held = self._read(eval_set[0]), self._codes(np.asarray(eval_set[1]))
        rows, codes, held = self._held_out(rows, codes, held, seed, classes=True)
        self.mean_ = rows.mean(axis=(0, 2))
        spread = rows.std(axis=(0, 2))
        self.scale_ = np.where(spread > 1e-12 * np.maximum(np.abs(self.mean_), 1e-300), spread, 1.0)
        evaluate = self._fitness(self._sequences(rows), codes.astype(np.int64))
        outputs = 1 if len(self.classes_) == 2 else len(self.classes_)
        config = self._config(self.n_channels_, outputs)
        validate = None if held is None else self._validator(*held)
        samples = rows, codes, *(held or ())
        self._evolve(config, derive(seed, "evolve"), evaluate, validate, samples=samples)
        return self

    def predict_proba(self, X: Any) -> Floats:
        """Return ``(n, classes)`` probabilities."""
        from sklearn.utils.validation import check_is_fitted

        check_is_fitted(self)
        return self._likely(self.best_genome_, self._read(X))

    def predict(self, X: Any) -> NDArray[Any]:
        """Return ``(n,)`` labels."""
        labels: NDArray[Any] = self.classes_[self.predict_proba(X).argmax(axis=1)]
        return labels

    # -- parts ----------------------------------------------------------------------------------------------

    def _check(self) -> None:
        super()._check()
        check_choice("network", self.network, ("recurrent", "ctrnn"))
        check_choice("readout", self.readout, ("mean", "last"))
        check_int("steps", self.steps, 2)
        if self.learning is not None:
            raise InputError(f"`learning` must be None for recurrent networks, but got {self.learning!r}.")
        if self.device not in ("auto", "cpu"):
            raise InputError(
                f"`device` must be 'auto' or 'cpu' for recurrent networks, but got {self.device!r}."
            )

    def _config(self, inputs: int, outputs: int) -> NEATConfig:
        if "network" in (self.settings or {}):
            raise InputError(
                "`settings` may not hold 'network'; set `network` of NEATSeriesClassifier itself."
            )
        config = self._defaults(inputs, outputs).replace(network=self.network, **(self.settings or {}))
        refuse_plastic(config.plasticity, type(self).__name__)
        return config

    def _fitness(self, sequences: Floats32, labels: Ints) -> Callable[[Any], Floats]:
        """Return the mean log-likelihood of ``labels`` as a function of compiled networks."""
        from neuroloom.evolve._kernels_losses import mean_log_likelihood
        from neuroloom.evolve._kernels_phenotype import block_room

        def evaluate(networks: RecurrentPhenotypes) -> Floats:
            found = np.ascontiguousarray(networks.run(sequences, self.readout)[:, 0])
            fitness = np.empty(len(networks))

            def work(start: int, stop: int) -> None:
                mean_log_likelihood(found, labels, start, stop, fitness, *block_room(networks.outputs + 2))

            in_threads(work, len(networks), networks.threads)
            return np.nan_to_num(fitness, nan=_WORST, neginf=_WORST).clip(min=_WORST)

        return evaluate

    def _validator(self, X: Floats, codes: Ints) -> Callable[[Genome], float]:
        """Return the mean log-likelihood of held-out labels as a function of a genome."""

        def validate(genome: Genome) -> float:
            likely = self._likely(genome, X)[np.arange(len(X)), codes]
            return float(np.log(np.maximum(likely, 1e-12)).mean())

        return validate

    def _likely(self, genome: Genome, X: Floats) -> Floats:
        """Return the probabilities of the classes for checked series."""
        outputs = genome.activate_sequence(self._shortened(X))
        return probabilities(outputs.mean(axis=1) if self.readout == "mean" else outputs[:, -1])

    def _codes(self, y: NDArray[Any]) -> Ints:
        """Return the places of ``y`` in ``classes_``."""
        codes: Ints = np.searchsorted(self.classes_, y).clip(max=len(self.classes_) - 1)
        strange = self.classes_[codes] != y
        if strange.any():
            raise InputError(f"`eval_set` holds the label {y[strange].tolist()[0]!r}, which `y` does not.")
        return codes

    # -- series ---------------------------------------------------------------------------------------------

    def _series(self, X: Any) -> Floats:
        """Return ``X`` as finite floats ``(n, channels, length)``."""
        rows = np.asarray(X, dtype=np.float64)
        if rows.ndim != 3 or 0 in rows.shape:
            raise InputError(
                f"X must be an array (n, channels, length) of at least one series, but has shape {rows.shape}."
            )
        if not np.isfinite(rows).all():
            raise InputError("X must be finite, but holds missing or infinite values; fill them first.")
        return rows

    def _read(self, X: Any) -> Floats:
        """Return series of as many channels and steps as those given to ``fit``."""
        rows = self._series(X)
        if rows.shape[1:] != (self.n_channels_, self.length_):
            raise InputError(
                f"X must have shape (n, {self.n_channels_}, {self.length_}) as in fit, but has {rows.shape}."
            )
        return rows

    def _shortened(self, rows: Floats) -> Floats:
        """Return the standardised series ``(n, time, channels)``, of at most ``steps`` steps."""
        length = rows.shape[2]
        if length > self.steps:
            starts = np.arange(self.steps) * length // self.steps
            counts = np.diff(np.append(starts, length))
            rows = np.add.reduceat(rows, starts, axis=2) / counts
        shortened: Floats = ((rows - self.mean_[:, None]) / self.scale_[:, None]).transpose(0, 2, 1)
        return shortened

    def _sequences(self, rows: Floats) -> Floats32:
        return as_sequences(self._shortened(rows), self.n_channels_)
