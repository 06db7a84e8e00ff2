"""The frame as CSV text, the same as ``Results.to_csv`` writes."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from neuroloom.runner.results import Results


def render(results: Results) -> str:
    """Return the CSV."""
    with tempfile.TemporaryDirectory() as folder:
        return results.to_csv(Path(folder) / "results.csv").read_text(encoding="utf-8")
