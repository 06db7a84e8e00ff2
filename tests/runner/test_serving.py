"""A model served over HTTP: the protocol's answers, what is refused, and that no request brings it down."""

from __future__ import annotations

import asyncio
import http.client
import io
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits, make_classification

import neuroloom
from benchmarks.runner.malformed import malformed
from neuroloom.core.errors import InputError, NotSupportedError
from neuroloom.methods.saving import load_estimator, save_estimator
from neuroloom.runner.models import answers, fit_model, predict_with_model

uvicorn = pytest.importorskip("uvicorn")
pytest.importorskip("starlette")

from neuroloom.runner.loopback import LOOPBACK, listening
from neuroloom.runner.serving.server import ServedModel, make_app

LIMIT = 20_000


class Asker:
    """Asks the server on a port."""

    def __init__(self, port: int) -> None:
        self.port = port

    def __call__(
        self, verb: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        sent = json.dumps(body).encode() if isinstance(body, dict) else body
        connection.request(verb, path, sent, headers or {})
        got = connection.getresponse()
        text = got.read()
        connection.close()
        if verb != "HEAD":
            assert got.getheader("content-type") == "application/json"
        return got.status, json.loads(text) if text else None


@contextmanager
def served(model: ServedModel, hosts: tuple[str, ...] | None = LOOPBACK) -> Iterator[tuple[Asker, Any]]:
    app = make_app(model, LIMIT, hosts)
    with listening("127.0.0.1", 0) as sock:
        server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="on"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, daemon=True)
        thread.start()
        yield Asker(sock.getsockname()[1]), app
        server.should_exit = True
        thread.join(20)
        assert not thread.is_alive()


ROWS = pd.DataFrame({
    "size": [1.5, 2.5, np.nan, 4.5, 1.0, 3.0, 2.0, 5.0] * 6,
    "colour": ["red", "blue", "red", "green", None, "blue", "red", "green"] * 6,
    "day": pd.date_range("2024-01-01", periods=48).strftime("%Y-%m-%d"),
    "new": ["yes", "no", "no", "yes"] * 12,
    "kind": [2, 1, 2, 1, 2, 1, 2, 1] * 6,
})  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("served")
    ROWS.to_csv(home / "rows.csv", index=False)
    fit_model("logreg", home / "rows.csv", home / "shop", target="kind", problem="classification")
    return home


@pytest.fixture(scope="module")
def ask(folder: Path) -> Iterator[Asker]:
    with served(ServedModel(folder / "shop")) as (asker, _):
        yield asker


def request(n: int = 8, start: int = 0) -> dict[str, Any]:
    part = ROWS.iloc[start : start + n]
    text = {
        name: [None if v is None or v != v else v for v in part[name]] for name in ("colour", "day", "new")
    }
    size = [None if v != v else v for v in part["size"]]
    inputs = [{"name": "size", "shape": [n], "datatype": "FP64", "data": size}]
    inputs += [{"name": name, "shape": [n], "datatype": "BYTES", "data": v} for name, v in text.items()]
    return {"id": "one", "inputs": inputs}


def test_health_and_metadata(ask: Asker) -> None:
    assert ask("GET", "/v2/health/live") == (200, {"live": True})
    assert ask("GET", "/v2/health/ready") == (200, {"ready": True})
    assert ask("GET", "/v2/models/shop/ready") == (200, {"name": "shop", "ready": True})
    about = {"name": "neuroloom", "version": neuroloom.__version__, "extensions": []}
    assert ask("GET", "/v2") == (200, about)
    status, found = ask("GET", "/v2/models/shop/versions/1")
    assert status == 200
    assert found == {
        "name": "shop", "versions": ["1"], "platform": "neuroloom",
        "inputs": [
            {"name": "size", "datatype": "FP64", "shape": [-1]},
            {"name": "colour", "datatype": "BYTES", "shape": [-1]},
            {"name": "day", "datatype": "BYTES", "shape": [-1]},
            {"name": "new", "datatype": "BOOL", "shape": [-1]},
        ],
        "outputs": [
            {"name": "prediction", "datatype": found["outputs"][0]["datatype"], "shape": [-1]},
            {"name": "probability", "datatype": "FP64", "shape": [-1, 2]},
        ],
    }  # fmt: skip


