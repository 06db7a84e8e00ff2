"""Breeding pictures: descent, determinism, the file that loses nothing, and the page that only its user can drive."""

import io
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request

import numpy as np
import pytest
from PIL import Image

from neuroloom.core import InputError
from neuroloom.evolve import CPPN, PictureBreeding
from neuroloom.methods.breed_server import BreedServer


def genomes(breeding):
    return [breeding[id].genome for id in breeding.shown]


def test_children_descend_from_what_was_selected():
    breeding = PictureBreeding("rgb", 12, random_state=1)
    assert breeding.shown == list(range(12))
    first, second = breeding[4], breeding[9]
    breeding.breed([9, 4])
    assert breeding.generation == 1
    assert breeding.shown[:2] == [9, 4]
    assert breeding.shown[2:] == list(range(12, 22))
    for id in breeding.shown[2:]:
        child = breeding[id]
        assert set(child.parents) <= {4, 9}
        assert child.genome not in (first.genome, second.genome)
        links = {
            (c.source, c.target) for parent in child.parents for c in breeding[parent].genome.connections
        }
        own = {(c.source, c.target) for c in child.genome.connections}
        assert len(own & links) >= len(own) - 4  # a mutation adds one, or splits one into two
    assert any(len(breeding[id].parents) == 2 for id in breeding.shown[2:])
    assert {breeding[id].parents[0] for id in breeding.shown[2:]} == {4, 9}  # in turn
    child = breeding.shown[-1]
    breeding.breed([child])
    assert breeding.lineage(breeding.shown[-1]) == [breeding[child].parents[0], child, breeding.shown[-1]]
    assert breeding.cppn(child).render(9).shape == (9, 9, 3)
    axes = breeding.plot_lineage(breeding.shown[-1])
    assert len(axes) == 3


def test_selections_and_seed_are_all_that_counts():
    def session(seed, choices):
        breeding = PictureBreeding("grey", 6, seed)
        for choice in choices:
            breeding.breed([breeding.shown[k] for k in choice])
        return genomes(breeding)

    assert session(1, [[0, 3], [2]]) == session(1, [[0, 3], [2]])
    assert session(1, [[0, 3], [2]]) != session(1, [[0, 3], [1]])
    assert session(1, [[0]]) != session(2, [[0]])


@pytest.mark.parametrize("colour", ["grey", "hsv", "rgb"])
def test_few_pictures_are_flat(colour):
    flat = 0
    for seed in range(5):
        breeding = PictureBreeding(colour, 20, seed)
        flat += sum(
            np.ptp(breeding.cppn(id).render(16).reshape(256, -1).astype(int), axis=0).max() < 12
            for id in range(20)
        )
    assert flat <= 4  # in a hundred, of which a dozen would be


def test_going_back_brings_other_children_and_forgets_nothing():
    breeding = PictureBreeding("grey", 8, 0)
    breeding.breed([3])
    before = genomes(breeding)
    breeding.back()
    assert breeding.shown == list(range(8))
    breeding.breed([3])
    assert genomes(breeding)[0] == before[0]
    assert genomes(breeding)[1:] != before[1:]
    assert breeding[9].genome == before[2]  # those of the first time are still there
    with pytest.raises(InputError, match="none before"):
        breeding.back() or breeding.back()


def test_mutation_says_how_unlike_children_are():
    distances = []
    for mutation in (0.2, 1.0, 4.0):
        breeding = PictureBreeding("grey", 40, 3)
        parent = breeding.cppn(5).render(24).astype(float)
        breeding.breed([5], mutation)
        distances.append(
            np.mean([np.abs(breeding.cppn(id).render(24) - parent).mean() for id in breeding.shown[1:]])
        )
    assert distances == sorted(distances)


def test_a_session_is_its_file_bit_for_bit(tmp_path):
    path = tmp_path / "deep" / "s.jsonl"
    breeding = PictureBreeding("hsv", 6, 5, path=path)
    steps = [
        lambda b: b.breed([b.shown[0], b.shown[5]]),
        lambda b: b.breed([b.shown[2]], 2.0),
        lambda b: b.back(),
    ]
    for step in steps * 2:
        again = PictureBreeding.open(path)
        assert (again.generation, again.shown, genomes(again)) == (
            breeding.generation,
            breeding.shown,
            genomes(breeding),
        )
        step(breeding)
        copy = path.with_name("copy.jsonl")
        copy.write_bytes(b"".join(path.read_bytes().splitlines(True)[:-1]))
        other = PictureBreeding.open(copy)
        step(other)
        assert genomes(other) == genomes(breeding)
        assert copy.read_text() == path.read_text()
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"generation": 3, "sho')  # killed while it wrote
    assert PictureBreeding.open(path).shown == breeding.shown
    assert path.read_bytes() == whole
    with pytest.raises(InputError, match="exists already"):
        PictureBreeding(path=path)


