"""Peers that cannot share our environment: one of their own each, pinned in ``NAME.txt``, built by ``make peers``."""

from pathlib import Path

ROOT = Path(__file__).parents[2]


def peer_python(name: str) -> str | None:
    """Return the Python of the peer's environment, or None while ``make peers PEERS=name`` has not built it."""
    ready, python = (ROOT / ".peers" / name / part for part in (".ready", "bin/python"))
    return str(python) if ready.exists() else None
