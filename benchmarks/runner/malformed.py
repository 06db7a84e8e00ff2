"""Requests that are almost right: a valid one with something wrong in it, from a seed."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

ODD: tuple[Any, ...] = (
    None, True, -1, 0, 1e308, 10**30, "", "x", "\ud800", "\0", [], {}, [[]], [None],
    {"name": None}, "9" * 5000, 1.5,
)  # fmt: skip
PATHS = (
    "/v2/models/{name}/infer", "/v2/models/{name}/versions/2/infer", "/v2/models/nobody/infer", "/v2", "/",
    "/v2/models",
    "/v2/models/%00/infer", "/v2/models/../../etc/passwd/infer", "/v2/models/{name}/infer?x=%zz",
    "/v2/models/{name}/ready",
)  # fmt: skip
VERBS = ("POST", "POST", "POST", "POST", "GET", "PUT", "DELETE", "HEAD", "OPTIONS")


def malformed(seed: int, valid: dict[str, Any], name: str) -> tuple[str, str, bytes, dict[str, str]]:
    """Return verb, path, body and headers of a request.

    Args:
        seed: of the draw.
        valid: an inference request that the model answers.
        name: of the model.
    """
    rng = np.random.default_rng(seed)
    path = "/v2/models/{name}/infer" if rng.random() < 0.8 else PATHS[rng.integers(len(PATHS))]
    verb = "POST" if rng.random() < 0.9 else VERBS[rng.integers(len(VERBS))]
    value = json.loads(json.dumps(valid))
    for _ in range(rng.integers(1, 4)):
        value = _bent(value, rng)
    body = json.dumps(value).encode()
    how = rng.integers(12)
    if how == 0:
        body = body[: rng.integers(len(body) + 1)]
    elif how == 1 and body:
        at = rng.integers(len(body), size=5)
        held = bytearray(body)
        held[at[0]], held[at[-1]] = rng.integers(256), rng.integers(256)
        body = bytes(held)
    elif how == 2:
        body = rng.bytes(int(rng.integers(200)))
    elif how == 3:
        body = b'{"inputs":' + b"[" * 20_000 + b"]" * 20_000 + b"}"
    elif how == 4:
        body = body.replace(b"[", b"[NaN,", 1)
    headers = {"Content-Type": ("application/json", "text/plain", "")[rng.integers(3)]}
    if rng.random() < 0.03:
        headers["Inference-Header-Content-Length"] = "7"
    return verb, path.format(name=name), body, headers


def _bent(value: Any, rng: np.random.Generator) -> Any:
    """Return the value with one thing in it taken away, doubled or made odd."""
    if isinstance(value, dict) and value and rng.random() < 0.85:
        key = list(value)[rng.integers(len(value))]
        what = rng.random()
        if what < 0.15:
            return {k: v for k, v in value.items() if k != key}
        if what < 0.25:
            return {**value, f"{key}?": value[key]}
        return {**value, key: _bent(value[key], rng)}
    if isinstance(value, list) and value and rng.random() < 0.85:
        at = int(rng.integers(len(value)))
        what = rng.random()
        if what < 0.2:
            return value[:at] + value[at + 1 :]
        if what < 0.35:
            return [*value, value[at]]
        return [*value[:at], _bent(value[at], rng), *value[at + 1 :]]
    return ODD[rng.integers(len(ODD))]
