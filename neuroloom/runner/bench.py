"""A bench from config to report: plan, execute what is missing, store, compare, write."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neuroloom.core.checks import check_float
from neuroloom.core.errors import InputError, blamed_on, without_password
from neuroloom.runner.config import Config, Source, load_config, to_toml, with_whole_paths
from neuroloom.runner.plan import Plan, make_plan
from neuroloom.runner.trial import Trial
from neuroloom.runner.tuning import read_budget

if TYPE_CHECKING:
    from neuroloom.runner.engines import Engine
    from neuroloom.runner.progress import Progress
    from neuroloom.runner.results import Results
    from neuroloom.runner.row import Row
    from neuroloom.runner.store import Store
    from neuroloom.runner.tracking import TrialTracker

FINAL = ("done", "skipped")


def run(
    config: str | Path | Mapping[str, Any] | Config,
    out: str | Path | None = None,
    *,
    engine: str = "processes",
    address: str | None = None,
    workers: int | None = None,
    store: str | None = None,
    data_dir: str | Path | None = None,
    retry_failed: bool = False,
    part: str | None = None,
    confidence: float | None = None,
    explain: bool = False,
    tune: str | int | None = None,
    mlflow: str | Path | None = None,
    progress: Progress | None = None,
) -> Results:
    """Run a bench, or what is missing of it, and write its results and report.

    Args:
        config: path of a TOML file, a mapping of the same shape, or a ``Config``.
        out: run directory; None is ``runs/<name>``. Gets ``results.db``, ``results.csv``, ``report.html`` and
            ``bench.toml``.
        engine: ``"processes"``, ``"inline"``, ``"ray"``, or ``"workers"``: those that lease trials from ``store``.
        address: of a Ray cluster that is there already; None starts a local one for engine ``"ray"``.
        workers: worker processes; None takes the config's, or one for each core.
        store: database URL instead of ``results.db``, as ``postgresql://…``.
        data_dir: folder with real data; None takes that of ``NEUROLOOM_DATA``.
        retry_failed: whether trials that failed before are run again.
        part: ``"2/8"`` runs the second of eight parts of the trials only, for hosts that share nothing but the config;
            ``neuroloom.runner.merge`` joins their runs.
        confidence: share of test samples that intervals and sets of classes are to cover, in (0, 1); None takes the
            config's.
        explain: whether trials report what their score rests on; False takes the config's.
        tune: tune every method that declares ranges, beside its form as it is, with so many trials (``30``) or so much
            time (``"90s"``, ``"5m"``) each; None takes the config's ``[tune]``.
        mlflow: a folder or tracking URI of MLflow's, where each trial is written as a run, too.
        progress: what shows the run to a user, or None.

    Returns:
        The results of the trials in this config; older ones stay in the store.

    Raises:
        InputError: the config, the data or the run directory cannot be used.
    """
    from neuroloom.runner.engines import open_engine
    from neuroloom.runner.store import open_store

    checked, source = load_config(config)
    if confidence is not None:
        check_float("confidence", confidence, 0, 1, open_low=True, open_high=True)
        checked = checked.model_copy(update={"confidence": float(confidence)})
    if explain:
        checked = checked.model_copy(update={"explain": True})
    if tune is not None:
        budget = read_budget(str(tune))
        kept_of = checked.tune.model_dump(exclude={"trials", "seconds"}) if checked.tune else {}
        found = budget.model_copy(update=kept_of)
        checked = checked.model_copy(update={"tune": found})
    plan = make_plan(checked, source, data_dir)
    own = plan.trials if part is None else part_of(plan.trials, part)
    folder = prepare_folder(out, checked, source)
    tracker = None
    if mlflow is not None:
        from neuroloom.runner.tracking import TrialTracker

        tracker = TrialTracker(mlflow, checked.name)
    keys = [trial.key for trial in plan.trials]
    with open_store(store or folder / "results.db", run=run_name(store, checked), folder=folder) as kept:
        finished = kept.finished(keys)
        missing = [t for t in own if not _settled(finished.get(t.key), retry_failed)]
        with open_engine(
            engine,
            workers=workers or checked.workers,
            data_dir=None if data_dir is None else str(data_dir),
            keep_predictions=checked.keep_predictions,
            address=address,
            store=kept,
            searches=None if checked.tune is None else str((folder / "searches").absolute()),
        ) as opened:
            before = earlier_meta(kept)
            meta = describe_run(checked, plan, opened, folder, before)
            changed = note_changed_data(meta, before)
            kept.plan(keys, meta)
            if progress is not None:
                progress.say(changed)
            if progress is not None:
                progress.begin(missing, len(own) - len(missing), opened.workers)
            began = time.monotonic()
            try:
                execute(missing, opened, kept, progress, tracker)
            finally:
                if progress is not None:
                    progress.end()
                meta["seconds"] += time.monotonic() - began
                kept.plan(keys, meta)
        return finish(folder, kept, keys, meta)


def run_name(store: str | None, config: Config) -> str:
    """Return the name of the run in its store: a run directory holds one run, a database many."""
    return "run" if store is None else config.name


def earlier_meta(kept: Store) -> dict[str, Any]:
    """Return what the last plan of this run says of it, empty if there is none."""
    try:
        return kept.read_plan()[1]
    except InputError:
        return {}


def note_changed_data(meta: dict[str, Any], before: Mapping[str, Any]) -> list[str]:
    """Note for the report which tasks have other data than when this run was planned before, and return the notes."""
    found = []
    for name, about in meta["tasks"].items():
        earlier = before.get("tasks", {}).get(name, about)
        if earlier["fingerprint"] != about["fingerprint"]:
            found.append(f"the data of {name} have changed since the run of before, so its trials run anew")
            about["notes"].append(found[-1])
    return found


def _settled(status: str | None, retry_failed: bool) -> bool:
    return status is not None and (status in FINAL or not retry_failed)


def part_of(trials: Sequence[Trial], part: str) -> list[Trial]:
    """Return one of several parts of the trials, in their order: ``"2/8"`` is the second of eight.

    Trials are dealt out by their keys, so that each part gets as many, one more or less, of every sort.

    Raises:
        InputError: it is no such part.
    """
    found = re.fullmatch(r"(\d{1,6})/(\d{1,6})", part)
    number, parts = (int(found[1]), int(found[2])) if found else (0, 0)
    if not 1 <= number <= parts:
        raise InputError(f"--part takes a part of so many, as 2/8 for the second of eight, but got {part!r}.")
    own = set(sorted(trial.key for trial in trials)[number - 1 :: parts])
    return [trial for trial in trials if trial.key in own]


def prepare_folder(out: str | Path | None, config: Config, source: Source) -> Path:
    """Make the run directory and put the config into it, its data named so that it runs again from anywhere.

    Raises:
        InputError: it cannot be made or written to.
    """
    folder = Path(out) if out is not None else Path("runs") / config.name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "bench.toml").write_text(to_toml(with_whole_paths(config, source)), encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"the run directory {folder} cannot be written: {error.strerror}; pass another --out."
        ) from error
    return folder


def execute(
    trials: Iterable[Trial],
    engine: Engine,
    kept: Store,
    progress: Progress | None,
    tracker: TrialTracker | None = None,
) -> None:
    """Run trials and commit each as it ends."""
    from neuroloom.runner.engines import Started

    for event in engine.run(trials):
        if isinstance(event, Started):
            if progress is not None:
                for trial in event.trials:
                    progress.started(trial)
            continue
        if not engine.commits:
            kept.add(event.rows)  # committed before the engine goes on
        for row in event.rows:
            if tracker is not None:
                tracker.write(row)
            if progress is not None:
                progress.finished(row)


def finish(folder: Path, kept: Store, keys: Sequence[str], meta: dict[str, Any]) -> Results:
    """Read the stored rows of a plan, write ``results.csv`` and ``report.html``, and return the results."""
    results = read_results(kept, keys, meta)
    results.to_csv(folder / "results.csv")
    results.report(folder / "report.html")
    return results


def read_results(kept: Store, keys: Sequence[str], meta: dict[str, Any]) -> Results:
    """Return the results of those of a plan's trials that have ended."""
    from neuroloom.runner.results import Results

    rows = list(kept.rows(keys))
    _recover_beliefs(kept, rows)
    for row in rows:  # what the reading of the data had to say belongs to the task
        notes, own = meta["tasks"][row.task]["notes"], meta["methods"][row.method]["notes"]
        notes += [note for note in row.notes if note not in notes and note not in own]
    return Results.from_rows(rows, meta, order=keys)


