"""NEAT as scikit-learn's classifier and regressor.

Stanley and Miikkulainen (2002), "Evolving neural networks through augmenting topologies".
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

from neuroloom.core.checkpoints import digest
from neuroloom.core.checks import check_choice, check_float, check_int, check_lengths
from neuroloom.core.errors import InputError
from neuroloom.core.seeding import as_seed, derive, stream
from neuroloom.evolve.config import NEATConfig, refuse_plastic
from neuroloom.evolve.genome import Genome
from neuroloom.evolve.keeping import kept_run

if TYPE_CHECKING:
    from neuroloom.evolve.learning import Learning
    from neuroloom.evolve.phenotypes import Phenotypes

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]
Ints = NDArray[np.int64]
Evaluate = Callable[["Phenotypes"], Any]
_WORST = -1e30  # the fitness of a network whose error overflows


class NEATEstimator(BaseEstimator):  # type: ignore[misc]
    """What NEAT's estimators share: the parameters, the engine, the fitted network."""

    def __init__(
        self,
        population: int = 150,
        generations: int = 100,
        learning: str | None = None,
        device: str = "auto",
        random_state: Any = None,
        *,
        activations: tuple[str, ...] | list[str] | str = ("tanh", "relu", "gauss", "sin"),
        initial_connection: str = "full",
        node_add_prob: float = 0.1,
        conn_add_prob: float = 0.2,
        early_stopping: bool = False,
        patience: int = 20,
        validation_fraction: float = 0.15,
        engine: str = "array",
        settings: dict[str, Any] | None = None,
        learning_steps: int = 10,
        learning_rate: float = 0.05,
        callbacks: Any = None,
    ) -> None:
        self.population = population
        self.generations = generations
        self.learning = learning
        self.device = device
        self.random_state = random_state
        self.activations = activations
        self.initial_connection = initial_connection
        self.node_add_prob = node_add_prob
        self.conn_add_prob = conn_add_prob
        self.early_stopping = early_stopping
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.engine = engine
        self.settings = settings
        self.learning_steps = learning_steps
        self.learning_rate = learning_rate
        self.callbacks = callbacks

    # -- settings -------------------------------------------------------------------------------------------

    def _check(self) -> None:
        check_int("population", self.population, 2)
        check_int("generations", self.generations, 1)
        check_int("patience", self.patience, 1)
        check_float("validation_fraction", self.validation_fraction, 0, 1, open_low=True, open_high=True)
        check_choice("engine", self.engine, ("array", "neat-python"))
        from neuroloom.evolve.learning import check_learning

        check_learning(self.learning, self.learning_steps, self.learning_rate)
        if self.learning is not None and self.engine != "array":
            raise InputError(
                f"`learning` needs engine='array', but got engine={self.engine!r}; set learning=None."
            )

    def _config(self, inputs: int, outputs: int) -> NEATConfig:
        """Return the engine's settings: the estimator's own, then what ``settings`` says otherwise."""
        config = self._defaults(inputs, outputs).replace(**(self.settings or {}))
        refuse_plastic(config.plasticity, f"{type(self).__name__}, whose rows have no order in time,")
        if config.network != "feed-forward":
            raise InputError(
                f"rows of a table have no order in time, so a {config.network} network has nothing to remember: leave "
                'network="feed-forward", or use NEATSeriesClassifier for series and NEATPolicy for episodes.'
            )
        return config

    def _defaults(self, inputs: int, outputs: int) -> NEATConfig:
        """Return the engine's settings as the parameters have them."""
        options = (self.activations,) if isinstance(self.activations, str) else tuple(self.activations)
        scale = 1.0 / np.sqrt(inputs)
        return NEATConfig(
            inputs,
            outputs,
            population=self.population,
            initial_connection=self.initial_connection,
            activation_default="random",
            activation_options=options,
            activation_mutate_rate=0.05,
            output_activation="identity",
            weight_init_stdev=scale,
            bias_init_stdev=scale,
            weight_mutate_rate=0.05,
            weight_replace_rate=0.0,
            bias_mutate_rate=0.05,
            bias_replace_rate=0.0,
            node_add_prob=self.node_add_prob,
            conn_add_prob=self.conn_add_prob,
            conn_delete_prob=self.conn_add_prob / 4,
            node_delete_prob=self.node_add_prob / 4,
            survival_threshold=0.1,
            distance="paper",
            fitness_sharing="rank",
        )

    # -- evolution ------------------------------------------------------------------------------------------

    def _engine(self, config: NEATConfig, seed: int) -> Any:
        """Return a fresh run."""
        if self.engine == "array":
            from neuroloom.evolve.neat import NEAT

            return NEAT(config, seed)
        from neuroloom.evolve.neat_python_engine import NeatPythonEngine

        return NeatPythonEngine(config, seed)

    def _evolve(
        self,
        config: NEATConfig,
        seed: int,
        evaluate: Evaluate,
        validate: Any = None,
        learning: Learning | None = None,
        samples: tuple[NDArray[Any] | None, ...] = (),
    ) -> None:
        """Run the engine and keep its best genome: by fitness, or by ``validate(genome)`` where that is given.

        ``samples`` are what is learned from, which tells a run that was kept from others.
        """
        from neuroloom.evolve.callbacks import as_list, told

        engine = self._engine(config, seed)
        watch = _Watch(validate, self.patience if self.early_stopping else None)
        more = {} if learning is None else {"learning": learning}
        kept, over = kept_run(engine, lambda: f"{digest(self, *samples)} {seed}"), False
        if kept is not None:
            engine, beside, over = kept.resume(engine)
            watch.restore(beside)
        left = self.generations - (0 if kept is None else len(engine.history_))
        if left and not over:
            with told([watch, *as_list(self.callbacks)], engine, self.generations) as ended:

                def after(engine: Any) -> bool:
                    stop = ended()
                    if kept is not None:
                        kept.keep(engine, watch.state, ended=stop)
                    return stop

                engine.run_phenotypes(evaluate, left, after, **more)
        if kept is not None and not over:
            kept.keep(engine, watch.state, ended=True)
        self.best_genome_: Genome = watch.best if watch.best is not None else engine.best_genome_
        self.history_: list[dict[str, float]] = engine.history_
        self.n_parameters_: int = self.best_genome_.n_parameters
        self._ended(engine)

    def _judged(
        self, evaluate: Evaluate, samples: Floats32, labels: Ints | None
    ) -> Callable[[Phenotypes], Any]:
        """Return what the engine is told of compiled networks; ``evaluate`` gives their fitness.

        They are evaluated on ``samples (inputs, n)``; ``labels (n,)`` are the places of the classes, if there are any.
        """
        return evaluate

    def _ended(self, engine: Any) -> None:
        """Keep what else a run gave."""

    def _learning(self, samples: Floats32, loss: Callable[[Any], Any]) -> Learning | None:
        """Return how the networks learn from ``samples (inputs, n)``, or None."""
        if self.learning is None:
            return None
        return self._by_gradient(self.learning, samples, loss, self.learning_steps, self.learning_rate)

    def _by_gradient(
        self, rule: str, samples: Floats32, loss: Callable[[Any], Any], steps: int = 10, rate: float = 0.05
    ) -> Learning:
        from neuroloom.core.devices import resolve_device
        from neuroloom.evolve.learning import Learning

        device = "cpu" if self.device == "auto" else str(resolve_device(self.device))
        return Learning(rule, loss, samples.T, steps, rate, device)

    def _activation(self) -> Callable[[Phenotypes, Floats32], Floats32] | None:
        """Return the function that computes ``(genomes, outputs, n)`` from ``(inputs, n)`` where torch does so.

        On the CPU there is None: the kernel that computes the networks computes their fitness too.
        """
        if self.device in ("auto", "cpu"):
            return None
        from neuroloom.core.devices import resolve_device

        device = resolve_device(self.device)

        def on_device(phenotypes: Phenotypes, samples: Floats32) -> Floats32:
            import torch

            from neuroloom.evolve.population_net import PopulationNet

            net = PopulationNet(phenotypes).to(device)
            with torch.no_grad():
                found = net(torch.from_numpy(np.ascontiguousarray(samples.T)).to(device))
            return np.ascontiguousarray(found.permute(0, 2, 1).cpu().numpy())

        return on_device

    def _held_out(
        self, X: Any, y: Any, eval_set: tuple[Any, Any] | None, seed: int, classes: bool
    ) -> tuple[Any, Any, tuple[Any, Any] | None]:
        """Return the rows and targets to evolve on, and those to validate on or None.

        Without ``eval_set``, early stopping holds out a share of the rows, for class codes the same of each class.
        """
        if eval_set is not None:
            return X, y, eval_set
        held = round(len(X) * self.validation_fraction)
        if not self.early_stopping or held < 1 or len(X) - held < 2:
            return X, y, None
        order = stream(seed, "evolve", "validation").permutation(len(X))
        if classes:  # deal the shuffled rows out class by class, every so manyth being held
            order = order[np.argsort(y[order], kind="stable")]
            order = order[np.argsort(np.arange(len(X)) * held % len(X) >= held, kind="stable")]
        train, valid = np.sort(order[held:]), np.sort(order[:held])
        return X[train], y[train], (X[valid], y[valid])

    # -- samples --------------------------------------------------------------------------------------------

    def _standardise(self, X: Any) -> None:
        self.mean_: Floats = X.mean(axis=0)
        scale = X.std(axis=0)
        self.scale_: Floats = np.where(scale > 1e-12 * np.maximum(np.abs(self.mean_), 1e-300), scale, 1.0)

    def _inputs(self, X: Any) -> Floats:
        """Return what the networks are given for ``X (n, features)``, ``(n, inputs)``: the standardised features."""
        return np.asarray((X - self.mean_) / self.scale_)

    def _samples(self, X: Any) -> Floats32:
        """Return ``(inputs, n)`` float32."""
        return np.ascontiguousarray(self._inputs(X).T, dtype=np.float32)

    def _raw(self, X: Any) -> Floats:
        """Return the network's outputs ``(n, outputs)`` for ``X (n, features)``."""
        from sklearn.utils.validation import check_is_fitted, validate_data

        check_is_fitted(self)
        rows = validate_data(self, X, dtype=np.float64, reset=False)
        return self.best_genome_.activate(self._inputs(rows))

    def _eval_set(self, eval_set: tuple[Any, Any]) -> tuple[Any, Any]:
        """Return ``eval_set`` as a checked array and its targets as an array."""
        from sklearn.utils.validation import validate_data

        X, y = eval_set
        check_lengths(X, y)
        return validate_data(self, X, dtype=np.float64, reset=False), np.asarray(y)


