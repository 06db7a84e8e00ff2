"""The command as a user types it: what it prints and its exit status."""

import contextlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from neuroloom.cli import app

BENCH = """
name = "small"
seeds = 1
folds = 3
tasks = ["iris", "karate"]
methods = ["dummy", "knn", "prone+logreg"]
"""


def neuroloom(*words: object, cwd: Path, code: int = 0) -> Result:
    """Run the command in ``cwd``, in this Python, and check its exit status."""
    with contextlib.chdir(cwd):
        environment = {"COLUMNS": "80", "NO_COLOR": "1"}
        done = CliRunner(env=environment).invoke(app, [*map(str, words)], prog_name="neuroloom")
    assert done.exit_code == code, done.output
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exc_info
    return done


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the small bench has been run."""
    folder = tmp_path_factory.mktemp("bench")
    (folder / "bench.toml").write_text(BENCH)
    shown = neuroloom("run", "bench.toml", "--workers", 2, cwd=folder)
    assert "Tables: On iris, knn is best with accuracy" in shown.stdout
    assert "report: runs/small/report.html" in shown.stdout
    return folder


def test_a_run_directory_holds_what_it_should(bench: Path) -> None:
    made = bench / "runs" / "small"
    assert {"results.db", "results.csv", "report.html", "bench.toml"} <= {p.name for p in made.iterdir()}
    frame = pd.read_csv(made / "results.csv")
    columns = (
        "task method seed fold metric value fit_seconds predict_seconds fit_cpu_seconds predict_cpu_seconds"
    )
    columns += " peak_memory_mb parameters settings status reason"
    assert set(columns.split()) <= set(frame.columns)
    done = frame[(frame["metric"] == "accuracy") & (frame["status"] == "done")]
    assert sorted(done.groupby(["task", "method"]).size().to_dict().items()) == [
        (("iris", "dummy"), 3),
        (("iris", "knn"), 3),
        (("karate", "dummy"), 3),
        (("karate", "prone+logreg"), 3),
    ]
    skipped = frame[frame["status"] == "skipped"].set_index(["task", "method"])["reason"]
    assert skipped["karate", "knn"] == "knn takes a table, and the data are nodes; prone+knn would fit"
    json.loads(done["settings"].iloc[0])


def test_a_second_run_does_nothing_twice(bench: Path) -> None:
    made = bench / "runs" / "small"
    before = pd.read_csv(made / "results.csv")
    shown = neuroloom("run", "bench.toml", cwd=bench)
    assert "going on: 14 of 14 trials were finished before" in shown.stderr
    pd.testing.assert_frame_equal(pd.read_csv(made / "results.csv"), before)


def test_report_in_every_form(bench: Path) -> None:
    assert "| knn" in neuroloom("report", "runs/small", "--format", "md", cwd=bench).stdout
    assert r"\begin{tabular}" in neuroloom("report", "runs/small", "--format", "latex", cwd=bench).stdout
    assert neuroloom("report", "runs/small", "--format", "csv", cwd=bench).stdout.startswith(
        "task,method,seed"
    )
    assert neuroloom("report", "runs/small", "--out", "r.html", cwd=bench).stdout.strip() == "r.html"
    assert "<!doctype html>" in (bench / "r.html").read_text()[:100].lower()


def test_compare_finds_a_run_equal_to_itself(bench: Path) -> None:
    shown = neuroloom("compare", "runs/small", "runs/small", "--json", cwd=bench)
    assert {row["verdict"] for row in json.loads(shown.stdout)} <= {"same", "equal", "no difference"}


def test_compare_leaves_with_3_on_a_regression(bench: Path) -> None:
    worse = BENCH.replace('"knn"', '"logreg"').replace("small", "worse")
    worse += '\n[[variant]]\nname = "knn"\nmethod = "dummy"\n'
    (bench / "worse.toml").write_text(worse)
    neuroloom("run", "worse.toml", cwd=bench)
    assert "knn" in neuroloom("compare", "runs/small", "runs/worse", cwd=bench, code=3).stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["run", "none.toml"], "there is no file none.toml"),
        (["run", "wrong.toml"], "wrong.toml:3: `methods[0]` method 'knm' is not known; did you mean 'knn'"),
        (
            ["run", "params.toml"],
            "params.toml:5: `method.knn.n_neighbours` parameter of knn: 'n_neighbours' is not",
        ),
        (["report", "nowhere"], "nowhere holds no run"),
        (["show", "nothing-of-the-kind"], "is not known"),
        (["list", "methods", "--kind", "tabel"], "did you mean 'table'"),
        (["predict", "nowhere", "x.csv"], "no saved model"),
        (["try", "nowhere.csv"], "nowhere.csv"),
        (["frobnicate"], "frobnicate"),
    ],
)
def test_wrong_input_leaves_with_2_and_says_what_to_do(
    words: list[str], message: str, tmp_path: Path
) -> None:
    (tmp_path / "wrong.toml").write_text('name = "x"\ntasks = ["iris"]\nmethods = ["knm"]\n')
    (tmp_path / "params.toml").write_text(
        'name = "x"\ntasks = ["iris"]\nmethods = ["knn"]\n[method.knn]\nn_neighbours = 3\n'
    )
    shown = neuroloom(*words, cwd=tmp_path, code=2)
    assert message in " ".join(shown.stderr.split())


def test_failed_trials_leave_with_1(tmp_path: Path) -> None:
    (tmp_path / "b.toml").write_text(
        'name = "f"\nseeds = 1\nfolds = 2\ntasks = ["iris"]\nmethods = ["dummy", "knn"]\n'
        "[method.knn]\nn_neighbors = 500\n"
    )
    shown = neuroloom("run", "b.toml", cwd=tmp_path, code=1)
    assert "2 failed" in shown.stdout
    assert "failed: knn on iris, seed 0, fold 0: ValueError" in shown.stderr


def test_try_fit_and_predict_on_a_messy_table(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    n = 90
    frame = pd.DataFrame(
        {
            "id": np.arange(1000, 1000 + n),
            "the price": rng.lognormal(2, 1, n).round(2),
            "colour": rng.choice(["red", "green", None], n),
            "day": pd.date_range("2024-01-01", periods=n).strftime("%d.%m.%Y"),
        }
    )
    frame["bought it"] = np.where(frame["the price"] > 8, "yes", "no")
    frame.loc[5:8, "bought it"] = None
    frame.to_csv(tmp_path / "my data.csv", sep=";", decimal=",", index=False)
    some = [word for name in ("random-forest", "logreg", "rbfn", "pca+svm") for word in ("--method", name)]
    shown = neuroloom(
        "try", "my data.csv", "--target", "bought it", "--minutes", 0.05, *some, "--out", "t", cwd=tmp_path
    )
    assert "is best with accuracy" in " ".join(shown.stdout.split())
    assert "  random-forest" in shown.stdout
    assert "my data.csv, read as table: 86 rows, 3 columns to learn from" in shown.stderr
    assert "4 rows without a value of 'bought it' were left out" in shown.stderr
    again = neuroloom("run", "t/bench.toml", "--out", "again", cwd=tmp_path)
    assert "report: again/report.html" in again.stdout
    first, second = (pd.read_csv(tmp_path / d / "results.csv") for d in ("t", "again"))
    columns = ["task", "method", "seed", "fold", "metric", "value", "status"]
    pd.testing.assert_frame_equal(first[columns], second[columns])

    neuroloom("fit", "random-forest", "my data.csv", "--target", "bought it", "--out", "model", cwd=tmp_path)
    new = frame.drop(columns="bought it").head(20)
    new.to_csv(tmp_path / "new.csv", index=False)
    neuroloom("predict", "model", "new.csv", "--out", "answers.csv", cwd=tmp_path)
    answers = pd.read_csv(tmp_path / "answers.csv")
    assert (answers["prediction"] == frame["bought it"].fillna("").head(20)).mean() > 0.7
    assert answers["p(no)"].add(answers["p(yes)"]).round(9).eq(1).all()
    neuroloom("explain", "model", "new.csv", "--rows", 8, "--out", "why.csv", cwd=tmp_path)
    why = pd.read_csv(tmp_path / "why.csv")
    assert why["sample"].nunique() == 8
    assert set(why["output"]) == {"no", "yes"}
    assert why.groupby("part")["value"].apply(lambda v: v.abs().mean()).idxmax() == "the price"
    neuroloom("predict", "model", "new.csv", "--out", "made/on/the/way.csv", cwd=tmp_path)
    assert (tmp_path / "made/on/the/way.csv").read_text() == (tmp_path / "answers.csv").read_text()
    shown = neuroloom("predict", "model", "new.csv", "--out", "answers.csv/no.csv", cwd=tmp_path, code=2)
    assert "cannot be written" in shown.stderr
    new.drop(columns="colour").to_csv(tmp_path / "less.csv", index=False)
    assert "colour" in neuroloom("predict", "model", "less.csv", cwd=tmp_path, code=2).stderr


def test_a_confidence_brings_intervals_and_sets(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=400), "colour": rng.choice(["red", "green"], 400)})
    frame["y"] = 2 * frame["a"] + (frame["colour"] == "red") + rng.normal(size=400)
    frame["kind"] = np.select([frame["y"] > 1, frame["y"] < -1], ["high", "low"], "middle")
    frame.head(200).to_csv(tmp_path / "known.csv", index=False)
    new = frame.tail(200)
    new[["a", "colour"]].to_csv(tmp_path / "new.csv", index=False)
    more = ["--confidence", 0.8]
    shown = neuroloom(
        "fit", "ridge", "known.csv", "--target", "y", "--drop", "kind", "--out", "m", *more, cwd=tmp_path
    )
    assert "its intervals are to cover 80% of new samples" in shown.stdout
    neuroloom("predict", "m", "new.csv", "--out", "m.csv", cwd=tmp_path)
    found = pd.read_csv(tmp_path / "m.csv")
    y = new["y"].to_numpy()
    assert 0.7 < ((found["low"] <= y) & (y <= found["high"])).mean() < 0.95
    assert ((found["low"] < found["prediction"]) & (found["prediction"] < found["high"])).all()
    neuroloom(
        "fit", "logreg", "known.csv", "--target", "kind", "--drop", "y", "--out", "s", *more, cwd=tmp_path
    )
    neuroloom("predict", "s", "new.csv", "--out", "s.csv", cwd=tmp_path)
    found = pd.read_csv(tmp_path / "s.csv")
    inside = [label in held.split("|") for label, held in zip(new["kind"], found["set"], strict=True)]
    assert 0.7 < np.mean(inside) < 0.93
    assert found["set"].str.contains("|", regex=False).any()
    assert found["p(low)"].between(0, 1).all()
    shown = neuroloom(
        "fit",
        "ridge",
        "known.csv",
        "--target",
        "y",
        "--out",
        "no",
        "--confidence",
        0.999,
        cwd=tmp_path,
        code=2,
    )
    assert "needs at least 999 samples" in shown.stderr
    assert not (tmp_path / "no").exists()


def test_a_graph_with_labels_and_features_in_one_command(tmp_path: Path) -> None:
    draws = np.random.default_rng(0)
    y = np.arange(40) % 2
    chance = np.where(y[:, None] == y, 0.3, 0.05)
    pairs = np.argwhere(np.triu(draws.random((40, 40)) < chance, 1))
    (tmp_path / "edges.txt").write_text("".join(f"p{i} p{j}\n" for i, j in pairs))
    known = sorted({int(i) for i in pairs.ravel()})
    (tmp_path / "labels.txt").write_text("".join(f"p{i} {'ab'[y[i]]}\n" for i in known))
    (tmp_path / "features.csv").write_text(
        "".join(f"p{i},{3 * y[i] + draws.normal():.3f},1\n" for i in known)
    )
    given = ("edges.txt", "--labels", "labels.txt", "--features", "features.csv")
    neuroloom("fit", "graphsage", *given, "--param", "epochs=40", "--out", "model", cwd=tmp_path)
    weights = json.loads((tmp_path / "model" / "model.json").read_text())
    assert '"features_": "graph"' in json.dumps(weights)
    some = [word for name in ("label-propagation", "prone+logreg", "gcnii") for word in ("--method", name)]
    shown = neuroloom("try", *given, "--minutes", 0.05, "--workers", 2, *some, "--out", "run", cwd=tmp_path)
    assert "gcnii" in (tmp_path / "run" / "bench.toml").read_text()
    assert "is best with accuracy" in " ".join(shown.stdout.split())


def test_lists_as_json(tmp_path: Path) -> None:
    methods = json.loads(neuroloom("list", "methods", "--kind", "nodes", "--json", cwd=tmp_path).stdout)
    assert {"prone", "deepwalk", "gcn", "gat", "dummy"} <= {m["name"] for m in methods}
    tasks = json.loads(neuroloom("list", "tasks", "--kind", "episodes", "--json", cwd=tmp_path).stdout)
    assert "cartpole" in {t["name"] for t in tasks}
    shown = json.loads(neuroloom("show", "gat", "--json", cwd=tmp_path).stdout)
    assert "Veli" in shown["source"]


COMMANDS = sorted(str(command.name or command.callback.__name__) for command in app.registered_commands)
SAID = [
    (["list", "methods"], 0),
    (["list", "tasks", "--kind", "episodes"], 0),
    (["show", "gat"], 0),
    (["show", "prone+rbfn"], 0),
    (["show", "wine"], 0),
    (["compare", "runs/small", "runs/small"], 0),
    (["report", "runs/small"], 0),
    (["run", "bench.toml"], 0),
    (["fit", "knn", "table.csv", "--target", "bought it at last", "--out", "model"], 0),
    (["predict", "model", "short.csv"], 2),
    (["predict", "model", "table.csv", "--out", "answers.csv"], 0),
    (["fit", "gat", "table.csv", "--target", "bought it at last", "--out", "other"], 2),
    (["fit", "knn", "table.csv", "--target", "bought it at least", "--out", "other"], 2),
    (["run", "none.toml"], 2),
    (["list", "methods", "--kind", "tabel"], 2),
    (["frobnicate"], 2),
    (["run"], 2),
]


def invoke(words: list[str], code: int = 0) -> Result:
    """Run the command in this process, its output piped."""
    found = CliRunner(env={"COLUMNS": "80"}).invoke(app, words)
    assert found.exit_code == code, (words, found.output, found.exception)
    return found


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_fits_80_columns_and_is_plain(command: str) -> None:
    lines = invoke([*command.split(), "--help"]).output.splitlines()
    assert max(map(len, lines)) <= 80
    assert "\x1b" not in "".join(lines)
    assert any(line.strip().startswith("Usage: ") for line in lines)


def test_what_is_said_fits_80_columns_and_is_plain_where_it_is_piped(
    bench: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(bench)
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(40, 8)), columns=[f"a long name for column {i}" for i in range(8)])
    table["an identifier"], table["nothing"] = range(1000, 1040), 1
    table["bought it at last"] = np.where(table.iloc[:, 0] > 0, "yes", "no")
    table.to_csv("table.csv", index=False)
    table.iloc[:, 4:].to_csv("short.csv", index=False)
    for words, code in SAID:
        said = invoke(words, code).output
        assert said or words[0] == "run", words
        wide = [line for line in said.splitlines() if len(line) > 80]
        assert not wide, (words, wide)
        assert "\x1b" not in said, words


def test_a_terminal_gets_no_colour_where_none_is_wanted(tmp_path: Path) -> None:
    code = "from neuroloom.cli import main; main()"
    words = [sys.executable, "-c", code, "list", "tasks", "--kind", "links"]
    seen = {}
    for wanted in ({"TERM": "xterm-256color", "NO_COLOR": "1"}, {"TERM": "dumb"}):
        ours, theirs = os.openpty()
        environment = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR", "TERM")}
        done = subprocess.run(words, stdout=theirs, cwd=tmp_path, env={**environment, **wanted})
        os.close(theirs)
        seen[wanted["TERM"]] = os.read(ours, 2**16).decode()
        os.close(ours)
        assert done.returncode == 0
    assert "celegans" in seen["dumb"]
    assert "\x1b" not in seen["dumb"]
    codes = {n for found in re.findall(r"\x1b\[([\d;]*)m", seen["xterm-256color"]) for n in found.split(";")}
    assert codes <= {"0", "1"}  # bold, which is no colour


def test_the_doctor_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    from neuroloom.runner import doctor

    ill = [doctor.Finding("Python", "ok", "3.11"), doctor.Finding("disk here", "bad", "0.5 GB free")]
    monkeypatch.setattr(doctor, "findings", lambda data_dir: iter(ill))
    assert json.loads(invoke(["doctor", "--json"], 1).stdout) == [
        {"what": "Python", "state": "ok", "text": "3.11"},
        {"what": "disk here", "state": "bad", "text": "0.5 GB free"},
    ]
    assert invoke(["doctor"], 1).stdout.splitlines()[-1] == "1 thing to mend"


def test_the_hint_after_ctrl_c_shows_no_password(monkeypatch, capsys):
    import typer

    from neuroloom import cli

    given = ["neuroloom", "run", "a b.toml", "--store", "postgresql://me:secret@host/bench"]
    monkeypatch.setattr("sys.argv", given)
    with pytest.raises(typer.Exit) as ended, cli._errors(resume=cli._again()):
        raise KeyboardInterrupt
    assert ended.value.exit_code == 130
    told = capsys.readouterr().err
    assert "secret" not in told
    assert "Go on with: neuroloom run 'a b.toml' --store 'postgresql://me:***@host/bench'" in told


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("neuroloom fit wavelets+rid", "wavelets+ridge"),
        ("neuroloom show two-sp", "two-spirals"),
        ("neuroloom show es-hyp", "es-hyperneat"),
        ("neuroloom comp", "compare"),
        ("neuroloom report --form", "--format"),
    ],
)
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_complete_commands_options_methods_and_tasks(shell, words, offered):
    last = words.split()[-1]
    environment = {**os.environ, "_NEUROLOOM_COMPLETE": f"complete_{shell}", "_TYPER_COMPLETE_ARGS": words}
    environment |= {"COMP_WORDS": words, "COMP_CWORD": str(len(words.split()) - 1)}
    environment |= {"_TYPER_COMPLETE_FISH_ACTION": "get-args", "_TYPER_COMPLETE_WORD_TO_COMPLETE": last}
    code = "import sys; sys.argv[0] = 'neuroloom'; from neuroloom.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert offered in done.stdout
    assert "doctor" not in done.stdout