def _recover_beliefs(kept: Store, rows: Sequence[Row]) -> None:
    """Fill in the beliefs of trials from before they were kept, where their predictions were."""
    import numpy as np

    from neuroloom.runner.outcome import beliefs_of

    bare = {
        r.key: r for r in rows if r.beliefs is None and r.status == "done" and r.problem == "classification"
    }
    for key in kept.with_predictions(list(bare)):
        held = kept.predictions(key) or {}
        if {"test", "y", "probability"} <= held.keys() and held["probability"].ndim == 2:
            classes = np.unique(np.concatenate([held["y"], held["prediction"]]))
            if len(classes) == held["probability"].shape[1]:
                bare[key].beliefs = beliefs_of(held["test"], held["y"], held["probability"], classes)


def load_results(directory: str | Path) -> Results:
    """Return the results of the last plan of a run directory.

    Raises:
        InputError: the directory holds no run.
    """
    from neuroloom.runner.store import open_store

    path = Path(directory) / "results.db"
    if not path.is_file():
        raise InputError(
            f"{directory} holds no run: it has no results.db; pass the --out of a `neuroloom run`."
        )
    with open_store(path, read=True) as kept, blamed_on(path, "move it away and run again"):
        keys, meta = kept.read_plan()
        return read_results(kept, keys, meta)