def test_a_step_that_cannot_be_written_did_not_happen(tmp_path):
    resource = pytest.importorskip("resource")
    path = tmp_path / "s.jsonl"
    breeding = PictureBreeding("grey", 4, 0, path=path)
    whole, before = path.read_bytes(), breeding.shown
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(whole) + 100, limits[1]))  # as a disk that is full
    try:
        with pytest.raises(InputError, match="cannot be written"):
            breeding.breed([0])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (breeding.shown, breeding.generation, path.read_bytes()) == (before, 0, whole)
    breeding.breed([0])
    assert PictureBreeding.open(path).shown == breeding.shown
    other = PictureBreeding.open(path)
    other.back()
    held = path.read_bytes()
    with pytest.raises(InputError, match="changed by another program"):
        breeding.breed(breeding.shown[:1])
    assert (breeding.generation, path.read_bytes()) == (1, held)
    path.unlink()
    with pytest.raises(InputError, match="cannot be written"):
        other.breed([1])
    assert not path.exists()  # a step alone would be no session


def changed(entry, **changes):
    entry = json.loads(entry)
    for name, value in changes.items():
        place = entry if name in entry else entry["pictures"][0]
        place[name] = value
    return json.dumps(entry)


@pytest.mark.parametrize(
    "changes",
    [
        {"parents": [0]},
        {"parents": [99]},
        {"parents": "a"},
        {"shown": [0, 0, 0, 0]},
        {"genome": {}},
        {"genome": PictureBreeding("rgb", 4, 0)[0].genome.to_dict()},
    ],
)
def test_pictures_that_could_not_have_been_shown_are_refused(tmp_path, changes):
    path = tmp_path / "s.jsonl"
    PictureBreeding("grey", 4, 0, path=path)
    head, first = path.read_text().splitlines()
    path.write_text(f"{head}\n{changed(first, **changes)}\n")
    with pytest.raises(InputError, match="no session of pictures: line 2"):
        PictureBreeding.open(path)
    path.write_text("[" * 100_000 + "\n")
    with pytest.raises(InputError, match="no session of pictures: line 1"):
        PictureBreeding.open(path)


@pytest.mark.parametrize(
    "lines",
    [
        [], ["x"], ["{}"], ['{"format": 9, "colour": "grey", "size": 6, "seed": 0}'],
        ['{"format": 1, "colour": "grey", "size": 4, "seed": 0}'],
        ['{"format": 1, "colour": "grey", "size": 4, "seed": 0}', '{"generation": 0, "shown": [9], "pictures": []}'],
        ['{"format": 1, "colour": "grey", "size": 4, "seed": 0}', '{"back": 0}'],
    ],
)  # fmt: skip
def test_what_is_no_session_is_refused(tmp_path, lines):
    path = tmp_path / "s.jsonl"
    path.write_text("".join(f"{line}\n" for line in lines))
    with pytest.raises(InputError, match="no session of pictures"):
        PictureBreeding.open(path)
    with pytest.raises(InputError, match="cannot be read"):
        PictureBreeding.open(tmp_path / "nothing")


def test_a_founder_is_gone_on_with_and_others_are_refused():
    founder = PictureBreeding("rgb", 4, 0)[2].genome
    breeding = PictureBreeding("rgb", 6, 1, founder)
    wanted, shown = (CPPN(one, "rgb").render(32) for one in (founder, breeding[0].genome))
    np.testing.assert_array_equal(shown, wanted)
    assert len({json.dumps(one.to_dict()) for one in genomes(breeding)}) == 6
    with pytest.raises(InputError, match="3 outputs"):
        PictureBreeding("hsv", founder=PictureBreeding("grey", 4, 0)[0].genome)
    with pytest.raises(InputError, match="at least one of the pictures shown"):
        breeding.breed([])
    with pytest.raises(InputError, match=r"but got \[77\]"):
        breeding.breed([1, 77])
    for settings, match in (({"colour": "blue"}, "colour"), ({"size": 3}, "size")):
        with pytest.raises(InputError, match=match):
            PictureBreeding(**settings)
    with pytest.raises(InputError, match="mutation"):
        breeding.breed([0], 0)
    with pytest.raises(InputError, match="there is no picture 99"):
        breeding.lineage(99)


@pytest.fixture
def server(tmp_path):
    with BreedServer(PictureBreeding("hsv", 6, 0, path=tmp_path / "s.jsonl")) as made:
        thread = threading.Thread(target=made.serve_forever)
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def ask(server, path, body=None, **headers):
    if body is not None and not isinstance(body, bytes):
        body = json.dumps(body).encode()
    request = urllib.request.Request(server.url + path, body, headers)
    with urllib.request.urlopen(request) as answer:
        return answer.read(), answer.headers


