"""`neuroloom serve` under load: requests a second, p50 and p99; then 10,000 malformed requests.

    python -m benchmarks.runner.serving [--seconds 5] [--malformed 10000]

One server process answers; the clients are coroutines of one other process, each with a connection of its own that asks
again as soon as it is answered. CPU ms are the server's, for each request.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.runner.malformed import malformed

METHODS = ("logreg", "random-forest")
CLIENTS = (1, 8, 32)


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
    """A server process."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, "-m", "neuroloom", "serve", str(folder), "--port", "0"]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline().split(":")[2].split("/")[0])
        self.ask("GET", "/v2/health/ready", b"")

    def ask(self, verb: str, path: str, body: bytes, headers: dict[str, str] | None = None) -> int:
        """Return the status of the answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(verb, path, body, headers or {})
        status = connection.getresponse().status
        connection.close()
        return status

    def cpu_seconds(self) -> float:
        """Return the CPU seconds that it has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def close(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.wait(20)


async def load(port: int, name: str, body: bytes, clients: int, seconds: float) -> list[float]:
    """Return the seconds of each request that was answered."""
    head = f"POST /v2/models/{name}/infer HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n\r\n"
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--malformed", type=int, default=10_000)
    given = parser.parse_args()
    versions = ", ".join(f"{name} {version(name)}" for name in ("starlette", "uvicorn", "scikit-learn"))
    print(
        f"Python {platform.python_version()}, {versions}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    )
    print(
        f"{'model':16}{'rows':>6}{'clients':>9}{'requests/s':>12}{'rows/s':>9}{'p50 ms':>9}{'p99 ms':>9}{'CPU ms':>9}"
    )
    with tempfile.TemporaryDirectory() as held:
        for method in METHODS:
            folder, frame = fitted(method, Path(held))
            server = Server(folder)
            for rows in (1, 100):
                body = json.dumps(request(frame, rows)).encode()
                asyncio.run(load(server.port, method, body, 1, 1.0))  # warm
                for clients in CLIENTS:
                    before, began = server.cpu_seconds(), time.perf_counter()
                    took = asyncio.run(load(server.port, method, body, clients, given.seconds))
                    rate = len(took) / (time.perf_counter() - began)
                    cpu = (server.cpu_seconds() - before) / len(took) * 1e3
                    cuts = statistics.quantiles(took, n=100)
                    print(
                        f"{method:16}{rows:6}{clients:9}{rate:12.0f}{rate * rows:9.0f}{cuts[49] * 1e3:9.2f}"
                        f"{cuts[98] * 1e3:9.2f}{cpu:9.2f}",
                        flush=True,
                    )
            if method == METHODS[0]:
                valid, counts = request(frame, 3), dict[int, int]()
                for seed in range(given.malformed):
                    status = server.ask(*malformed(seed, valid, method))
                    counts[status] = counts.get(status, 0) + 1
                alive = server.ask("POST", f"/v2/models/{method}/infer", json.dumps(valid).encode())
                shown = ", ".join(f"{n} x {status}" for status, n in sorted(counts.items()))
                print(
                    f"{given.malformed} malformed requests: {shown}; a right one is then answered {alive}",
                    flush=True,
                )
            server.close()


if __name__ == "__main__":
    main()