def load_history(places: Sequence[str | Path]) -> list[Results]:
    """Return the results of several runs: of run directories, and of all runs in a database.

    Args:
        places: run directories, folders of such, or database URLs.

    Raises:
        InputError: one holds no run.
    """
    from neuroloom.runner.store import open_store

    found: list[Results] = []
    for place in map(str, places):
        if "://" in place:
            with open_store(place, read=True) as kept:
                names = kept.runs()
            for name in names:
                with open_store(place, run=name, read=True) as kept:
                    found.append(read_results(kept, *kept.read_plan()))
            continue
        inner = sorted(path.parent for path in Path(place).glob("*/results.db"))
        own = (Path(place) / "results.db").is_file() or not inner
        found += [load_results(folder) for folder in ([Path(place)] if own else inner)]
    return found


def describe_run(
    config: Config,
    plan: Plan,
    engine: Engine,
    folder: Path,
    before: Mapping[str, Any],
) -> dict[str, Any]:
    """Return how a run is made: for the report, and to repeat it."""
    import neuroloom
    from neuroloom.runner.doctor import cpu_name, versions
    from neuroloom.runner.processes import usable_cores

    earlier = before if before.get("name") == config.name else {}
    return {
        "name": config.name,
        "directory": str(folder),
        "command": _command(),
        "config": to_toml(config),
        "commit": commit(),
        "version": neuroloom.__version__,
        "versions": versions(),
        "cpu": cpu_name(),
        "cores": usable_cores(),
        "engine": engine.name,
        "workers": engine.workers,
        "threads": engine.threads,
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "started": earlier.get("started") or datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": float(earlier.get("seconds") or 0.0),
        "planned": len(plan.trials),
        "tasks": plan.tasks,
        "methods": plan.methods,
        "folds": config.folds,
        "seeds": config.seeds,
        "baseline": config.baseline,
        "confidence": config.confidence,
    }


def _command() -> str:
    """Return the command that runs this bench, without the password of a database."""
    if Path(sys.argv[0]).stem not in ("neuroloom", "__main__"):
        return "neuroloom.run(config)"
    return shlex.join(["neuroloom", *map(without_password, sys.argv[1:])])


def commit() -> str | None:
    """Return the commit of the checkout that this package runs from, with ``+`` if it was changed since; else None."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return None
    try:
        found = _git(root, "rev-parse", "--short=12", "HEAD")
        return f"{found}+" if _git(root, "status", "--porcelain", "--untracked-files=no") else found
    except (OSError, subprocess.SubprocessError):
        return None


def _git(root: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, timeout=10, check=True)
    return done.stdout.strip()


def demo_config() -> Config:
    """Return the config of ``neuroloom demo``."""
    from importlib.resources import files

    text = (files("neuroloom.runner") / "demo.toml").read_text(encoding="utf-8")
    return Config.model_validate(tomllib.loads(text))
