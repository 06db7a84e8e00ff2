"""What is learned: data sets with their split protocols and metrics, built in or the user's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neuroloom.tasks.files import recognise
    from neuroloom.tasks.files.schema import arrays_like, describe_schema, graph_of, read_like
    from neuroloom.tasks.metrics import DEFAULTS, METRICS, Metric, evaluate
    from neuroloom.tasks.registry import list_tasks, open_data, open_task
    from neuroloom.tasks.task import Data, Split, Task

__all__ = [
    "DEFAULTS",
    "METRICS",
    "Data",
    "Metric",
    "Split",
    "Task",
    "arrays_like",
    "describe_schema",
    "evaluate",
    "graph_of",
    "list_tasks",
    "open_data",
    "open_task",
    "read_like",
    "recognise",
]

_HOMES = {
    **dict.fromkeys(("DEFAULTS", "METRICS", "Metric", "evaluate"), "metrics"),
    **dict.fromkeys(("list_tasks", "open_data", "open_task"), "registry"),
    **dict.fromkeys(("Data", "Split", "Task"), "task"),
    **dict.fromkeys(("arrays_like", "describe_schema", "graph_of", "read_like"), "files.schema"),
    "recognise": "files",
}


def __getattr__(name: str) -> Any:
    """Import a public name on first use."""
    if name in _HOMES:
        import importlib

        return getattr(importlib.import_module(f"neuroloom.tasks.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'neuroloom.tasks' has no attribute {name!r}")
