"""The command ``neuroloom``: reads the command line, calls the runner, prints; nothing else."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

OK, FAILED, WRONG, REGRESSION, INTERRUPTED = 0, 1, 2, 3, 130

app = typer.Typer(
    name="neuroloom",
    help="Evolved networks, graph learners, wavelet features and deep nets on one bench.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit status: 0 all done, 1 some trials failed, 2 wrong input, 3 a regression found, 130 interrupted.",
)


class Engine(StrEnum):
    """Where trials run."""

    inline = "inline"
    processes = "processes"
    ray = "ray"
    workers = "workers"


class Format(StrEnum):
    """Forms of a report."""

    html = "html"
    md = "md"
    csv = "csv"
    latex = "latex"


class Listed(StrEnum):
    """What can be listed."""

    tasks = "tasks"
    methods = "methods"


def _methods(incomplete: str) -> list[str]:
    """Complete the last step of a method: ``wavelets+ri`` to ``wavelets+ridge``."""
    from neuroloom.methods import registry

    before, plus, last = incomplete.rpartition("+")
    return [f"{before}{plus}{key}" for key in registry() if key.startswith(last)]


def _names(incomplete: str) -> list[str]:
    """Complete the name of a method or a task."""
    from neuroloom.tasks import list_tasks

    tasks = [row["name"] for row in list_tasks() if row["name"].startswith(incomplete)]
    return [*_methods(incomplete), *tasks]


Data = Annotated[
    Path | None, typer.Option("--data", help="Folder with real data sets; the default is NEUROLOOM_DATA.")
]
Kind = Annotated[
    str | None, typer.Option("--kind", help="table, series, image, nodes, links, graphs or episodes.")
]
Problem = Annotated[str | None, typer.Option("--problem", help="classification, regression or detection.")]
Target = Annotated[str | None, typer.Option("--target", help="The column to learn.")]
Labels = Annotated[
    Path | None, typer.Option("--labels", help="The file with a label for each node or series.")
]
Features = Annotated[
    Path | None, typer.Option("--features", help="A graph's file with a name and numbers for each node.")
]
Groups = Annotated[
    str | None, typer.Option("--groups", help="A column whose equal values stay on one side of every split.")
]
Drop = Annotated[
    list[str] | None, typer.Option("--drop", help="A column not to learn from, as often as needed.")
]
Horizon = Annotated[
    int | None,
    typer.Option(
        "--horizon", min=1, help="Forecast so many steps ahead: each row is a moment of one series."
    ),
]
Season = Annotated[
    int | None,
    typer.Option(
        "--season", min=1, help="Steps in a season of a forecast; the default is read off the dates."
    ),
]
Known = Annotated[
    list[str] | None,
    typer.Option("--known", help="A column of a forecast known in advance, as often as needed."),
]
Normal = Annotated[
    int | None,
    typer.Option(
        "--normal",
        min=1,
        help="Find anomalies: each row is a moment of one series, the first so many without any.",
    ),
]
Window = Annotated[
    int | None,
    typer.Option("--window", min=4, help="Steps in a window of such a series; the default is its period."),
]
Out = Annotated[Path | None, typer.Option("--out", help="Where to put the results.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Confidence = Annotated[
    float | None,
    typer.Option("--confidence", help="Report intervals and sets that are to cover so much, as 0.9."),
]
MLflowPlace = Annotated[
    str | None,
    typer.Option("--mlflow", help="Write runs for MLflow, too: a folder, or a tracking URI."),
]
Explain = Annotated[bool, typer.Option("--explain", help="Report what each method's score rests on.")]
Workers = Annotated[
    int | None, typer.Option("--workers", min=1, help="Worker processes; the default is the cores.")
]


def _version(value: bool) -> None:
    if value:
        from neuroloom import __version__

        typer.echo(f"neuroloom {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")
    ] = False,
) -> None:
    """Evolved networks, graph learners, wavelet features and deep nets on one bench."""


@app.command("try")
def try_(
    data: Annotated[
        Path,
        typer.Argument(
            help="A table, series, pictures by class, an edge list, or a task's name, as gymnasium:CartPole-v1."
        ),
    ],
    target: Target = None,
    labels: Labels = None,
    features: Features = None,
    kind: Kind = None,
    problem: Problem = None,
    groups: Groups = None,
    drop: Drop = None,
    horizon: Horizon = None,
    season: Season = None,
    known: Known = None,
    normal: Normal = None,
    window: Window = None,
    minutes: Annotated[float, typer.Option("--minutes", min=0.05, help="Time to spend.")] = 5.0,
    out: Out = None,
    workers: Workers = None,
    method: Annotated[
        list[str] | None,
        typer.Option(
            "--method", help="Try this one, as svm or pca+rbfn; as often as needed.", autocompletion=_methods
        ),
    ] = None,
    confidence: Confidence = None,
    explain: Explain = False,
) -> None:
    """Learn your own data, or a task, by every method that fits, and say which serves it best."""
    from neuroloom.runner.attempt import attempt
    from neuroloom.runner.progress import Progress

    with _errors(resume=_again()):
        said: dict[str, Any] = {
            "target": target,
            "labels": labels,
            "features": features,
            "kind": kind,
            "problem": problem,
            "groups": groups,
            "drop": drop or (),
            "horizon": horizon,
            "season": season,
            "known": known or (),
            "normal": normal,
            "window": window,
        }
        if normal is not None and not _scanned(data, said, method, out):
            return
        found = attempt(
            data,
            **said,
            minutes=minutes,
            out=out,
            workers=workers,
            methods=method or (),
            confidence=confidence,
            explain=explain,
            progress=Progress(),
        )
        _finish(found)


@app.command()
def run(
    config: Annotated[Path, typer.Argument(help="The bench, a TOML file.")],
    out: Out = None,
    engine: Annotated[Engine, typer.Option("--engine", help="Where trials run.")] = Engine.processes,
    workers: Workers = None,
    store: Annotated[str | None, typer.Option("--store", help="postgresql://… for a team.")] = None,
    address: Annotated[
        str | None,
        typer.Option("--address", help="Of a Ray cluster, for --engine ray; none starts a local one."),
    ] = None,
    data: Data = None,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Run failed trials again.")] = False,
    part: Annotated[
        str | None, typer.Option("--part", help="Run one part of so many only, as 2/8; `merge` joins them.")
    ] = None,
    confidence: Confidence = None,
    explain: Explain = False,
    tune: Annotated[
        str | None,
        typer.Option("--tune", help="Tune each method, too: trials or time for each, as 30, 90s, 5m."),
    ] = None,
    mlflow: MLflowPlace = None,
) -> None:
    """Run a bench, or go on with it, and write its report."""
    from neuroloom.runner import run as run_bench
    from neuroloom.runner.progress import Progress

    with _errors(resume=_again()):
        results = run_bench(
            config,
            out=out,
            engine=engine.value,
            address=address,
            workers=workers,
            store=store,
            data_dir=data,
            retry_failed=retry_failed,
            part=part,
            confidence=confidence,
            explain=explain,
            tune=tune,
            mlflow=mlflow,
            progress=Progress(),
        )
        _finish(results)


@app.command()
def worker(
    store: Annotated[str, typer.Option("--store", help="The run's postgresql://…")],
    workers: Workers = None,
    data: Data = None,
    stay: Annotated[bool, typer.Option("--stay", help="Wait for more when nothing is left.")] = False,
) -> None:
    """Run trials that `neuroloom run --engine workers` offers in a PostgreSQL store, on any host."""
    from neuroloom.runner.remote import work

    with _errors(resume=_again()):
        work(store, workers=workers, data_dir=None if data is None else str(data), stay=stay, say=typer.echo)


@app.command()
def merge(
    out: Annotated[Path, typer.Argument(help="The run directory to write.")],
    parts: Annotated[list[Path], typer.Argument(help="Run directories, as of `neuroloom run --part`.")],
) -> None:
    """Join runs of one bench by their trials, and write the report."""
    from neuroloom.runner.merge import merge as merge_runs

    with _errors(resume=None):
        _finish(merge_runs(out, parts))


@app.command()
def migrate(
    store: Annotated[str, typer.Argument(help="A run directory, its results.db, or postgresql://…")],
) -> None:
    """Bring a store of an earlier neuroloom to today's schema."""
    from neuroloom.runner.merge import migrate as migrate_store

    with _errors(resume=None):
        _say(migrate_store(store))


