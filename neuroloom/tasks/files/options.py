"""What a user may say of their own data, and what every reader gives back."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from neuroloom.core.checks import check_int
from neuroloom.core.errors import InputError, unknown

PROBLEMS = ("classification", "detection", "regression")


@dataclass(frozen=True)
class Options:
    """How to read a file or folder of the user's.

    Args:
        path: the file or folder.
        target: column to learn; of a graph with node attributes the attribute.
        labels: file with a label for each node or series.
        kind: kind of sample set; None finds out.
        features: file with numbers for each node.
        problem: ``classification`` or ``regression``; None finds out.
        groups: column whose equal values are never divided between training and test.
        keep: columns to learn from although they look like row numbers or never change; ``*`` keeps all that hold a
            value.
        drop: columns not to learn from.
        horizon: steps ahead: the table is one series that is forecast; None reads rows as samples.
        season: steps in a season of a series that is forecast; None reads it from the dates.
        known: columns of a series that is forecast that are known in advance.
        normal: rows at the beginning without an anomaly: the table is one series whose anomalies are to be found.
        window: steps in a window of such a series; None takes its period.
    """

    path: Path
    target: str | None = None
    labels: Path | None = None
    kind: str | None = None
    features: Path | None = None
    problem: str | None = None
    groups: str | None = None
    keep: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    horizon: int | None = None
    season: int | None = None
    known: tuple[str, ...] = ()
    normal: int | None = None
    window: int | None = None

    @staticmethod
    def of(parts: Mapping[str, Any]) -> Options:
        """Return the options of a mapping.

        Raises:
            InputError: it holds an unknown key, or a value of the wrong type.
        """
        known = list(Options.__dataclass_fields__)
        values: dict[str, Any] = {}
        for name, value in parts.items():
            if name not in known:
                raise unknown("option", name, known, "A task of your own takes " + ", ".join(known) + ".")
            if name in ("keep", "drop", "known"):
                value = [value] if isinstance(value, str) else value
                if not isinstance(value, list | tuple) or not all(isinstance(v, str) for v in value):
                    raise InputError(f"`{name}` must be a list of column names, but got {value!r}.")
                values[name] = tuple(value)
            elif name in ("path", "labels", "features"):
                values[name] = None if value is None else Path(os.path.abspath(Path(value).expanduser()))
            elif name in ("horizon", "season", "normal", "window"):
                values[name] = None if value is None else check_int(name, value)
            elif value is None or isinstance(value, str):
                values[name] = value
            else:
                raise InputError(f"`{name}` must be a text, but got {value!r}.")
        _check_anomalies(values)
        if values.get("problem") == "forecast" and values.get("horizon") is None:
            raise InputError("a forecast needs its `horizon`, the steps ahead; pass --horizon.")
        if values.get("horizon") is not None and values.get("problem") in (None, "forecast"):
            values["problem"] = None
        elif values.get("horizon") is not None:
            raise InputError(
                f"with a `horizon` the problem is a forecast, not {values['problem']}; leave one out."
            )
        elif values.get("season") is not None or values.get("known"):
            raise InputError("`season` and `known` are for forecasts; pass a `horizon` too.")
        if values.get("problem") not in (None, *PROBLEMS):
            raise unknown("problem", values["problem"], PROBLEMS)
        return Options(**values)


def _check_anomalies(values: dict[str, Any]) -> None:
    """Check what is said of a series whose anomalies are to be found; its problem follows.

    Raises:
        InputError: something does not go together.
    """
    if values.get("normal") is None:
        if values.get("window") is not None:
            raise InputError("`window` is for a series whose anomalies are to be found; pass `normal` too.")
        return
    if values.get("horizon") is not None:
        raise InputError("`normal` finds anomalies and `horizon` forecasts; leave one out.")
    if values.get("problem") not in (None, "detection"):
        raise InputError(f"with `normal` the problem is detection, not {values['problem']}; leave one out.")
    for name in ("labels", "features", "groups"):
        if values.get(name) is not None:
            raise InputError(
                f"with `normal` the file is one series, of which `{name}` says nothing; leave one out."
            )
    values["problem"] = "detection"


@dataclass
class Loaded:
    """What a reader made of the data.

    Args:
        kind: kind of the sample set.
        X: the sample set.
        y: the answers, or None where the file holds none.
        problem: ``classification``, ``regression``, ``detection`` or ``forecast``.
        notes: what was recognised and done, for the user.
        schema: what new data must look like, plain JSON.
        names: what each sample is called (row number, node, file).
        target: what is learned.
        groups: ``(n,)`` group of each sample, or None.
        splits: published splits, if the files say which samples test.
        drawn: whether pairs and removed edges are to be drawn from the graph for each seed (links).
    """

    kind: str
    X: Any
    y: Any
    problem: str = "classification"
    notes: list[str] = field(default_factory=list)
    schema: dict[str, Any] = field(default_factory=dict)
    names: list[Any] = field(default_factory=list)
    target: str | None = None
    groups: Any = None
    splits: list[Any] | None = None
    drawn: bool = False
