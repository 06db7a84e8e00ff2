"""`neuroloom serve` under load, MLServer beside it: requests a second, p50 and p99; then 10,000 malformed requests.

    make peers PEERS=mlserver
    python -m benchmarks.runner.serving [--seconds 5] [--rounds 3] [--malformed 10000]

One server process answers at a time; the clients are coroutines of one other process, each with a connection of its own
that asks again as soon as it is answered. CPU ms are the server's, for each request. MLServer (from its own
environment, left out where that has not been built) has the same estimator of scikit-learn's, fitted there to the same
file, in one process without workers of its own; its second row has its adaptive batching on (32 requests, 2 ms). All
get the same bodies from the same clients, in turns; printed are medians over the rounds. What they answer differs in
one thing: ours holds the probabilities, too. The labels are compared beforehand.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import json
import os
import platform
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.peers import peer_python
from benchmarks.record import version as version_anywhere
from benchmarks.runner.malformed import malformed

METHODS = ("logreg", "random-forest")
CLIENTS = (1, 8, 32)
BATCHING = {"max_batch_size": 32, "max_batch_time": 0.002}

FIT_PEER = """
import json, sys
import joblib, pandas as pd
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
method, rows, out, seed = sys.argv[1:]
frame = pd.read_csv(rows)
X, y = frame.drop(columns="target"), frame["target"].to_numpy(dtype=object)
model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000, random_state=int(seed)))
if method == "random-forest":
    model = RandomForestClassifier(random_state=int(seed))