@app.command()
def demo(out: Out = None, workers: Workers = None, data: Data = None) -> None:
    """Run a bench on data that is built in, and write its report."""
    from neuroloom.runner import run as run_bench
    from neuroloom.runner.bench import demo_config
    from neuroloom.runner.progress import Progress

    with _errors(resume=_again()):
        _finish(run_bench(demo_config(), out=out, workers=workers, data_dir=data, progress=Progress()))


@app.command()
def report(
    directory: Annotated[Path, typer.Argument(help="A run directory.")],
    format: Annotated[Format, typer.Option("--format", help="The form.")] = Format.html,
    out: Out = None,
) -> None:
    """Write the report of a run again, from what is stored."""
    from neuroloom.runner import load_results
    from neuroloom.runner.report import render

    with _errors(resume=None):
        text = render(load_results(directory), format.value)
        if out is None and format is not Format.html:
            sys.stdout.write(text)
            return
        typer.echo(_write(text, out or directory / "report.html"))


@app.command()
def history(
    places: Annotated[list[str], typer.Argument(help="Run directories, a folder of them, or postgresql://…")],
    out: Annotated[Path, typer.Option("--out", help="The page to write.")] = Path("history.html"),
) -> None:
    """Write a page of the scores of many runs, from the first to the last, and of what changed between them."""
    from neuroloom.runner.bench import load_history
    from neuroloom.runner.report.history import render as render_history

    with _errors(resume=None):
        typer.echo(_write(render_history(load_history(places)), out))