def test_answers_are_those_of_predict(ask: Asker, folder: Path) -> None:
    status, found = ask("POST", "/v2/models/shop/infer", request(48))
    assert status == 200
    assert (found["model_name"], found["model_version"], found["id"]) == ("shop", "1", "one")
    frame = pd.read_csv(io.StringIO(predict_with_model(folder / "shop", folder / "rows.csv")))
    prediction, probability = found["outputs"]
    assert [str(v) for v in prediction["data"]] == frame["prediction"].astype(str).tolist()
    assert probability["parameters"] == {"columns": ["1", "2"]}
    made = np.reshape(probability["data"], probability["shape"])
    np.testing.assert_allclose(made, frame[["p(1)", "p(2)"]].to_numpy(), rtol=0, atol=1e-12)


def test_other_forms_of_the_same_samples(ask: Asker) -> None:
    plain = ask("POST", "/v2/models/shop/infer", request(4))[1]["outputs"]
    asked = request(4)
    for tensor in asked["inputs"]:
        tensor["shape"], tensor["data"] = [4, 1], [[value] for value in tensor["data"]]
    asked["inputs"].reverse()
    del asked["id"]
    status, found = ask("POST", "/v2/models/shop/versions/1/infer", asked)
    assert status == 200
    assert "id" not in found
    assert found["outputs"] == plain
    truths = request(4)
    truths["inputs"][3] |= {"datatype": "BOOL", "data": [value == "yes" for value in ROWS["new"][:4]]}
    truths["inputs"][0] |= {"datatype": "BYTES", "data": ["1.5", "2.5", "", "4.5"]}
    truths["outputs"] = [{"name": "probability"}]
    status, found = ask("POST", "/v2/models/shop/infer", truths)
    assert status == 200
    assert found["outputs"] == plain[1:]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda r: r.pop("inputs"), "`inputs` must be a list of tensors"),
        (lambda r: r["inputs"].pop(), "inputs are missing: 'new'."),
        (lambda r: r["inputs"][1].update(name="color"), "input 'color' is not known; did you mean 'colour'?"),
        (lambda r: r["inputs"].append(r["inputs"][0]), "there are two inputs called 'size'"),
        (lambda r: r["inputs"][0].update(datatype="FP128"), "`inputs[0].datatype` must be one of BOOL, INT8"),
        (lambda r: r["inputs"][0].update(shape=[5]), "`inputs[0].data` holds 8 values, but its shape asks for 5."),
        (lambda r: r["inputs"][0].update(shape=[2, 2, 2]), "input 'size' must have shape [n], but has [2, 2, 2]."),
        (lambda r: r["inputs"][0].update(shape="8"), "`inputs[0].shape` must be a list of 1 to 8 whole numbers"),
        (lambda r: r["inputs"][0]["data"].__setitem__(0, "x"), "`inputs[0].data` must hold numbers or null"),
        (lambda r: r["inputs"][0].update(datatype="INT8", data=[300] * 8), "whole numbers from -128 to 127"),
        (lambda r: r["inputs"][2].update(data=["soon"] * 8), "the request, column 'day': expected dates"),
        (lambda r: r["inputs"][0].update(shape=[1], data=[1.0]), "all inputs must hold as many samples"),
        (lambda r: [one.update(shape=[0], data=[]) for one in r["inputs"]], "the request holds no sample."),
        (lambda r: r.update(outputs=[{"name": "odds"}]), "output 'odds' is not known"),
        (lambda r: r.update(id=7), "`id` must be a string."),
        (lambda r: r["inputs"][0].update(data=[[1, 2], [3]]), "must be flat, or nested evenly"),
    ],
)  # fmt: skip
def test_wrong_requests_are_told_what_is_wrong(ask: Asker, change: Callable[[Any], Any], why: str) -> None:
    asked = request()
    change(asked)
    status, found = ask("POST", "/v2/models/shop/infer", asked)
    assert status == 400
    assert list(found) == ["error"]
    assert why in found["error"]


