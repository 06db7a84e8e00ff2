"""A method's defaults belong to its declared version: a trial's key holds the version and not the defaults."""

import json
from pathlib import Path
from typing import Any

import pytest

from neuroloom.methods import parameters, registry

RECORD = Path(__file__).with_name("defaults.json")


def current(key: str) -> dict[str, Any]:
    """Return version and defaults of each of our classes behind a method."""
    method = registry()[key]
    ours = {p for p in method.classes.values() if p.startswith("neuroloom.")}
    classes = {path: method.load(*pair) for pair, path in method.classes.items() if path in ours}
    defaults = {
        path: {n: repr(v) for n, v in parameters(cls).items()} for path, cls in sorted(classes.items())
    }
    return {"version": method.version, "defaults": defaults}


@pytest.mark.parametrize("key", [m.key for m in registry().values() if m.room != "other"])
def test_changed_defaults_come_with_a_new_version(key: str) -> None:
    recorded = json.loads(RECORD.read_text()).get(key)
    found = current(key)
    hint = (
        f"run `python -m tests.conformance.record_defaults` and raise the version of {key!r} in the registry"
    )
    assert recorded is not None, hint
    if recorded["defaults"] != found["defaults"]:
        assert found["version"] > recorded["version"], hint
    assert recorded == found, hint