def test_the_page_shows_breeds_and_goes_back(server, tmp_path):
    page, headers = ask(server, "")
    assert server.token in page.decode()
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    state = json.loads(ask(server, "state.json")[0])
    assert state == {"generation": 0, "shown": [0, 1, 2, 3, 4, 5], "file": "s.jsonl"}
    picture, headers = ask(server, "picture/3.png?size=70")
    assert headers["Cache-Control"] == "no-store"
    picture = Image.open(io.BytesIO(picture))
    np.testing.assert_array_equal(np.asarray(picture), server.breeding.cppn(3).render(70))
    token = {"X-Token": server.token}
    state = json.loads(ask(server, "breed", {"selected": [3, 1], "mutation": 2}, **token)[0])
    assert (state["generation"], state["shown"][:2]) == (1, [3, 1])
    assert PictureBreeding.open(tmp_path / "s.jsonl").shown == state["shown"]
    line = json.loads(ask(server, f"lineage/{state['shown'][2]}.json")[0])["line"]
    assert line == [{"id": 3, "generation": 0}, {"id": 6, "generation": 1}]
    genome = json.loads(ask(server, "genome/6.json")[0])
    assert genome == json.loads(json.dumps(server.breeding[6].genome.to_dict()))
    assert json.loads(ask(server, "back", {}, **token)[0])["generation"] == 0
    assert PictureBreeding.open(tmp_path / "s.jsonl").generation == 0


def test_what_does_not_come_from_the_page_changes_nothing(server, tmp_path):
    before = (tmp_path / "s.jsonl").read_bytes()
    token = {"X-Token": server.token}
    for path, body, headers, status in (
        ("breed", {"selected": [1]}, {}, 403),
        ("breed", {"selected": [1]}, {"X-Token": "guess"}, 403),
        ("breed", {"selected": [1]}, {**token, "Host": "evil.example"}, 403),
        ("state.json", None, {"Host": "evil.example"}, 403),
        ("breed", {"selected": []}, token, 400),
        ("breed", {"selected": [77]}, token, 400),
        ("breed", {"selected": "all"}, token, 400),
        ("breed", {"selected": [1], "mutation": "much"}, token, 400),
        ("breed", b"no json", token, 400),
        ("breed", b"[1]", token, 400),
        ("breed", b"[" * 9000, token, 400),
        ("breed", {"selected": [1], "mutation": 10**400}, token, 400),
        ("breed", b"{}", {**token, "Content-Length": "\xb2"}, 413),
        ("breed", b"0" * 20_000, token, 413),
        ("shout", {}, token, 404),
        ("back", {}, token, 400),
        ("picture/99.png", None, {}, 400),
        ("picture/1.png?size=99999", None, {}, 400),
        ("picture/1.json", None, {}, 404),
        ("../cli.py", None, {}, 404),
        ("breed.html", None, {}, 404),
    ):
        with pytest.raises(urllib.error.HTTPError) as refused:
            ask(server, path, body, **headers)
        assert refused.value.code == status, path
        assert json.loads(refused.value.read())["error"]
    assert (tmp_path / "s.jsonl").read_bytes() == before
    assert server.breeding.generation == 0


def test_a_browser_that_goes_away_is_not_spoken_of(server, capsys):
    for error in (ConnectionResetError(), BrokenPipeError(), RuntimeError("a fault of ours")):
        try:
            raise error
        except Exception:
            server.handle_error(None, ("127.0.0.1", 1))
        assert ("Traceback" in capsys.readouterr().err) == isinstance(error, RuntimeError)


def test_the_command_serves_until_it_is_stopped_and_goes_on(tmp_path):
    def run(*arguments):
        return subprocess.Popen(
            [sys.executable, "-m", "neuroloom", "breed", *arguments], cwd=tmp_path, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "PYTHONUNBUFFERED": "1"},
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )  # fmt: skip

    for ending in (signal.SIGINT, signal.SIGTERM):
        process = run("mine.jsonl", "--no-open", "--size", "4", "--colour", "grey")
        said = process.stdout.readline()
        url = said.split(" at ")[1].split()[0]
        with urllib.request.urlopen(url + "state.json") as answer:
            assert json.loads(answer.read())["shown"] == [0, 1, 2, 3]
        process.send_signal(ending)
        rest, _ = process.communicate(timeout=60)
        assert "all is kept in mine.jsonl" in rest
        assert process.returncode == 0
    port = socket.create_server(("127.0.0.1", 0))
    with port:
        other = run("taken.jsonl", "--no-open", "--port", str(port.getsockname()[1]))
        assert "cannot be used" in other.communicate()[1]
    other = run("taken.jsonl", "--no-open", "--size", "0")
    assert "`size` must be a whole number from 4 to 100, but got 0" in other.communicate()[1]
    assert not (tmp_path / "taken.jsonl").exists()
    other = run("mine.jsonl", "--no-open", "--colour", "rgb")
    assert "was begun with colour grey, not rgb" in other.communicate()[1]
    assert other.returncode == 2
    (tmp_path / "g.json").write_text("{}")
    other = run("new.jsonl", "--no-open", "--from", "g.json")
    assert "g.json cannot be read as a genome" in other.communicate()[1]
    assert not (tmp_path / "new.jsonl").exists()