@pytest.mark.parametrize(
    ("verb", "path", "body", "status", "why"),
    [
        ("POST", "/v2/models/shop/infer", b"{", 400, "the request is no JSON"),
        ("POST", "/v2/models/shop/infer", b"[" * 50_00, 400, "the request is no JSON"),
        ("POST", "/v2/models/shop/infer", b"[1]", 400, "must be a JSON object with `inputs`"),
        (
            "POST",
            "/v2/models/shop/infer",
            b'{"inputs": NaN}',
            400,
            "NaN is no JSON; a missing number is null",
        ),
        ("POST", "/v2/models/shop/infer", b" " * (LIMIT + 1), 413, f"a request has at most {LIMIT} bytes"),
        ("POST", "/v2/models/shopp/infer", b"{}", 404, "model 'shopp' is not known; did you mean 'shop'?"),
        ("GET", "/v2/models/shop/versions/2", None, 404, "there is version 1 of shop, not '2'."),
        ("GET", "/v2/models/shop/infer", None, 405, "GET is not for this address."),
        ("GET", "/metrics", None, 404, "the protocol's addresses begin with /v2"),
    ],
)
def test_refusals(ask: Asker, verb: str, path: str, body: Any, status: int, why: str) -> None:
    got, found = ask(verb, path, body)
    assert got == status
    assert why in found["error"]


def test_a_long_request_without_a_length_is_cut_off(ask: Asker) -> None:
    def parts() -> Iterator[bytes]:
        for _ in range(30):
            yield b" " * 1000

    connection = http.client.HTTPConnection("127.0.0.1", ask.port, timeout=60)
    connection.request(
        "POST",
        "/v2/models/shop/infer",
        parts(),
        encode_chunked=True,
        headers={"Transfer-Encoding": "chunked"},
    )
    assert connection.getresponse().status == 413
    connection.close()


def test_a_client_that_hangs_up_amid_its_request_breaks_nothing(folder: Path) -> None:
    app = make_app(ServedModel(folder / "shop"), LIMIT)
    events = iter(
        [{"type": "http.request", "body": b'{"inp', "more_body": True}, {"type": "http.disconnect"}]
    )
    sent: list[Any] = []

    async def receive() -> Any:
        return next(events)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/v2/models/shop/infer", "query_string": b"",
             "headers": [(b"host", b"localhost")]}  # fmt: skip
    asyncio.run(app(scope, receive, send))  # raises nothing, so the log gets no traceback
    assert sent[0]["status"] == 400


def test_only_this_machine_by_its_own_names_is_answered(ask: Asker, folder: Path) -> None:
    status, found = ask("GET", "/v2", headers={"Host": "evil.example:80"})
    assert status == 403
    assert "served to this machine alone" in found["error"]
    with served(ServedModel(folder / "shop", "other.name"), hosts=None) as (other, _):
        assert other("GET", "/v2/models/other.name/ready", headers={"Host": "shop.example"})[0] == 200


def test_malformed_requests_bring_nothing_down(ask: Asker) -> None:
    before = ask("POST", "/v2/models/shop/infer", request(3))
    seen: dict[int, int] = {}
    for seed in range(300):
        verb, path, body, headers = malformed(seed, request(3), "shop")
        status, found = ask(verb, path, body, headers)
        seen[status] = seen.get(status, 0) + 1
        assert status in (200, 400, 403, 404, 405, 413), (seed, status, found)
        if status >= 400 and verb != "HEAD":
            assert list(found) == ["error"]
            assert "Traceback" not in found["error"]
    assert seen[400] > 150
    with socket.create_connection(("127.0.0.1", ask.port), timeout=20) as raw:
        raw.sendall(b"\x16\x03\x01 no HTTP at all\r\n\r\n")
        assert raw.recv(100).startswith(b"HTTP/1.1 400")
    assert ask("POST", "/v2/models/shop/infer", request(3)) == before


