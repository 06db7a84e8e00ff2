"""Benchmarks: each is run by ``make bench`` or says why not, and its tables are what was measured."""

import json
import re
from pathlib import Path

import pytest

from benchmarks import __main__ as bench
from benchmarks.record import Benchmark, version
from benchmarks.signal import ucr
from benchmarks.signal.ucr_table import print_tables


def test_a_result_kept_as_it_was_printed_ties_with_the_same_one_in_full(capsys):
    full = {"a": 899 / 900, "b": 59 / 73, "c": 0.95, "d": 0.8}
    printed = {"a": 0.9989, "b": 0.8082, "c": 0.9, "d": 0.85}
    stored = {(name, "ours", 0, 0): (value, 1.0, 1.0) for name, value in full.items()}
    stored |= {(name, "peer", 0, 0): (value, 2.0, 1.0) for name, value in printed.items()}
    print_tables(stored, ["ours", "peer"], "ours")
    row = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("| peer |"))
    mean, rank, _, wins, p, *_ = (cell.strip() for cell in row.split("|")[2:])
    assert (mean, rank, wins, p) == ("0.8893", "1.50", "1 - 1", "1")


def test_a_table_of_some_methods_has_the_trials_that_these_have_done(tmp_path, monkeypatch, capsys):
    rows = [
        ("wavelet-ensemble", 1, 0.5),
        ("wavelet-ensemble", 2, 0.75),
        ("MiniRocket", 1, 0.5),
        ("MiniRocket", 2, 0.25),
    ]
    rows.append(("QUANT", 1, 0.5))
    path = tmp_path / "results"
    lines = [
        json.dumps({"set": name, "method": m, "draw": d, "seed": d, "outcome": [value, 1.0, 1.0]})
        for m, d, value in rows
        for name in ("a", "b")
    ]
    path.write_text("\n".join(lines))

    def shown(*more):
        monkeypatch.setattr("sys.argv", ["ucr", "--results", str(path), "--table", *more])
        ucr.main()
        return capsys.readouterr().out

    assert "| a | 0.6250 | 0.3750 |\n| b |" in shown("--methods", "MiniRocket")
    assert "| a | 0.5000 | 0.5000 | 0.5000 |\n\n" in shown("--sets", "a")


ROOT = Path(__file__).parent.parent
COMMAND = re.compile(r"python -m benchmarks\.([\w.]+)")
FIGURE = re.compile(r"\d\s?%(?! of| each)|\d\s?(ms|seconds|CPU|MB|GB|×)\b|\d times (as|faster|slower)")


def runnable():
    for path in sorted((ROOT / "benchmarks").rglob("*")):
        folder, stem = path.parent.name, path.stem
        if (
            path.suffix == ".py" and stem != "__main__" and 'if __name__ == "__main__"' in path.read_text()
        ) or (path.suffix == ".toml"):
            yield f"{folder}.{stem}"


def test_every_benchmark_is_run_by_make_bench_or_says_why_not():
    both = [*bench.BENCHMARKS, *bench.STUDIES]
    assert sorted(both) == sorted(runnable())
    assert all(len(reason.split()) > 5 for reason in bench.STUDIES.values())
    makefile = (ROOT / "Makefile").read_text()
    assert "$(PY) -m benchmarks --out build/benchmarks $(BENCH)" in makefile


def test_figures_of_the_readme_and_records_of_the_docs_name_a_benchmark_that_make_bench_runs():
    for paragraph in (ROOT / "README.md").read_text().split("\n\n"):
        if FIGURE.search(paragraph) and "```" not in paragraph:
            assert COMMAND.search(paragraph), f"a figure without its command: {paragraph}"
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    named = {name for page in pages for name in COMMAND.findall(page.read_text())}
    assert named <= set(bench.BENCHMARKS)
    assert len(named) >= 4


def test_a_run_leaves_a_page_for_each_room(tmp_path, monkeypatch, capsys):
    two = {
        "runner.scale": Benchmark("what a few trials cost", ("--counts", "3"), ("no-such-peer", "pytest")),
        "signal.ucr": Benchmark("a table that cannot be", ("--sets",)),
    }
    monkeypatch.setattr(bench, "BENCHMARKS", {**two, "nets.batched": Benchmark("left out")})
    monkeypatch.setenv("NEUROLOOM_DATA", str(tmp_path))
    assert bench.main([*two, "--out", str(tmp_path / "pages")]) == 1
    assert sorted(path.name for path in (tmp_path / "pages").iterdir()) == ["runner.md", "signal.md"]
    page = (tmp_path / "pages" / "runner.md").read_text()
    assert f"| peers | no-such-peer not installed, pytest {pytest.__version__} |" in page
    assert re.search(r"\| processor \| .+, \d+ cores, load [\d.]+ \|", page)
    row = "| runner.scale | what a few trials cost | no-such-peer, pytest | done | "
    assert re.search(re.escape(row) + r"\d+ \| \d+ \|", page)
    assert "    python -m benchmarks.runner.scale --counts 3" in page
    printed = page.partition("```text\n")[2]
    assert re.search(r"\n +3 +", printed)
    assert printed.partition("```")[0].strip() in capsys.readouterr().out
    assert "exit status" in (tmp_path / "pages" / "signal.md").read_text()


def test_a_study_is_not_run_but_says_how(capsys):
    assert bench.main(["evolve.picture"]) == 2
    assert "neuroloom run benchmarks/evolve/picture.toml" in capsys.readouterr().out
    assert bench.main(["evolve.nothing"]) == 2
    assert "evolve.speed" in capsys.readouterr().out


def test_a_peer_in_an_environment_of_its_own_has_its_version(tmp_path, monkeypatch):
    monkeypatch.setattr("benchmarks.record.ROOT", tmp_path)
    home = (
        tmp_path / ".peers" / "some-peer" / "lib" / "python3.11" / "site-packages" / "some_peer-1.2.dist-info"
    )
    home.mkdir(parents=True)
    (home / "METADATA").write_text("Metadata-Version: 2.1\nName: some-peer\nVersion: 1.2\n")
    assert version("some-peer") == "1.2"
    assert version("other-peer") is None
