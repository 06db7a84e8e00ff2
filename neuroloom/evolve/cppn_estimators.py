"""Compositional pattern producing networks as a regressor on coordinates: a picture that is to be painted.

Stanley (2007), "Compositional pattern producing networks: A novel abstraction of development"; Woolley and Stanley
(2011), "On the deleterious effects of a priori objectives on evolution and representation".
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.checks import check_int
from neuroloom.core.errors import InputError
from neuroloom.evolve.config import NEATConfig
from neuroloom.evolve.cppn import ACTIVATIONS, with_distance
from neuroloom.evolve.estimators import NEATRegressor

Floats = NDArray[np.float64]


class CPPNRegressor(NEATRegressor):
    """CPPN regressor: an evolved pattern over the points that rows stand for, such as a picture over its plane.

    Features are coordinates: centred, scaled alike so that their box fits into [-1, 1], and joined by the distance to
    the centre and a constant 1; hidden nodes may be waves, bells and steps. The fitness is the negative mean squared
    error on the standardised target.

    A pattern that evolution found by another way is as a rule not found by asking for it (Woolley and Stanley 2011):
    expect the coarse shape of a picture, see ``examples/cppn_target_picture.py``. Gradient steps (``learning``) bring
    it nearer.

    Args:
        population: number of genomes, at least 2.
        generations: number of generations, at least 1; exactly so many are run unless ``early_stopping``.
        learning: as for :class:`NEATRegressor`.
        device: ``"auto"`` and ``"cpu"`` compute by the fused CPU kernel, ``"cuda"`` and others by torch.
        random_state: seed, generator or None.
        activations: what hidden nodes may compute, names from ``neuroloom.evolve.functions.ACTIVATIONS``.
        initial_connection: how the first genomes are connected, as in ``NEATConfig``.
        node_add_prob: chance in [0, 1] that a child gains a node; it loses one with a quarter of it.
        conn_add_prob: chance in [0, 1] that a child gains a connection; it loses one with a quarter of it.
        early_stopping: whether to stop when the validation score (on ``eval_set``, or on rows held out) has not risen
            for ``patience`` generations; the genome that validated best is kept.
        patience: generations, at least 1.
        validation_fraction: share in (0, 1) of the rows held out for early stopping where no ``eval_set`` is given.
        settings: further settings of ``NEATConfig`` by name, or None.
        learning_steps: gradient steps (Adam, full batch) in each generation, at least 1; each counts as an evaluation.
        learning_rate: Adam's step size, above 0.
        callbacks: told of every generation, see ``neuroloom.evolve.callbacks``.

    Attributes:
        best_genome_: the pattern, a genome for :class:`~neuroloom.evolve.CPPN`; its output is the standardised target.
        low_, high_: ``(features,)`` the box of the rows it was fitted on.
        history_: a dict for each generation.

    Raises:
        InputError: a parameter is out of its range.

    Source:
        Stanley (2007), "Compositional pattern producing networks: A novel abstraction of development"; for images as
        targets Woolley and Stanley (2011), "On the deleterious effects of a priori objectives on evolution and
        representation".
    """

    engine = "array"

    drawn_as = "pattern network (CPPN)"

    def __init__(
        self,
        population: int = 150,
        generations: int = 200,
        learning: str | None = None,
        device: str = "auto",
        random_state: Any = None,
        *,
        activations: tuple[str, ...] | list[str] | str = ACTIVATIONS,
        initial_connection: str = "fs_neat",
        node_add_prob: float = 0.1,
        conn_add_prob: float = 0.2,
        early_stopping: bool = False,
        patience: int = 20,
        validation_fraction: float = 0.15,
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
        self.settings = settings
        self.learning_steps = learning_steps
        self.learning_rate = learning_rate
        self.callbacks = callbacks

    def picture(self, height: int = 64, width: int | None = None) -> Floats:
        """Return the target over the box of the rows, ``(height, width)``; the first of two features runs down.

        Raises:
            InputError: there are not two features.
        """
        from sklearn.utils.validation import check_is_fitted

        check_is_fitted(self)
        if self.n_features_in_ != 2:
            raise InputError(f"a picture needs 2 coordinates, but X had {self.n_features_in_} features.")
        width = height if width is None else width
        down, across = (
            np.linspace(low, high, check_int(name, size))
            for name, size, low, high in zip(
                ("height", "width"), (height, width), self.low_, self.high_, strict=True
            )
        )
        points = np.stack(np.meshgrid(down, across, indexing="ij"), axis=-1).reshape(-1, 2)
        return self.predict(points).reshape(height, width)

    # -- parts ----------------------------------------------------------------------------------------------

    def _defaults(self, inputs: int, outputs: int) -> NEATConfig:
        return super()._defaults(inputs, outputs).replace(weight_init_stdev=1.0, bias_init_stdev=1.0)

    def _standardise(self, X: Any) -> None:
        self.low_, self.high_ = X.min(axis=0), X.max(axis=0)
        self.mean_ = (self.low_ + self.high_) / 2
        widest = float((self.high_ - self.low_).max()) / 2
        self.scale_ = np.full(X.shape[1], widest if widest > 0 else 1.0)

    def _inputs(self, X: Any) -> Floats:
        return with_distance(super()._inputs(X))