def with_genome(estimator: Any, genome: Genome) -> Any:
    """Return a fitted estimator like ``estimator`` that answers by ``genome``."""
    made = copy.copy(estimator)
    made.best_genome_, made.n_parameters_ = genome, genome.n_parameters
    return made


class _Watch:
    """Called after each generation: keeps the genome that validates best, and says when to stop."""

    def __init__(self, validate: Callable[[Genome], float] | None, patience: int | None) -> None:
        self._validate, self._patience = validate, patience
        self.best: Genome | None = None
        self._score, self._since, self._seen = -np.inf, 0, -np.inf

    def state(self) -> dict[str, Any]:
        """Return what was seen, as plain data."""
        best = None if self.best is None else self.best.to_dict()
        return {"best": best, "score": self._score, "since": self._since, "seen": self._seen}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what :meth:`state` gave; an empty one changes nothing."""
        if state:
            self.best = None if state["best"] is None else Genome.from_dict(state["best"])
            self._score, self._since, self._seen = state["score"], state["since"], state["seen"]

    def __call__(self, engine: Any) -> bool:
        entry = engine.history_[-1]
        self._since += 1
        if self._validate is None:
            if entry["score"] > self._seen:
                self._since = 0
        elif entry["score"] > self._seen:
            genome = engine.best_genome_
            score = self._validate(genome)
            if score > self._score:
                self.best, self._score, self._since = genome, score, 0
        self._seen = max(self._seen, entry["score"])
        if self._validate is not None:
            entry["valid_loss"] = -self._score
        return self._patience is not None and self._since >= self._patience


class NEATClassifier(ClassifierMixin, NEATEstimator):  # type: ignore[misc]
    """NEAT classifier: a network whose topology and weights evolve, one output a class (one in all for two classes).

    Inputs are standardised. The fitness is the mean log-likelihood of the labels under the softmax of the outputs
    (under the logistic function of a single one), computed for the whole population as one batch by a compiled
    kernel. The default engine is this package's own, on arrays of genes.

    Args:
        population: number of genomes, at least 2.
        generations: number of generations, at least 1; exactly so many are run unless ``early_stopping``.
        learning: None for evolution alone; ``"lamarckian"``, the networks of every generation take ``learning_steps``
            gradient steps and their children inherit what they learnt; ``"baldwinian"``, the same, but children inherit
            the genes alone and learning tells in the fitness (``best_genome_`` is the network after learning).
        device: ``"auto"`` and ``"cpu"`` compute by the fused CPU kernel, ``"cuda"`` and others by torch.
        random_state: seed, generator or None.
        activations: what hidden nodes may compute, names from ``neuroloom.evolve.functions.ACTIVATIONS``.
        initial_connection: how the first genomes are connected, as in ``NEATConfig``.
        node_add_prob: chance in [0, 1] that a child gains a node.
        conn_add_prob: chance in [0, 1] that a child gains a connection.
        early_stopping: whether to stop when the validation score (on ``eval_set``, or on rows held out) has not risen
            for ``patience`` generations; the genome that validated best is kept.
        patience: generations, at least 1.
        validation_fraction: share in (0, 1) of the rows held out for early stopping where no ``eval_set`` is given.
        engine: ``"array"``, the engine of this package, or ``"neat-python"`` as a reference.
        settings: further settings of ``NEATConfig`` by name, or None.
        learning_steps: gradient steps (Adam, full batch) in each generation, at least 1; each counts as an evaluation.
        learning_rate: Adam's step size, above 0.
        callbacks: told of every generation, a function of the engine or several, see ``neuroloom.evolve.callbacks``.

    Attributes:
        best_genome_: the network, a :class:`~neuroloom.evolve.Genome`.
        history_: a dict for each generation: ``step``, ``seconds``, ``score`` (best fitness so far), ``evaluations``,
            ``species``, ``mean_fitness``, …
        classes_: the labels.

    Raises:
        InputError: a parameter is out of its range.

    Source:
        Stanley and Miikkulainen (2002), "Evolving neural networks through augmenting topologies"; for ``learning``
        Whitley, Gordon and Mathias (1994), "Lamarckian evolution, the Baldwin effect and function optimization".
    """

    def fit(self, X: Any, y: Any, eval_set: tuple[Any, Any] | None = None) -> Self:
        """Evolve on ``X (n, features)`` and labels ``y (n,)``; ``eval_set = (X_val, y_val)`` chooses the genome."""
        from sklearn.utils.multiclass import check_classification_targets
        from sklearn.utils.validation import validate_data

        self._check()
        X, y = validate_data(self, X, y, dtype=np.float64, ensure_min_samples=2)
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise InputError(
                f"NEATClassifier needs samples of at least 2 classes, but got {len(self.classes_)} class."
            )
        held = None
        if eval_set is not None:
            X_held, y_held = self._eval_set(eval_set)
            held = X_held, self._codes(y_held)
        seed = as_seed(self.random_state)
        X, codes, held = self._held_out(X, codes, held, seed, classes=True)
        self._standardise(X)
        samples, labels = self._samples(X), codes.astype(np.int64)
        activate = self._activation()

        def evaluate(phenotypes: Phenotypes) -> Floats:
            if activate is None:
                fitness = phenotypes.score_likelihood(samples, labels)
            else:
                fitness = phenotypes.log_likelihood(activate(phenotypes, samples), labels)
            return np.nan_to_num(fitness, nan=_WORST, neginf=_WORST).clip(min=_WORST)

        outputs = 1 if len(self.classes_) == 2 else len(self.classes_)
        config = self._config(len(samples), outputs)
        self._evolve(
            config,
            derive(seed, "evolve"),
            self._judged(evaluate, samples, labels),
            None if held is None else self._validator(*held),
            self._learning(samples, lambda found: _cross_entropy(found, labels)),
            (X, codes, *(held or ())),
        )
        return self

    def _validator(self, X: Any, codes: Ints) -> Callable[[Genome], float]:
        """Return the mean log-likelihood of held-out labels as a function of a genome."""
        rows = self._inputs(X)

        def validate(genome: Genome) -> float:
            likely = probabilities(genome.activate(rows))[np.arange(len(rows)), codes]
            return float(np.log(np.maximum(likely, 1e-12)).mean())

        return validate

    def _codes(self, y: NDArray[Any]) -> Ints:
        """Return the places of ``y`` in ``classes_``."""
        codes = np.searchsorted(self.classes_, y).clip(max=len(self.classes_) - 1)
        strange = self.classes_[codes] != y
        if strange.any():
            raise InputError(f"`eval_set` holds the label {y[strange].tolist()[0]!r}, which `y` does not.")
        return codes

    def predict_proba(self, X: Any) -> Floats:
        """Return ``(n, classes)`` probabilities."""
        return probabilities(self._raw(X))

    def predict(self, X: Any) -> NDArray[Any]:
        """Return ``(n,)`` labels."""
        found = self.predict_proba(X).argmax(axis=1)
        labels: NDArray[Any] = self.classes_[found]
        return labels


def probabilities(raw: Floats) -> Floats:
    """Return the softmax over the second axis of ``raw``, ``(n, outputs)`` or ``(genomes, outputs, n)``.

    A single output stands for the second of two classes.
    """
    if raw.shape[1] == 1:
        raw = np.concatenate([np.zeros_like(raw), raw], axis=1)
    likely = np.exp(raw - raw.max(axis=1, keepdims=True))
    return np.asarray(likely / likely.sum(axis=1, keepdims=True))


def _cross_entropy(outputs: Any, labels: Ints) -> Any:
    """Return the negative mean log-likelihood ``(genomes,)`` of ``labels (n,)``, as a tensor."""
    import torch

    codes = torch.as_tensor(labels, device=outputs.device)
    if outputs.shape[2] == 1:
        return torch.nn.functional.softplus(outputs[:, :, 0] * (1 - 2 * codes)).mean(1)
    log = outputs.log_softmax(2)
    return -log.gather(2, codes[None, :, None].expand(len(log), -1, 1))[:, :, 0].mean(1)


def _squared_error(outputs: Any, target: Floats32) -> Any:
    """Return the mean squared error ``(genomes,)`` from ``target (n,)``, as a tensor."""
    import torch

    return (outputs[:, :, 0] - torch.as_tensor(target, device=outputs.device)).square().mean(1)


class NEATRegressor(RegressorMixin, NEATEstimator):  # type: ignore[misc]
    """NEAT regressor: a network whose topology and weights evolve, with one output.

    Inputs and target are standardised. The fitness is the negative mean squared error on the standardised target,
    computed for the whole population as one batch by a compiled kernel. The default engine is this package's own,
    on arrays of genes.

    Args:
        population: number of genomes, at least 2.
        generations: number of generations, at least 1; exactly so many are run unless ``early_stopping``.
        learning: None for evolution alone; ``"lamarckian"``, the networks of every generation take ``learning_steps``
            gradient steps and their children inherit what they learnt; ``"baldwinian"``, the same, but children inherit
            the genes alone and learning tells in the fitness (``best_genome_`` is the network after learning).
        device: ``"auto"`` and ``"cpu"`` compute by the fused CPU kernel, ``"cuda"`` and others by torch.
        random_state: seed, generator or None.
        activations: what hidden nodes may compute, names from ``neuroloom.evolve.functions.ACTIVATIONS``.
        initial_connection: how the first genomes are connected, as in ``NEATConfig``.
        node_add_prob: chance in [0, 1] that a child gains a node.
        conn_add_prob: chance in [0, 1] that a child gains a connection.
        early_stopping: whether to stop when the validation score (on ``eval_set``, or on rows held out) has not risen
            for ``patience`` generations; the genome that validated best is kept.
        patience: generations, at least 1.
        validation_fraction: share in (0, 1) of the rows held out for early stopping where no ``eval_set`` is given.
        engine: ``"array"``, the engine of this package, or ``"neat-python"`` as a reference.
        settings: further settings of ``NEATConfig`` by name, or None.
        learning_steps: gradient steps (Adam, full batch) in each generation, at least 1; each counts as an evaluation.
        learning_rate: Adam's step size, above 0.
        callbacks: told of every generation, a function of the engine or several, see ``neuroloom.evolve.callbacks``.

    Attributes:
        best_genome_: the network, a :class:`~neuroloom.evolve.Genome`.
        history_: a dict for each generation: ``step``, ``seconds``, ``score`` (best fitness so far), ``evaluations``,
            ``species``, ``mean_fitness``, …

    Raises:
        InputError: a parameter is out of its range.

    Source:
        Stanley and Miikkulainen (2002), "Evolving neural networks through augmenting topologies"; for ``learning``
        Whitley, Gordon and Mathias (1994), "Lamarckian evolution, the Baldwin effect and function optimization".
    """

    def fit(self, X: Any, y: Any, eval_set: tuple[Any, Any] | None = None) -> Self:
        """Evolve on ``X (n, features)`` and ``y (n,)``; ``eval_set = (X_val, y_val)`` chooses the genome kept."""
        from sklearn.utils.validation import validate_data

        self._check()
        X, y = validate_data(self, X, y, dtype=np.float64, ensure_min_samples=2, y_numeric=True)
        held = None if eval_set is None else self._eval_set(eval_set)
        seed = as_seed(self.random_state)
        X, y, held = self._held_out(X, np.asarray(y, dtype=np.float64), held, seed, classes=False)
        self._standardise(X)
        self.target_mean_ = float(y.mean())
        spread = float(y.std())
        self.target_scale_ = spread if spread > 0 else 1.0
        samples = self._samples(X)
        target = np.ascontiguousarray(((y - self.target_mean_) / self.target_scale_)[None], dtype=np.float32)
        activate = self._activation()

        def evaluate(phenotypes: Phenotypes) -> Floats:
            if activate is None:
                fitness = phenotypes.score_error(samples, target)
            else:
                fitness = phenotypes.negative_error(activate(phenotypes, samples), target)
            return np.nan_to_num(fitness, nan=_WORST, neginf=_WORST).clip(min=_WORST)

        config = self._config(len(samples), 1)
        self._evolve(
            config,
            derive(seed, "evolve"),
            self._judged(evaluate, samples, None),
            None if held is None else self._validator(*held),
            self._learning(samples, lambda found: _squared_error(found, target[0])),
            (X, y, *(held or ())),
        )
        return self

    def _validator(self, X: Any, y: Any) -> Callable[[Genome], float]:
        """Return the negative squared error on held-out targets as a function of a genome."""
        rows, target = self._inputs(X), (y - self.target_mean_) / self.target_scale_

        def validate(genome: Genome) -> float:
            return -float(np.mean((genome.activate(rows)[:, 0] - target) ** 2))

        return validate

    def predict(self, X: Any) -> Floats:
        """Return ``(n,)`` targets."""
        return self._raw(X)[:, 0] * self.target_scale_ + self.target_mean_
