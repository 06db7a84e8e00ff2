"""The registry: names to tasks, kept as text so that listing imports none of the libraries behind them.

A name stands for one task (``iris``), or a family and a member (``ucr:GunPoint``). Third parties add tasks through
the entry-point group ``neuroloom.tasks``: each entry is named as its task and loads a :class:`Task` subclass or a
function that returns a task, called without arguments. A config may also name unpackaged code as ``module:Class``.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Iterable, Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from neuroloom.core.checks import check_choice
from neuroloom.core.errors import InputError, nearest, unknown
from neuroloom.core.samples import KINDS
from neuroloom.tasks.folder import data_folder
from neuroloom.tasks.metrics import find as find_metric
from neuroloom.tasks.task import Task

_HOME = "neuroloom.tasks"
TASKS: dict[str, str] = {
    **dict.fromkeys(("iris", "wine", "breast-cancer", "digits", "diabetes"), "tables:BundledTable"),
    "two-spirals": "tables:TwoSpirals",
    "xor": "tables:Xor",
    "friedman1": "tables:Friedman1",
    "camera-picture": "pictures:CameraPicture",
    "cbf": "series:CylinderBellFunnel",
    "ecg": "series:HeartBeats",
    "sunspots": "sunspots:Sunspots",
    "digits-images": "images:DigitsImages",
    "breast-cancer-outliers": "outliers:BreastCancerOutliers",
    **dict.fromkeys(("digits-outliers", "digits-images-outliers"), "outliers:DigitsOutliers"),
    "curve-outliers": "outliers:CurveOutliers",
    "oil-spill-outliers": "outliers:OilSpillOutliers",
    "ecg-outliers": "outliers:HeartBeatOutliers",
    "bleeding-outliers": "outliers:BleedingOutliers",
    "beat-anomaly": "anomalies:BeatAnomaly",
    "noise-anomaly": "anomalies:NoiseAnomaly",
    "wave-anomaly": "anomalies:WaveAnomaly",
    "docstrings": "texts:Docstrings",
    "brackets": "texts:Brackets",
    "karate": "karate:KarateClub",
    "cora": "cora:Cora",
    **dict.fromkeys(("airports-brazil", "airports-europe", "airports-usa"), "airports:Airports"),
    **dict.fromkeys(("minesweeper", "squirrel-filtered"), "heterophilous:Heterophilous"),
    **dict.fromkeys(("usair", "ns", "celegans", "yeast", "power"), "links:LinkPrediction"),
    **dict.fromkeys(
        ("usair-hard", "ns-hard", "celegans-hard", "yeast-hard", "power-hard"), "links:LinkPrediction"
    ),
    **dict.fromkeys(("mutag", "proteins"), "graphs:WholeGraphs"),
    **dict.fromkeys(
        (
            "airline",
            "co2",
            "elnino",
            "nile",
            "sunspots-years",
            "gdp",
            "unemployment",
            "inflation",
            "bill-rate",
            "seasonal-trend",
            "growing-season",
            "mackey-glass",
            "promotions",
            "random-walk",
        ),
        "forecast:KnownSeries",
    ),
    "cartpole": "episodes:CartPole",
    "acrobot": "episodes:Acrobot",
    "mountain-car-continuous": "episodes:MountainCarContinuous",
    "lunar-lander": "episodes:LunarLander",
    "bipedal-walker": "episodes:BipedalWalker",
    "pendulum": "episodes:Pendulum",
    "double-pole": "episodes:DoublePole",
    "double-pole-no-velocity": "episodes:DoublePoleNoVelocity",
    "medium-maze": "episodes:MediumMaze",
    "hard-maze": "episodes:HardMaze",
    "dual-task": "episodes:DualTask",
    "reversal-bandit": "episodes:ReversalBandit",
}
FAMILIES: dict[str, str] = {
    "table": "foldertables:FolderTable",
    "uci": "uci:UCIRegression",
    "ucr": "ucr:UCRSeries",
    "openml": "openml:OpenML",
    "forecast": "forecast:FolderSeries",
    "anomaly": "anomalies:ArchiveAnomaly",
    "spliced": "anomalies:SplicedAnomaly",
    "gymnasium": "episodes:AnyEnvironment",
    "envpool": "episodes:PooledEnvironment",
}


def list_tasks(kind: str | None = None, data_dir: str | PathLike[str] | None = None) -> list[dict[str, Any]]:
    """Return a row for each thing there is to learn, families and plug-ins after the built-in tasks.

    A row is plain JSON: ``name`` (of a family ``ucr:NAME``), ``kind``, ``problem``, ``metrics`` (the main one first),
    ``protocol``, ``needs`` (``nothing``, ``data folder`` or ``download``), ``summary``, ``source``, ``members`` (names
    of a family that the data folder holds) and ``error`` (why a plug-in cannot be used, else None).

    Args:
        kind: only tasks of this kind, and broken plug-ins.
        data_dir: the data folder; None takes that of ``NEUROLOOM_DATA``.

    Raises:
        InputError: ``data_dir`` does not exist, or ``kind`` is no kind.
    """
    if kind is not None:
        check_choice("kind", kind, KINDS)
    folder = data_folder(data_dir)
    rows = [_row(name, _load(path)(name, folder)) for name, path in TASKS.items()]
    for family, path in FAMILIES.items():
        cls = _load(path)
        members = [f"{family}:{name}" for name in cls.members(folder)]
        rows.append(_row(f"{family}:NAME", cls, members=members))
    for name, plugin in _plugins().items():
        rows.append(_row(name, None, error=plugin) if isinstance(plugin, str) else _row(name, plugin))
    return [row for row in rows if kind is None or row["kind"] == kind or row["error"]]


def _row(name: str, task: Any, members: list[str] | None = None, error: str | None = None) -> dict[str, Any]:
    texts = ("kind", "problem", "protocol", "needs", "summary", "source")
    return {
        "name": name,
        **{part: str(getattr(task, part, "")) for part in texts},
        "metrics": list(getattr(task, "metrics", ())),
        "members": members or [],
        "error": error,
    }


def open_task(spec: str | Mapping[str, Any], data_dir: str | PathLike[str] | None = None) -> Task:
    """Return a task by its name, or by a mapping that describes the user's own data.

    Args:
        spec: a name (``"wine"``, ``"ucr:GunPoint"``, ``"module:Class"``), or a mapping with ``name`` and, for own
            data, ``path`` and what :func:`neuroloom.tasks.recognise` takes: ``kind``, ``target``, ``labels``,
            ``features``, ``problem``, ``groups``, ``keep``. An environment (``gymnasium:ENV``, ``envpool:ENV``) takes
            ``options``, keyword arguments for making it, and ``test``, how many episodes are scored. ``metric`` puts
            another main metric first.
            The ``spec`` of any task opens that task again, without reading its data.
        data_dir: the data folder; None takes that of ``NEUROLOOM_DATA``.

    Raises:
        InputError: the name or a part of the mapping is not known, or own data cannot be used.
    """
    parts: dict[str, Any] = (
        {"name": spec} if isinstance(spec, str) else {k: v for k, v in spec.items() if v is not None}
    )
    metric = parts.pop("metric", None)
    if "path" in parts:
        from neuroloom.tasks.files import open_own

        task: Task = open_own(parts)
    else:
        task = _open_named(parts, data_folder(data_dir))
    if metric is not None:
        task.metrics = (find_metric(str(metric)).name, *(m for m in task.metrics if m != metric))
        task.spec = {**task.spec, "metric": str(metric)}
    return task


def open_data(data: str | Path, **said: Any) -> Task:
    """Return the task of the user's own data, or where no such file is there, the one that is called so.

    Args:
        data: a file or folder, or a task's name: ``"wine"``, ``"gymnasium:CartPole-v1"``, ``"module:Class"``.
        said: what :func:`neuroloom.tasks.recognise` takes; a task of a known name takes none of it.

    Raises:
        InputError: it is neither, or the data cannot be used as it is said.
    """
    name = str(data)
    member = name.partition(":")[2]
    known = name in TASKS or bool(member) or name in _plugins()
    if not known or Path(data).exists():
        from neuroloom.tasks.files import recognise

        close = nearest(name, [*TASKS, *_plugins()])
        if close is not None and not Path(data).exists() and not Path(name).suffix:
            raise InputError(
                f"there is no file {name} here and no such task; did you mean the task {close!r}?"
            )
        return recognise(data, **said)
    given = [f"`{part}`" for part, value in said.items() if value is not None and value != ()]
    if given:
        raise InputError(
            f"{name} is the name of a task, which has its own data, so {', '.join(given)} cannot be said of it."
        )
    return open_task(name)


def _open_named(parts: dict[str, Any], folder: Path | None) -> Task:
    if "name" not in parts:
        raise InputError("a task needs a `name`, or a `path` to your own data.")
    name = str(parts.pop("name"))
    kind = parts.pop("kind", None)
    family, _, member = name.partition(":")
    if name == "digits" and kind == "image":
        name, kind = "digits-images", None
    if name in TASKS:
        task: Task = _load(TASKS[name])(name, folder)
    elif member and family in FAMILIES:
        cls = _load(FAMILIES[family])
        options = {key: parts.pop(key) for key in getattr(cls, "takes", ("problem",)) if key in parts}
        task = cls(name, folder, **options)
    elif member:
        task = _unpackaged(name)
    else:
        task = _plugin(name)
    if parts:
        raise InputError(
            f"task {name!r} takes no {', '.join(sorted(parts))}; these describe own data, which need a `path` too."
        )
    if kind is not None and kind != task.kind:
        raise InputError(f"task {name!r} is of kind {task.kind}, not {kind}; leave `kind` out.")
    return task


def _load(path: str) -> Any:
    module, _, name = path.partition(":")
    return getattr(importlib.import_module(f"{_HOME}.{module}"), name)


# -- tasks of others --------------------------------------------------------------------------------------------


def _plugin(name: str) -> Task:
    plugins = _plugins()
    if name not in plugins:
        known = [*TASKS, *(f"{family}:NAME" for family in FAMILIES), *plugins]
        hint = "`neuroloom list tasks` shows them all."
        if Path(name).suffix or "/" in name:
            hint += " A file of your own goes into a [[task]] table as `path`, or to `neuroloom try`."
        raise unknown("task", name, known, hint)
    found = plugins[name]
    if isinstance(found, str):
        raise InputError(f"task {name!r} cannot be used: {found}.")
    return _own(found, name)


@functools.lru_cache(maxsize=1)
def _plugins() -> dict[str, Task | str]:
    """Return each plug-in's task, or why it failed."""
    found: dict[str, Task | str] = {}
    for entry in _entry_points("neuroloom.tasks"):
        try:
            if entry.name in TASKS or entry.name in found:
                raise ValueError(f"the name {entry.name!r} is taken")
            found[entry.name] = _own(_made(entry.load()), entry.name)
        except Exception as error:  # a plug-in may fail in any way; the listing shows how
            found.setdefault(entry.name, f"plug-in {entry.value} failed: {type(error).__name__}: {error}")
    return found


def _entry_points(group: str) -> Iterable[Any]:
    from importlib.metadata import entry_points

    return sorted(entry_points(group=group), key=lambda entry: (entry.name, entry.value))


def _unpackaged(path: str) -> Task:
    module, _, attribute = path.partition(":")
    try:
        loaded = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        families = ", ".join(FAMILIES)
        raise InputError(
            f"task {path!r} begins with none of the families {families}, and as module:Class it cannot be imported: "
            f"{error}."
        ) from error
    try:
        return _own(_made(loaded), path)
    except TypeError as error:
        raise InputError(f"task {path!r} cannot be used: {error}.") from error


def _made(loaded: Any) -> Task:
    made = loaded if isinstance(loaded, Task) else loaded()
    if not isinstance(made, Task):
        raise TypeError(f"expected a neuroloom.tasks.Task, got {type(made).__name__}")
    missing = [part for part in ("kind", "problem", "metrics") if not getattr(made, part, None)]
    if missing:
        raise TypeError(f"the task does not say its {', '.join(missing)}")
    for metric in made.metrics:
        find_metric(metric)
    return made


def _own(task: Task, name: str) -> Task:
    """Give the task the name it is opened by, so that its spec opens it again."""
    task.name = name
    task.spec = {"name": name}
    return task