class Gate:
    """A model of one column that waits at a gate, and fails on 13."""

    name, inputs = "gate", [{"name": "X", "datatype": "FP64", "shape": [-1, 1]}]
    outputs = [{"name": "prediction", "datatype": "FP64", "shape": [-1]}]  # noqa: RUF012

    def __init__(self) -> None:
        self.open, self.sizes = threading.Event(), []

    def read(self, asked: Any) -> Any:
        X = np.array(asked["inputs"][0]["data"], dtype=float)
        return X, len(X)

    def answer(self, X: Any) -> Any:
        assert self.open.wait(60)
        self.sizes.append(len(X))
        if (X == 13).any():
            raise RuntimeError("unlucky")
        return {"prediction": (2 * X, None)}


def test_requests_that_wait_are_answered_together_and_one_bad_one_alone_fails() -> None:
    gate = Gate()
    with served(gate) as (asker, app), ThreadPoolExecutor(12) as pool:  # type: ignore[arg-type]

        def ask_for(value: float, n: int = 1) -> Any:
            return asker("POST", "/v2/models/gate/infer", {"inputs": [{"data": [value] * n}]})

        first = pool.submit(ask_for, 0.0)
        deadline = time.monotonic() + 30
        while not app.state.batches._working and time.monotonic() < deadline:
            time.sleep(0.01)
        others = [pool.submit(ask_for, float(i), 1 + i % 3) for i in range(1, 10)]
        while len(app.state.batches._waiting) < 9 and time.monotonic() < deadline:
            time.sleep(0.01)
        gate.open.set()
        assert first.result()[1]["outputs"][0]["data"] == [0.0]
        for i, one in enumerate(others, 1):
            status, found = one.result()
            assert status == 200
            assert found["outputs"][0]["data"] == [2.0 * i] * (1 + i % 3)
        assert gate.sizes == [1, sum(1 + i % 3 for i in range(1, 10))]
        gate.open.clear()
        gate.sizes.clear()
        waiting = [pool.submit(ask_for, v) for v in (0.0,)]
        while not app.state.batches._working and time.monotonic() < deadline:
            time.sleep(0.01)
        waiting += [pool.submit(ask_for, v) for v in (5.0, 13.0, 6.0)]
        while len(app.state.batches._waiting) < 3 and time.monotonic() < deadline:
            time.sleep(0.01)
        gate.open.set()
        assert [one.result()[0] for one in waiting] == [200, 200, 500, 200]
        assert waiting[2].result()[1]["error"] == "the model failed on these samples: RuntimeError: unlucky"
        assert sorted(gate.sizes) == [1, 1, 1, 1, 3]


def test_pictures_intervals_and_outliers(tmp_path: Path) -> None:
    X, y = load_digits(n_class=3, return_X_y=True)
    pictures = (X[:60] / 16).reshape(-1, 1, 8, 8).astype(np.float32)
    schema = {"kind": "image", "shape": [1, 8, 8]}
    made = {
        "digit": ("ridge", "image", "classification", y[:60], None),
        "amount": ("ridge", "table", "regression", X[:60, 20], 0.8),
        "strange": ("pca", "table", "detection", None, None),
    }
    columns = [f"x{i + 1}" for i in range(10)]
    for name, (method, kind, problem, target, confidence) in made.items():
        model = neuroloom.make(method, kind, problem)
        if confidence:
            from neuroloom.methods.conformal import ConformalRegressor

            model = ConformalRegressor(model, confidence, random_state=0)
        samples = pictures if kind == "image" else pd.DataFrame(X[:60, 30:40], columns=columns)
        model.fit(samples, target) if target is not None else model.fit(samples)
        table = {"kind": "table", "columns": [{"name": c, "kind": "number"} for c in columns], "id": None}
        save_estimator(
            model, tmp_path / name, {"problem": problem, "schema": schema if kind == "image" else table}
        )
    with served(ServedModel(tmp_path / "digit")) as (ask, _):
        tensor = {"name": "X", "shape": [2, 1, 8, 8], "datatype": "FP32", "data": pictures[:2].tolist()}
        status, found = ask("POST", "/v2/models/digit/infer", {"inputs": [tensor]})
        assert (status, found["outputs"][0]["data"]) == (200, [0, 1])
        assert found["outputs"][0]["datatype"] == "INT64"
        tensor |= {"shape": [2, 8, 8]}
        assert (
            "must have shape [n, 1, 8, 8], but has [2, 8, 8]"
            in ask("POST", "/v2/models/digit/infer", {"inputs": [tensor]})[1]["error"]
        )
        tensor |= {"shape": [1, 2, 8, 8]}
        assert (
            "X must have shape [n, 1, 8, 8]"
            in ask("POST", "/v2/models/digit/infer", {"inputs": [tensor]})[1]["error"]
        )
    inputs = [
        {"name": c, "shape": [3], "datatype": "FP64", "data": X[:3, 30 + i].tolist()}
        for i, c in enumerate(columns)
    ]
    for name, wanted in (("amount", ["prediction", "interval"]), ("strange", ["outlier", "score"])):
        model = ServedModel(tmp_path / name)
        with served(model) as (ask, _):
            status, found = ask("POST", f"/v2/models/{name}/infer", {"inputs": inputs})
            assert (status, [one["name"] for one in found["outputs"]]) == (200, wanted)
            told = ask("GET", f"/v2/models/{name}")[1]["outputs"]
            assert [(o["name"], o["datatype"], len(o["shape"])) for o in told] == [
                (o["name"], o["datatype"], len(o["shape"])) for o in found["outputs"]
            ]
    estimator = load_estimator(tmp_path / "strange")[0]
    rows = pd.DataFrame(X[:3, 30:40], columns=columns)
    np.testing.assert_allclose(found["outputs"][1]["data"], -estimator.decision_function(rows), atol=1e-12)


