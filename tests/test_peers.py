"""Peers with an environment of their own: every package pinned, one rule of the Makefile for all of them."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from benchmarks import peers

ROOT = Path(__file__).parent.parent
FILES = sorted((ROOT / "benchmarks" / "peers").glob("*.txt"))


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_every_package_of_a_peer_is_pinned(path):
    first, *lines = path.read_text().splitlines()
    assert first.startswith("# "), "the first line says what the peer is for"
    pins = [line for line in lines if not line.startswith("#")]
    loose = [line for line in pins if not re.fullmatch(r"[\w.-]+(\[[\w,]+\])?==[\w.]+( *;.*)?", line)]
    assert not loose
    assert len({re.split(r"[=\[]", line)[0].lower() for line in pins}) == len(pins) > 1


def test_make_peers_builds_what_is_named_and_nothing_else():
    make = shutil.which("make")
    if make is None:
        pytest.skip("needs make")
    said = subprocess.run(
        [make, "-n", "-B", "peers", "PEERS=pecanpy"], cwd=ROOT, capture_output=True, text=True
    )
    assert said.returncode == 0, said.stderr
    assert ".peers/pecanpy/bin/python -m pip install --quiet -r benchmarks/peers/pecanpy.txt" in said.stdout
    assert "aeon" not in said.stdout
    said = subprocess.run([make, "-n", "-B", "peers"], cwd=ROOT, capture_output=True, text=True)
    assert [f".peers/{path.stem}/.ready" in said.stdout for path in FILES] == [True] * len(FILES)


def test_an_environment_counts_once_it_is_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(peers, "ROOT", tmp_path)
    assert peers.peer_python("aeon") is None
    home = tmp_path / ".peers" / "aeon"
    (home / "bin").mkdir(parents=True)
    (home / "bin" / "python").touch()
    assert peers.peer_python("aeon") is None  # pip was interrupted
    (home / ".ready").touch()
    assert peers.peer_python("aeon") == str(home / "bin" / "python")
