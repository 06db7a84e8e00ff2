"""``neuroloom try``: the user's own data, every method that fits, complete rounds until the time is spent."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neuroloom.core.checks import check_float
from neuroloom.core.errors import InputError
from neuroloom.methods import Recipe, recipe, registry
from neuroloom.methods.make import HEADS
from neuroloom.runner.bench import FINAL, describe_run, earlier_meta, execute, finish, prepare_folder
from neuroloom.runner.config import Config, Limits, OwnTask, load_config, to_toml, with_whole_paths
from neuroloom.runner.plan import make_plan
from neuroloom.runner.screen import wrapped
from neuroloom.runner.trial import Trial
from neuroloom.tasks.metrics import UNEVEN

if TYPE_CHECKING:
    from neuroloom.runner.engines import Engine
    from neuroloom.runner.progress import Progress
    from neuroloom.runner.results import Results
    from neuroloom.runner.store import Store
    from neuroloom.tasks import Task

MOST_ROUNDS = 50
FOLDS = 5
RARE = (  # what stands beside the plain methods where one class holds nearly all samples
    "logreg+threshold",
    "class-weights+logreg",
    "random-forest+threshold",
    "hist-gradient-boosting+threshold",
    "mlp+threshold",
    "smote+svm",
)


def attempt(
    data: str | Path,
    *,
    target: str | None = None,
    labels: str | Path | None = None,
    features: str | Path | None = None,
    kind: str | None = None,
    problem: str | None = None,
    groups: str | None = None,
    drop: Sequence[str] = (),
    horizon: int | None = None,
    season: int | None = None,
    known: Sequence[str] = (),
    normal: int | None = None,
    window: int | None = None,
    minutes: float = 5.0,
    out: str | Path | None = None,
    workers: int | None = None,
    methods: Sequence[str] = (),
    confidence: float | None = None,
    explain: bool = False,
    progress: Progress | None = None,
) -> Results:
    """Learn ``data`` by every method that fits, round by round, until ``minutes`` are spent.

    In a round every method meets one more split, so comparisons stay paired; the first round always ends, and each
    later one begins only if it is expected to end in time. A method that did not end in a round is left out of the
    next.

    Args:
        data: a table, series, a folder of pictures by class, an edge list, or the name of a task, such as
            ``"gymnasium:LunarLander-v3"`` for an environment to act in.
        target: the column to learn.
        labels: the file with a label for each node or series.
        features: a graph's file with a name and numbers for each node.
        kind: the kind of data, where the file does not tell.
        problem: ``classification`` or ``regression``, where the target does not tell.
        groups: a column of a table whose equal values are never divided between training and test.
        drop: columns of a table not to learn from.
        horizon: steps ahead: the table is a series that is forecast; None reads rows as samples.
        season: steps in a season of such a series; None reads it from the dates.
        known: columns of such a series that are known in advance.
        normal: rows at the beginning without an anomaly: the table is a series whose marked anomalies are to be found.
        window: steps in a window of such a series; None takes its period.
        minutes: time to spend, above 0.
        out: run directory; None is ``runs/<name of the data>``.
        workers: worker processes; None takes one for each core.
        methods: names of methods, ``a+b`` compositions; none: every one that fits and is usually worth a try.
        confidence: share of test samples that intervals or sets of classes are to cover, in (0, 1), or None.
        explain: whether the report shows what each method's score rests on.
        progress: what shows the run to a user, or None.

    Returns:
        The results; the run directory also holds the ``bench.toml`` that repeats them.

    Raises:
        InputError: the data cannot be used; says what to do.
    """
    from neuroloom.runner.engines import open_engine
    from neuroloom.runner.processes import usable_cores
    from neuroloom.runner.store import open_store
    from neuroloom.tasks import open_data

    if confidence is not None:
        check_float("confidence", confidence, 0, 1, open_low=True, open_high=True)
    if minutes <= 0:
        raise InputError(f"`minutes` must be above 0, but got {minutes:g}.")
    began = time.monotonic()
    task = open_data(
        data,
        target=target,
        labels=labels,
        features=features,
        kind=kind,
        problem=problem,
        groups=groups,
        drop=tuple(drop),
        **ahead_options(horizon, season, known),
        normal=normal,
        window=window,
    )
    if progress is not None and task.problem != "control":
        progress.say(_recognised(task))
    if task.problem == "detection" and task.load().y is None:
        raise InputError(
            "no column marks the anomalies, so methods cannot be compared; name it with --target, or take "
            "neuroloom.runner.scan.scan for scores alone."
        )
    if confidence is not None and task.problem == "control":
        raise InputError("a confidence is for classes and numbers, not for control; leave it out.")
    workers = workers or usable_cores()
    chosen = chosen_methods(task, methods)
    params: dict[str, dict[str, Any]] = {}
    if task.problem == "control":
        from neuroloom.runner.budget import budget_lines, plan_control

        at_once = min(workers, len(chosen))
        task, budget = plan_control(
            task, 60 * minutes * at_once, chosen, _limit(minutes, workers, len(chosen))
        )
        params = budget.params
        if progress is not None:
            progress.say([*_recognised(task), *budget_lines(budget)])
    whole = _config(task, minutes, workers, chosen, params, confidence, explain)
    checked, source = load_config(whole)
    plan = make_plan(checked, source)
    rounds = [list(group) for _, group in groupby(plan.trials, key=lambda t: (t.seed, t.fold))]
    whole = with_whole_paths(whole, source)
    folder = prepare_folder(out, whole, source)
    with open_store(folder / "results.db") as kept, open_engine("processes", workers=workers) as engine:
        meta = describe_run(whole, plan, engine, folder, earlier_meta(kept))
        session = _Session(kept, engine, meta, whole, progress)
        if progress is not None:
            progress.begin([], 0, engine.workers, began + 60 * minutes)
        try:
            for trials in rounds:
                if session.rounds and not session.worth_another(began + 60 * minutes):
                    break
                session.run_round(trials)
        except KeyboardInterrupt:
            if not session.rounds:
                raise
            meta["interrupted"] = True
        finally:
            if progress is not None:
                progress.end()
        meta["seconds"] = time.monotonic() - began
        session.note()
        text = session.repeating()
        (folder / "bench.toml").write_text(text, encoding="utf-8")
        return finish(folder, kept, session.keys, meta)


class _Session:
    """The rounds of one attempt: what has run, and who goes on."""

    def __init__(
        self, kept: Store, engine: Engine, meta: dict[str, Any], config: Config, progress: Progress | None
    ) -> None:
        self.kept, self.engine, self.meta, self.config, self.progress = kept, engine, meta, config, progress
        self.keys: list[str] = []
        self.rounds = 0
        self.left_out: dict[str, str] = {}
        self._last = 0.0

    def run_round(self, trials: Sequence[Trial]) -> None:
        """Run one round, every method that is left on one split, and note it in the store."""
        began = time.monotonic()
        chosen = [trial for trial in trials if trial.label not in self.left_out]
        finished = self.kept.finished([trial.key for trial in chosen])
        missing = [trial for trial in chosen if trial.key not in finished]
        if self.progress is not None:
            self.progress.more(missing, len(chosen) - len(missing))
        execute(missing, self.engine, self.kept, self.progress)
        for row in self.kept.rows([trial.key for trial in chosen]):
            if row.status not in FINAL:
                self.left_out[row.method] = f"{row.status}: {row.reason}"
        self.keys += [trial.key for trial in chosen]
        self.rounds += 1
        self._last = time.monotonic() - began
        self.note()

    def worth_another(self, deadline: float) -> bool:
        """Whether a further round is expected to end in time, and anybody is left to run it."""
        left = set(self.meta["methods"]) - set(self.left_out)
        return bool(left) and time.monotonic() + self._last <= deadline

    def note(self) -> None:
        """Put what has run so far into the store, so that a report can be made of it."""
        self.meta["config"] = self.repeating()
        self.meta["planned"] = len(self.keys)
        self.kept.plan(self.keys, self.meta)

    def repeating(self) -> str:
        """Return the config that repeats the rounds that ran, and who was left out."""
        methods = [name for name in self.config.methods if name not in self.left_out] or self.config.methods
        used = {part for name in methods for part in (name, *name.split("+"))}
        params = {name: given for name, given in self.config.method.items() if name in used}
        config = self.config.model_copy(update={"rounds": self.rounds, "methods": methods, "method": params})
        remarks = [
            f"# left out after a round it did not end: {name} ({why})" for name, why in self.left_out.items()
        ]
        return "\n".join(["# neuroloom run THIS_FILE repeats the bench.", *remarks, to_toml(config)])


def ahead_options(horizon: int | None, season: int | None, known: Sequence[str]) -> dict[str, Any]:
    """Return what was said of a forecast, for :func:`neuroloom.tasks.recognise`; nothing where nothing was."""
    given = {"horizon": horizon, "season": season, "known": tuple(known) or None}
    return {name: value for name, value in given.items() if value is not None}


def methods_for(kind: str, problem: str, *, uneven: bool = False) -> list[str]:
    """Return the methods that fit a kind and a problem: features before each of the usual heads, learners as they are.

    Quick ones come first, so that a round has most of its answers early. For ``uneven`` classes some stand there a
    second time, with balanced classes or a moved threshold.
    """
    learners, composed = [], []
    answered = {problem, "regression"} if problem == "forecast" else {problem}
    for method in registry().values():
        usable = method.problem is None and (method.offered or problem == "detection")
        if not usable or not isinstance(recipe(method.key, kind, problem), Recipe):
            continue
        if method.transformer and not any((kind, p) in method.classes for p in answered):
            composed += [f"{method.key}+{head}" for head in (HEADS.get(problem, HEADS["regression"]), "rbfn")]
        else:
            learners.append(method)
    learners.sort(key=lambda method: method.room != "baseline")  # stable: the registry's order otherwise
    rare = [e for e in RARE if isinstance(recipe(e, kind, problem), Recipe)] if uneven else []
    return [*(method.key for method in learners), *rare, *composed]


def chosen_methods(task: Task, methods: Sequence[str]) -> list[str]:
    """Return ``methods``, or where there are none those that fit the task.

    Raises:
        InputError: one does not fit.
    """
    for name in methods:
        fits = recipe(name, task.kind, task.problem)
        if not isinstance(fits, Recipe):
            raise InputError(f"{name!r} cannot be tried here: {fits.reason}.")
    return list(methods) or methods_for(task.kind, task.problem, uneven=task.metrics[0] == UNEVEN[0])


def _recognised(task: Task) -> list[str]:
    """Return what a user should see of their data before they are learned: what they were taken for, and why."""
    data = task.load()
    shape: tuple[int, ...] = getattr(data.X, "shape", ())
    size = f"{len(data.y):,} samples" if data.y is not None else f"{len(data.X):,} samples"
    if task.kind == "episodes":
        size = f"{len(data.extra['splits'][0].train):,} starts to learn from"
    elif task.kind == "table" and len(shape) == 2:
        size = f"{shape[0]:,} rows, {shape[1]:,} column{'s' if shape[1] > 1 else ''} to learn from"
    elif task.kind in ("series", "image") and len(shape) > 1:
        size += f" of shape {' × '.join(map(str, shape[1:]))}"
    elif task.problem == "forecast" and data.y is not None:
        size = f"{data.X.values.shape[1] + data.y.shape[1]:,} steps"
    lines = [f"{task.summary}: {size}", *(f"  - {note}" for note in data.notes)]
    return [part for line in lines for part in wrapped(line, "    " if line.startswith("  - ") else "")]


def _limit(minutes: float, workers: int, methods: int) -> float:
    """Return the seconds that one trial may take: so many that a round of slow methods still ends near its time.

    Were every method of a round stopped at its limit, the round would take half as long again as the time given. A
    method has half of that time at most, and ten seconds at least.
    """
    fair = 60 * minutes * workers / max(methods, 1)
    return round(max(10.0, min(1.5 * fair, 30 * minutes)), 1)


def _config(
    task: Task,
    minutes: float,
    workers: int,
    methods: list[str],
    params: dict[str, dict[str, Any]],
    confidence: float | None = None,
    explain: bool = False,
) -> Config:
    spec = {k: v for k, v in task.spec.items() if k != "found"}
    return Config(
        name=re.sub(r'[/\\:*?"<>|\x00-\x1f]', "-", task.name) or "mine",
        seeds=MOST_ROUNDS // FOLDS,
        folds=FOLDS,
        tasks=[task.name] if set(spec) == {"name"} else [],
        methods=methods,
        method=params,
        task=[] if set(spec) == {"name"} else [OwnTask.model_validate(spec)],
        confidence=confidence,
        explain=explain,
        limits=Limits(seconds=_limit(minutes, workers, len(methods))),
    )