def _tensor(name: str, data: Any, datatype: str = "BYTES") -> dict[str, Any]:
    return {"name": name, "shape": list(np.shape(data)), "datatype": datatype, "data": data}


@pytest.mark.slow
def test_nodes_by_their_names(tmp_path: Path) -> None:
    import networkx as nx

    karate = nx.karate_club_graph()
    edges = "".join(f"m{a} m{b}\n" for a, b in karate.edges)
    (tmp_path / "g.edges").write_text(edges)
    labels = "".join(f"m{i} {'hi' if club == 'Mr. Hi' else 'john'}\n" for i, club in karate.nodes("club"))
    (tmp_path / "labels.txt").write_text(labels)
    fit_model("prone+logreg", tmp_path / "g.edges", tmp_path / "members", labels=tmp_path / "labels.txt")
    (tmp_path / "new.txt").write_text("m3\nm33\nm8\n")
    wanted = pd.read_csv(io.StringIO(predict_with_model(tmp_path / "members", tmp_path / "new.txt")))
    with served(ServedModel(tmp_path / "members")) as (ask, _), ThreadPoolExecutor(6) as pool:
        assert ask("GET", "/v2/models/members")[1]["inputs"] == [
            {"name": "node", "datatype": "BYTES", "shape": [-1]}
        ]
        asked = [{"inputs": [_tensor("node", names)]} for names in (["m3", "m33", "m8"], ["m8"], ["m33"]) * 4]
        found = list(pool.map(lambda body: ask("POST", "/v2/models/members/infer", body), asked))
        status, told = ask("POST", "/v2/models/members/infer", {"inputs": [_tensor("node", ["m3", "n4"])]})
    assert (status, "the first 'n4'" in told["error"]) == (400, True)
    assert {status for status, _ in found} == {200}
    outputs = [{one["name"]: one for one in answer["outputs"]} for _, answer in found]
    assert outputs[0]["prediction"]["data"] == wanted["prediction"].tolist()
    probability = wanted[["p(hi)", "p(john)"]].to_numpy()
    np.testing.assert_allclose(outputs[0]["probability"]["data"], probability.ravel(), atol=1e-9)
    np.testing.assert_allclose(outputs[1]["probability"]["data"], probability[2], atol=1e-9)