@app.command()
def watch(
    store: Annotated[str, typer.Argument(help="A run directory, its results.db, or postgresql://…")],
    run: Annotated[str | None, typer.Option("--run", help="The bench's name in a database.")] = None,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="The port; 0 for a free one.")] = 0,
    no_open: Annotated[bool, typer.Option("--no-open", help="Do not open the browser.")] = False,
) -> None:
    """Follow a run in the browser while it goes on."""
    from neuroloom.runner.watching import watch as watch_store

    with _errors(resume=None):
        watch_store(store, run=run, port=port, show=not no_open, say=typer.echo)


@app.command()
def compare(
    run_a: Annotated[Path, typer.Argument(help="The run directory to compare with.")],
    run_b: Annotated[Path, typer.Argument(help="The run directory that is new.")],
    json: Json = False,
) -> None:
    """Say what got better, worse or slower from RUN_A to RUN_B; exit status 3 on a significant regression."""
    from neuroloom.runner import load_results
    from neuroloom.runner.compare import compare as compare_runs

    with _errors(resume=None):
        found = compare_runs(load_results(run_a), load_results(run_b))
        typer.echo(found.frame().to_json(orient="records", indent=1) if json else found.text())
        raise typer.Exit(REGRESSION if len(found.regressions) else OK)


