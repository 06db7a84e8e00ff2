"""The first schema: ``trials``, ``scores``, ``predictions``, ``plans``; later ones of the same version had more."""

from __future__ import annotations

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Nothing comes before it."""