@pytest.mark.slow
def test_what_comes_next(tmp_path: Path) -> None:
    steps = np.arange(60)
    frame = pd.DataFrame({"sold": 20 + 5 * np.sin(steps / 3) + 0.1 * steps, "price": steps % 5 + 1.0})
    frame.to_csv(tmp_path / "shop.csv", index=False)
    fit_model("theta", tmp_path / "shop.csv", tmp_path / "next", target="sold", horizon=4, drop=("price",))
    wanted = pd.read_csv(io.StringIO(predict_with_model(tmp_path / "next", tmp_path / "shop.csv")))
    with served(ServedModel(tmp_path / "next")) as (ask, _), ThreadPoolExecutor(4) as pool:
        body = {"inputs": [_tensor("sold", frame["sold"].tolist(), "FP64")]}
        half = {"inputs": [_tensor("sold", [*frame["sold"].tolist()[:30], None], "FP64")]}
        found = list(pool.map(lambda b: ask("POST", "/v2/models/next/infer", b), [body, half] * 4))
        told = ask("GET", "/v2/models/next")[1]["outputs"]
        status, wrong = ask(
            "POST", "/v2/models/next/infer", {"inputs": [_tensor("sold", [None, None], "FP64")]}
        )
    assert {status for status, _ in found} == {200}
    assert [(o["name"], o["shape"]) for o in told] == [("prediction", [-1, 4]), ("interval", [-1, 4, 2])]
    for (_, answer), same in zip(found, [True, False] * 4, strict=True):
        prediction, interval = answer["outputs"]
        assert (prediction["shape"], interval["shape"]) == ([1, 4], [1, 4, 2])
        assert np.allclose(prediction["data"], wanted["prediction"]) == same
        if same:
            np.testing.assert_allclose(np.reshape(interval["data"], (4, 2)), wanted[["low", "high"]])
    assert (status, "must hold numbers, but has 0" in wrong["error"]) == (400, True)


def test_models_that_are_not_served(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not do in an address; pass --name"):
        ServedModel(folder / "shop", "my shop")
    with pytest.raises(InputError, match="is no saved model"):
        ServedModel(tmp_path)
    model = load_estimator(folder / "shop")[0]
    for about, why in (
        (
            {"problem": "classification", "schema": {"kind": "graphs"}},
            "models of graphs are not served",
        ),
    ):
        save_estimator(model, tmp_path / about["problem"], about)
        with pytest.raises(NotSupportedError, match=why):
            ServedModel(tmp_path / str(about["problem"]))
    with listening("127.0.0.1", 0) as sock, pytest.raises(InputError, match="pass another --host or --port"):  # noqa: SIM117
        with listening("127.0.0.1", sock.getsockname()[1]):
            pass
    with (
        pytest.raises(InputError, match=r"a\.\.b:0 cannot be used: it is no name of a host"),
        listening("a..b", 0),
    ):
        pass


def test_the_command_serves_until_it_is_interrupted(folder: Path) -> None:
    command = [sys.executable, "-m", "neuroloom", "serve", str(folder / "shop"), "--port", "0"]
    server = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"}
    )
    try:
        assert server.stdout is not None
        line = server.stdout.readline()
        assert line.startswith("serving shop at http://127.0.0.1:")
        port = int(line.split(":")[2].split("/")[0])
        deadline = time.monotonic() + 60
        while True:
            try:
                assert Asker(port)("GET", "/v2/health/ready") == (200, {"ready": True})
                break
            except ConnectionError:
                assert time.monotonic() < deadline
                time.sleep(0.1)
        server.send_signal(signal.SIGINT)
        assert server.wait(30) == 0
    finally:
        server.kill()
        server.wait()
        assert server.stdout is not None
        server.stdout.close()


@pytest.mark.parametrize("method", ["random-forest", "extra-trees"])
def test_a_forest_is_asked_once_for_labels_and_probabilities(
    method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    X, y = make_classification(80, 5, n_informative=3, n_classes=3, random_state=0)
    forest = neuroloom.make(method, "table", "classification", n_estimators=4).fit(
        X, np.array(["a", "b", "c"])[y]
    )
    wanted, asked = forest.predict(X), []
    ask = type(forest).predict_proba
    monkeypatch.setattr(type(forest), "predict_proba", lambda self, X: asked.append(1) or ask(self, X))
    found = answers(forest, "classification", X)
    np.testing.assert_array_equal(found["prediction"][0], wanted)
    np.testing.assert_array_equal(found["probability"][0], ask(forest, X))
    assert len(asked) == 1