@app.command()
def fit(
    method: Annotated[
        str, typer.Argument(help="A method, as rbfn or wavelets+ridge.", autocompletion=_methods)
    ],
    data: Annotated[
        Path, typer.Argument(help="The data to learn, or a task's name, as gymnasium:CartPole-v1.")
    ],
    out: Annotated[Path, typer.Option("--out", help="The folder to save the model in.")],
    target: Target = None,
    labels: Labels = None,
    features: Features = None,
    kind: Kind = None,
    problem: Problem = None,
    drop: Drop = None,
    horizon: Horizon = None,
    season: Season = None,
    known: Known = None,
    param: Annotated[
        list[str] | None, typer.Option("--param", help="name=value, as often as needed.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="The seed.")] = 0,
    confidence: Annotated[
        float | None,
        typer.Option("--confidence", help="Answer with intervals or sets that cover so much, as 0.9."),
    ] = None,
    checkpoint: Annotated[
        Path | None,
        typer.Option(
            "--checkpoint",
            help="Keep what a network or an evolution has learned in this folder, and go on from there.",
        ),
    ] = None,
    tensorboard: Annotated[
        Path | None,
        typer.Option("--tensorboard", help="Write how a network learns into this folder, for TensorBoard."),
    ] = None,
    mlflow: MLflowPlace = None,
    processes: Annotated[
        int, typer.Option("--processes", min=1, help="Processes that train one deep net together.")
    ] = 1,
) -> None:
    """Fit one method to all of your data and save it."""
    from neuroloom.core.watching import MLflow, ProgressLine, TensorBoard, Told, watched
    from neuroloom.runner.models import fit_model

    watchers: list[Told] = [ProgressLine(method)] if sys.stderr.isatty() else []
    watchers += [TensorBoard(tensorboard)] if tensorboard else []
    watchers += [MLflow(mlflow, name=method, params={"method": method, "data": data.name})] if mlflow else []
    with _errors(resume=None), watched(*watchers):
        said = fit_model(
            method,
            data,
            out,
            target=target,
            labels=labels,
            features=features,
            kind=kind,
            problem=problem,
            drop=drop or (),
            horizon=horizon,
            season=season,
            known=known or (),
            params=param or [],
            seed=seed,
            confidence=confidence,
            checkpoint=checkpoint,
            processes=processes,
        )
        _say(said)


@app.command()
def predict(
    model: Annotated[Path, typer.Argument(help="A model that `neuroloom fit` saved.")],
    data: Annotated[
        Path,
        typer.Argument(
            help="New samples, in the form of those learned from; of a policy how many episodes it is to play."
        ),
    ],
    out: Annotated[Path | None, typer.Option("--out", help="A CSV file; the default is the screen.")] = None,
) -> None:
    """Answer for new samples with a saved model."""
    from neuroloom.runner.models import predict_with_model

    with _errors(resume=None):
        text = predict_with_model(model, data)
        if out is None:
            sys.stdout.write(text)
        else:
            typer.echo(_write(text, out))


@app.command()
def serve(
    model: Annotated[Path, typer.Argument(help="A model that `neuroloom fit` saved.")],
    host: Annotated[str, typer.Option("--host", help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="The port; 0 for a free one.")] = 8080,
    name: Annotated[
        str | None, typer.Option("--name", help="What it is called; the default is its folder's name.")
    ] = None,
    body_mb: Annotated[float, typer.Option("--body-mb", help="The longest request, in MB.")] = 16.0,
) -> None:
    """Answer over HTTP with a saved model, by the Open Inference Protocol (v2, REST)."""
    from neuroloom.runner.serving import serve as serve_model

    with _errors(resume=None):
        serve_model(model, name=name, host=host, port=port, body_mb=body_mb, say=typer.echo)


@app.command()
def explain(
    model: Annotated[Path, typer.Argument(help="A model that `neuroloom fit` saved.")],
    data: Annotated[Path, typer.Argument(help="The samples whose answers to explain.")],
    out: Annotated[
        Path | None, typer.Option("--out", help="A CSV file or a picture (.png); the default is the screen.")
    ] = None,
    method: Annotated[
        str, typer.Option("--method", help="shapley, lime, integrated-gradients or grad-cam.")
    ] = "shapley",
    background: Annotated[
        Path | None, typer.Option("--background", help="Samples to compare with; the default is DATA.")
    ] = None,
    rows: Annotated[int, typer.Option("--rows", min=1, help="Explain so many samples at most.")] = 20,
    seed: Annotated[int, typer.Option("--seed", min=0, help="The seed.")] = 0,
) -> None:
    """Say what a saved model's answers rest on: what each column, stretch or patch brings."""
    from neuroloom.runner.models import PICTURES, explain_with_model

    with _errors(resume=None):
        text = explain_with_model(
            model, data, method=method, background=background, rows=rows, out=out, seed=seed
        )
        if out is None or out.suffix.lower() in PICTURES:
            sys.stdout.write(text if text.endswith("\n") else text + "\n")
        else:
            typer.echo(_write(text, out))


@app.command()
def breed(
    session: Annotated[Path, typer.Argument(help="The session's file; one that exists goes on.")] = Path(
        "breeding.jsonl"
    ),
    colour: Annotated[
        str | None, typer.Option("--colour", help="grey, hsv or rgb; the default is hsv.")
    ] = None,
    size: Annotated[
        int | None, typer.Option("--size", help="Pictures of a generation; the default is 20.")
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", min=0, help="The seed; the default is 0.")] = None,
    founder: Annotated[
        Path | None, typer.Option("--from", help="A genome to begin with, as the page saves it.")
    ] = None,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="The port; 0 for a free one.")] = 0,
    no_open: Annotated[bool, typer.Option("--no-open", help="Do not open the browser.")] = False,
) -> None:
    """Breed pictures: choose in the browser what you like, and its children come."""
    from neuroloom.methods.breed_server import serve

    with _errors(resume=None):
        serve(session, colour, size, seed, founder, port, not no_open, typer.echo)


@app.command("list")
def list_(
    what: Annotated[Listed, typer.Argument(help="tasks or methods.")], kind: Kind = None, json: Json = False
) -> None:
    """List what there is to learn, or to learn it with."""
    from neuroloom.runner import listing

    with _errors(resume=None):
        listing.show_list(what.value, kind, json)


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="A method or a task.", autocompletion=_names)],
    json: Json = False,
) -> None:
    """Say what a method or a task is: paper, parameters, ranges, defaults."""
    from neuroloom.runner import listing

    with _errors(resume=None):
        listing.show_one(name, json)


