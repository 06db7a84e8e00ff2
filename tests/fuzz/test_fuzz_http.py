"""Spoilt requests to a served model: an answer for each sample, or an error that says what was wrong; never a 500."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.doors import JUNK, fuzz, spoilt_bytes, spoilt_tree

pytest.importorskip("uvicorn")
pytest.importorskip("starlette")

from neuroloom.runner.serving.server import ServedModel
from tests.runner.test_serving import Asker, folder, request, served

__all__ = ["folder"]  # a fixture
GOOD = request(3)


@pytest.fixture(scope="module")
def ask(folder: Any) -> Iterator[Asker]:
    with served(ServedModel(folder / "shop")) as (asker, _):
        yield asker


def _sound(asked: bytes, status: int, found: Any) -> None:
    assert status in (200, 400, 413), found
    if status == 200:
        shape = json.loads(asked)["inputs"][0]["shape"]
        prediction = next(o for o in found["outputs"] if o["name"] == found["outputs"][0]["name"])
        assert prediction["shape"][0] == shape[0]
        assert all(o["shape"][0] == shape[0] for o in found["outputs"])
    else:
        assert list(found) == ["error"]
        assert len(found["error"]) > 15
        assert "Traceback" not in found["error"]


def test_the_request_that_is_spoilt_is_right(ask: Asker) -> None:
    status, found = ask("POST", "/v2/models/shop/infer", GOOD)
    assert status == 200
    assert found["outputs"][0]["shape"] == [3]


@fuzz(80)
@given(spoilt_tree(GOOD))
def test_spoilt_requests(ask: Asker, tree: Any) -> None:
    body = json.dumps(tree).encode()
    _sound(body, *ask("POST", "/v2/models/shop/infer", body))


@fuzz(60)
@given(spoilt_bytes(json.dumps(GOOD).encode()))
def test_spoilt_bodies(ask: Asker, body: bytes) -> None:
    _sound(body, *ask("POST", "/v2/models/shop/infer", body))


@fuzz(40)
@given(JUNK)
def test_any_json_at_all(ask: Asker, tree: Any) -> None:
    body = json.dumps(tree).encode()
    assert ask("POST", "/v2/models/shop/infer", body)[0] == 400


@fuzz(40)
@given(
    st.text("abcdefgh/.%-_0123456789é?=&\\", max_size=30), st.sampled_from(["GET", "POST", "PUT", "DELETE"])
)
def test_any_address_at_all(ask: Asker, path: str, verb: str) -> None:
    from urllib.parse import quote

    status, found = ask(verb, "/" + quote(path, safe="/.%-_?=&"), b"{}" if verb != "GET" else None)
    assert status in (200, 400, 404, 405)
    assert status == 200 or list(found) == ["error"]