joblib.dump(model.fit(X, y), out)
"""


def fitted(method: str, home: Path) -> tuple[Path, Any]:
    """Return the folder of a model of the breast cancer data, and the data."""
    from sklearn.datasets import load_breast_cancer

    from neuroloom.runner.models import fit_model

    frame = load_breast_cancer(as_frame=True).frame
    frame["target"] = frame["target"].map({0: "malignant", 1: "benign"})
    frame.to_csv(home / "rows.csv", index=False)
    fit_model(method, home / "rows.csv", home / method, target="target")
    return home / method, frame.drop(columns="target")


def request(frame: Any, n: int) -> dict[str, Any]:
    """Return an inference request of the first ``n`` rows."""
    part = frame.iloc[:n]
    return {
        "inputs": [
            {"name": name, "shape": [n], "datatype": "FP64", "data": part[name].tolist()} for name in part
        ]
    }


class Server:
    """A server process.

    Args:
        command: what starts it.
        port: where it listens; None reads it off the first line that it prints.
        folder: where it is started.
    """

    def __init__(self, command: list[str], port: int | None = None, folder: Path | None = None) -> None:
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
        kept = subprocess.PIPE if port is None else subprocess.DEVNULL
        quiet = None if port is None else subprocess.DEVNULL
        self.process = subprocess.Popen(
            command, stdout=kept, stderr=quiet, text=True, env=environment, cwd=folder
        )
        if port is None:
            assert self.process.stdout is not None
            port = int(self.process.stdout.readline().split(":")[2].split("/")[0])
        self.port = port
        self._until_ready()

    def _until_ready(self, seconds: float = 60.0) -> None:
        end = time.monotonic() + seconds
        while True:
            try:
                if self.ask("GET", "/v2/health/ready", b"") == 200:
                    return
            except OSError:
                pass
            if time.monotonic() > end or self.process.poll() is not None:
                raise SystemExit(f"the server does not come up: {self.process.args!r}")
            time.sleep(0.1)

    def ask(self, verb: str, path: str, body: bytes, headers: dict[str, str] | None = None) -> int:
        """Return the status of the answer."""
        return self.answer(verb, path, body, headers)[0]

    def answer(
        self, verb: str, path: str, body: bytes, headers: dict[str, str] | None = None
    ) -> tuple[int, bytes]:
        """Return status and body of the answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(verb, path, body, headers or {})
        found = connection.getresponse()
        told = found.status, found.read()
        connection.close()
        return told

    def cpu_seconds(self) -> float:
        """Return the CPU seconds that it has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def close(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.wait(20)


def our_server(folder: Path) -> Server:
    """Return `neuroloom serve` of a model."""
    return Server([sys.executable, "-m", "neuroloom", "serve", str(folder), "--port", "0"])


def peer_servers(python: str, method: str, home: Path) -> dict[str, Server]:
    """Return MLServer with the same model, without and with its batching."""
    from neuroloom.methods.saving import load_estimator

    estimator, _ = load_estimator(home / method)
    seed = str(estimator.steps[-1][1].random_state)
    model = home / f"{method}.joblib"
    subprocess.run([python, "-c", FIT_PEER, method, str(home / "rows.csv"), str(model), seed], check=True)
    found = {}
    for name, batching in (("MLServer", {}), ("MLServer, batching", BATCHING)):
        folder = home / f"{method}-{len(batching)}"
        folder.mkdir()
        ports = _free_ports(3)
        settings = {"http_port": ports[0], "grpc_port": ports[1], "metrics_port": ports[2]}
        settings |= {"parallel_workers": 0, "debug": False, "host": "127.0.0.1"}
        (folder / "settings.json").write_text(json.dumps(settings))
        told = {"name": method, "implementation": "mlserver_sklearn.SKLearnModel", **batching}
        told["parameters"] = {"uri": str(model), "version": "1", "content_type": "pd"}
        (folder / "model-settings.json").write_text(json.dumps(told))
        found[name] = Server([str(Path(python).with_name("mlserver")), "start", "."], ports[0], folder)
    return found


def _free_ports(count: int) -> list[int]:
    held = [socket.socket() for _ in range(count)]
    for one in held:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


async def load(port: int, name: str, body: bytes, clients: int, seconds: float) -> list[float]:
    """Return the seconds of each request that was answered."""
    head = f"POST /v2/models/{name}/infer HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    head += f"Content-Length: {len(body)}\r\n\r\n"
    sent, found, end = head.encode() + body, [], time.perf_counter() + seconds

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while time.perf_counter() < end:
            began = time.perf_counter()
            writer.write(sent)
            top = await reader.readuntil(b"\r\n\r\n")
            if not top.startswith(b"HTTP/1.1 200"):
                raise SystemExit(f"the server answered {top[:30]!r}")
            length = next(
                int(line[15:]) for line in top.lower().split(b"\r\n") if line.startswith(b"content-length:")
            )
            await reader.readexactly(length)
            found.append(time.perf_counter() - began)
        writer.close()

    await asyncio.gather(*(client() for _ in range(clients)))
    return found


def labels(server: Server, method: str, frame: Any) -> list[str]:
    """Return the class that a server answers for each row."""
    body = json.dumps(request(frame, len(frame))).encode()
    status, told = server.answer(
        "POST", f"/v2/models/{method}/infer", body, {"Content-Type": "application/json"}
    )
    assert status == 200, told[:500]
    found: list[str] = json.loads(told)["outputs"][0]["data"]
    return found


def measure(server: Server, method: str, body: bytes, clients: int, seconds: float) -> tuple[float, ...]:
    """Return requests a second, p50 and p99 in ms, and the server's CPU ms for each request."""
    before, began = server.cpu_seconds(), time.perf_counter()
    took = asyncio.run(load(server.port, method, body, clients, seconds))
    rate = len(took) / (time.perf_counter() - began)
    cpu = (server.cpu_seconds() - before) / len(took) * 1e3
    cuts = statistics.quantiles(took, n=100)
    return rate, cuts[49] * 1e3, cuts[98] * 1e3, cpu


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--malformed", type=int, default=10_000)
    parser.add_argument("--peer", help="Python of an environment with MLServer; else that of `make peers`")
    given = parser.parse_args()
    python = given.peer or peer_python("mlserver")
    versions = ", ".join(f"{name} {version(name)}" for name in ("starlette", "uvicorn", "scikit-learn"))
    print(
        f"Python {platform.python_version()}, {versions}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    )
    print(
        "MLServer is left out: make peers PEERS=mlserver"
        if python is None
        else f"MLServer {version_anywhere('mlserver') or 'of the --peer given'}"
    )
    print(
        f"{'model':15}{'rows':>5}{'clients':>8}  {'server':20}{'requests/s':>10}{'rows/s':>8}{'p50 ms':>8}{'p99 ms':>8}"
        f"{'CPU ms':>8}"
    )
    with tempfile.TemporaryDirectory() as held:
        home = Path(held)
        for method in METHODS:
            folder, frame = fitted(method, home)
            servers = {"neuroloom": our_server(folder)}
            if python is not None:
                servers |= peer_servers(python, method, home)
            told = {name: labels(server, method, frame) for name, server in servers.items()}
            for rows in (1, 100):
                show(servers, method, rows, json.dumps(request(frame, rows)).encode(), given)
            for name, answered in list(told.items())[1:]:
                same = sum(a == b for a, b in zip(answered, told["neuroloom"], strict=True))
                print(f"{method}: {name} answers {same} of {len(answered)} rows as neuroloom does")
            if method == METHODS[0]:
                spoil(servers["neuroloom"], method, frame, given.malformed)
            for server in servers.values():
                server.close()


def show(servers: dict[str, Server], method: str, rows: int, body: bytes, given: argparse.Namespace) -> None:
    """Measure all servers in turns and print a row for each and each number of clients."""
    for server in servers.values():
        asyncio.run(load(server.port, method, body, 1, 1.0))  # warm
    for clients in CLIENTS:
        found: dict[str, list[tuple[float, ...]]] = {name: [] for name in servers}
        for _ in range(given.rounds):
            for name, server in servers.items():
                found[name].append(measure(server, method, body, clients, given.seconds))
        for name, rounds in found.items():
            rate, p50, p99, cpu = (statistics.median(column) for column in zip(*rounds, strict=True))
            told = f"{rate:10.0f}{rate * rows:8.0f}{p50:8.2f}{p99:8.2f}{cpu:8.2f}"
            print(f"{method:15}{rows:5}{clients:8}  {name:20}{told}", flush=True)


def spoil(server: Server, method: str, frame: Any, count: int) -> None:
    """Ask in ``count`` malformed ways and print what is answered."""
    valid, counts = request(frame, 3), dict[int, int]()
    for seed in range(count):
        status = server.ask(*malformed(seed, valid, method))
        counts[status] = counts.get(status, 0) + 1
    alive = server.ask("POST", f"/v2/models/{method}/infer", json.dumps(valid).encode())
    shown = ", ".join(f"{n} x {status}" for status, n in sorted(counts.items()))
    print(f"{count} malformed requests: {shown}; a right one is then answered {alive}", flush=True)


if __name__ == "__main__":
    main()
