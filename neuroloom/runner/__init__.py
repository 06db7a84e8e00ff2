"""The experiment runner: config -> plan -> execute -> store -> compare -> report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neuroloom.runner.attempt import attempt
    from neuroloom.runner.bench import load_results, run
    from neuroloom.runner.config import Config
    from neuroloom.runner.results import Results

__all__ = ["Config", "Results", "attempt", "load_results", "run"]

_HOMES = {
    "attempt": "attempt",
    "load_results": "bench",
    "run": "bench",
    "Config": "config",
    "Results": "results",
}


def __getattr__(name: str) -> Any:
    """Import a public name on first use."""
    if name in _HOMES:
        import importlib

        return getattr(importlib.import_module(f"neuroloom.runner.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'neuroloom.runner' has no attribute {name!r}")
