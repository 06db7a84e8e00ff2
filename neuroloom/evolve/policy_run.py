"""The generations of a policy's evolution: the population plays, champions are judged, steps are counted and kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.checkpoints import digest
from neuroloom.core.episodes import Played
from neuroloom.core.samples import EnvSet
from neuroloom.core.seeding import stream
from neuroloom.core.worlds import solved_at, step_limit
from neuroloom.evolve.champions import Candidate, Champions
from neuroloom.evolve.functions import own_names
from neuroloom.evolve.keeping import kept_run

if TYPE_CHECKING:
    from neuroloom.evolve.policy import NEATPolicy

Play = Callable[[Any, NDArray[np.int64], int | None], Played]
_PAUSE = 4  # generations from race to race at most, where the population's episodes are cut


class PolicyRun:
    """One run.

    Args:
        policy: its settings, its judgement of a generation's episodes, its callbacks.
        X: the episodes to learn from.
        engine: the search, fresh.
        play: networks, the numbers of starts and the steps after which an episode is cut -> what they gave.
        compile_genes: genes -> the networks that they make.
        seed: of the draws of starts.

    Attributes:
        engine: the search; one that was kept, where there was a checkpoint.
        episodes: that the population played.
    """

    def __init__(
        self,
        policy: NEATPolicy,
        X: EnvSet,
        engine: Any,
        play: Play,
        compile_genes: Callable[[Any], Any],
        seed: int,
    ) -> None:
        self.policy, self.X, self.engine, self.seed = policy, X, engine, seed
        self._cuts, self._limit = policy.cuts, step_limit(X)
        whole = policy._champions_cut(X)
        self._play, self._target = play, solved_at(X, whole)
        self._champions = Champions(
            lambda genes, rows: play(compile_genes(genes), rows, whole),
            len(X),
            policy.population * min(policy.episodes, len(X)),
        )
        self._since = self._steps = self.episodes = 0
        self._over = False
        self._kept = kept_run(engine, lambda: f"{digest(policy, X)} {seed}")
        if self._kept is not None:
            self.engine, beside, self._over = self._kept.resume(engine)
            if beside:
                self._champions.restore(beside["champions"], beside["functions"])
                self._since, self._steps, self.episodes = beside["counts"]

    @property
    def steps(self) -> int:
        """Steps of the environment so far, those of races and of the final included."""
        return self._steps + self._champions.steps

    def run(self) -> Candidate:
        """Evolve, hold the final, and return the policy that has won it."""
        from neuroloom.evolve.callbacks import as_list

        left = self.policy.generations - (0 if self._kept is None else len(self.engine.history_))
        if left and not self._over:
            told = [self._judge, *as_list(self.policy.callbacks), self._keep]
            self.engine.run_phenotypes(self._evaluate, left, told)
        if self._kept is not None and not self._over:
            self._kept.keep(self.engine, self._beside, ended=True)
        self._champions.decide(self.episodes)
        return self._champions.best

    def _evaluate(self, phenotypes: Any) -> Any:
        starts = stream(self.seed, "evolve", "starts", self.engine.generation)
        rows = starts.permutation(len(self.X))[: self.policy.episodes]
        played = self._play(phenotypes, rows, self._cut())
        self._steps += played.steps
        self.episodes += played.returns.size
        return self.policy._judged(played)

    def _spent(self) -> float:
        """Return the share of the run's budget that is spent."""
        of_steps = 0.0 if self.policy.steps is None else self.steps / self.policy.steps
        return min(max(len(self.engine.history_) / self.policy.generations, of_steps), 1.0)

    def _cut(self) -> int | None:
        """Return after how many steps the population's episodes are cut now; from first to last by equal ratios."""
        if self._cuts is None:
            return None
        first, last = self._cuts
        ratio: float = last / first
        cut: int = round(first * ratio ** self._spent())
        return cut

    def _races(self) -> bool:
        """Whether the fittest of this generation race, whole episodes costing so much more than cut ones."""
        cut, done = self._cut(), len(self.engine.history_)
        if cut is None or self._limit is None or done == self.policy.generations:
            return True
        return (done - 1) % min(max(self._limit // cut, 1), _PAUSE) == 0

    def _judge(self, engine: Any) -> bool:
        """Let a generation's fittest race; return whether the run is over.

        A champion's episodes are whole; where the population's are cut, races are held now and then.
        """
        policy, champions = self.policy, self._champions
        self._since += 1
        if self._races():
            answer = getattr(engine, "answer", None)
            if champions.challenge(engine.genes, engine.fitness, answer):
                self._since = 0
        solved = policy.early_stopping and (
            self._since >= policy.patience
            or (champions.best.score >= self._target and champions.confirm() >= self._target)
        )
        engine.history_[-1] |= {"score": champions.best.score, "env_steps": self.steps}
        engine.used = self._spent()
        self._over = solved or (policy.steps is not None and self.steps >= policy.steps)
        return self._over

    def _keep(self, engine: Any) -> None:
        if self._kept is not None:
            self._kept.keep(engine, self._beside, ended=self._over)

    def _beside(self) -> dict[str, Any]:
        """Return what is counted beside the search, as plain data."""
        return {
            "champions": self._champions.state(),
            "functions": {role: own_names(role) for role in ("activation", "aggregation")},
            "counts": (self._since, self._steps, self.episodes),
        }