@app.command()
def doctor(data: Data = None, json: Json = False) -> None:
    """Look at this machine and installation, and say what is wrong with it."""
    from neuroloom.runner.doctor import findings, to_json

    with _errors(resume=None):
        all_found = []
        for found in findings(data):
            all_found.append(found)
            if not json:
                _say(f"{found.state:>4}  {found.what}: {found.text}", "      ")
        bad = sum(found.state == "bad" for found in all_found)
        if json:
            typer.echo(to_json(all_found))
        else:
            typer.echo("all well" if not bad else f"{bad} thing{'s' if bad > 1 else ''} to mend")
        raise typer.Exit(FAILED if bad else OK)


def _say(text: str, indent: str = "", err: bool = False) -> None:
    """Print a text in lines of at most 79 characters."""
    from neuroloom.runner.screen import folded

    typer.echo(folded(text, indent), err=err)


def _again() -> str:
    """Return the command that was given, without the password of a database."""
    from neuroloom.core.errors import without_password

    return shlex.join(["neuroloom", *map(without_password, sys.argv[1:])])


def _write(text: str, path: Path) -> Path:
    """Write a text and return where.

    Raises:
        InputError: that cannot be written.
    """
    from neuroloom.core.errors import InputError

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}; pass another --out.") from error
    return path


def _scanned(data: Path, said: Mapping[str, Any], method: list[str] | None, out: Path | None) -> bool:
    """Score a series and write scores and their picture; return whether its anomalies are marked."""
    from neuroloom.runner.scan import scan, write_scan
    from neuroloom.tasks import recognise

    task = recognise(data, **said)
    found = scan(task, method or ())
    if found.marked is None:
        _say("\n".join([*task.notes, found.text()]))
    for path in write_scan(found, out or Path("runs") / task.name):
        typer.echo(f"written: {path}")
    return found.marked is not None


def _finish(results: Any) -> None:
    """Print the answer and leave with the status that the trials deserve."""
    from neuroloom.runner.report import render

    typer.echo(f"{render(results, 'text')}\nreport: {results.meta['directory']}/report.html")
    if results.meta.get("interrupted"):
        raise typer.Exit(INTERRUPTED)
    raise typer.Exit(FAILED if set(results.main()["status"]) - {"done", "skipped"} else OK)


@contextmanager
def _errors(resume: str | None) -> Iterator[None]:
    """Turn errors meant for users into a line and an exit status."""
    from neuroloom.core.errors import InputError, NotSupportedError

    try:
        yield
    except (InputError, NotSupportedError) as error:
        _say(f"error: {error}", err=True)
        raise typer.Exit(WRONG) from None
    except KeyboardInterrupt:
        hint = f" Go on with: {resume}" if resume else ""
        typer.echo(f"\nstopped; what was finished is kept.{hint}", err=True)
        raise typer.Exit(INTERRUPTED) from None
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(OK) from None


def main() -> None:
    """Run the command."""
    app()
