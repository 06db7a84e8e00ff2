"""What ``neuroloom list`` and ``neuroloom show`` print."""

from __future__ import annotations

import json
from typing import Any

from neuroloom.core.errors import InputError, unknown
from neuroloom.core.samples import KINDS
from neuroloom.methods import Recipe, Skip, find, recipe, registry
from neuroloom.methods.describe import describe
from neuroloom.methods.method import TRANSFORM
from neuroloom.runner.screen import wrapped
from neuroloom.tasks import list_tasks, open_task
from neuroloom.tasks.registry import FAMILIES

PROBLEMS = ("classification", "regression", "control", "detection", "forecast")


def methods_table(kind: str | None = None) -> list[dict[str, Any]]:
    """Return a row for each method that takes ``kind`` (any kind if None), itself or flattened.

    Raises:
        InputError: there is no such kind.
    """
    _check_kind(kind)
    rows: list[dict[str, Any]] = []
    for method in registry().values():
        fits = sorted({p for k, p in method.classes if kind in (None, k)})
        note = ""
        if kind is not None and not fits:
            found = (
                [r for p in PROBLEMS if isinstance(r := recipe(method.key, kind, p), Recipe)]
                if not method.problem
                else []
            )
            fits = [r.problem for r in found]
            note = "flattened" if any(r.flatten for r in found) else ""
        if fits or method.problem:
            rows.append(
                {
                    "name": method.key,
                    "room": method.room,
                    "kinds": list(method.kinds),
                    "problems": ["features" if p == TRANSFORM else p for p in fits],
                    "title": method.title,
                    "note": method.problem or note,
                    "broken": method.problem is not None,
                }
            )
    return rows


def tasks_table(kind: str | None = None) -> list[dict[str, Any]]:
    """Return a row for each task of ``kind`` (any if None).

    Raises:
        InputError: there is no such kind.
    """
    _check_kind(kind)
    return list_tasks(kind)


def _check_kind(kind: str | None) -> None:
    if kind is not None and kind not in KINDS:
        raise unknown("kind", kind, KINDS)


def show_list(what: str, kind: str | None, as_json: bool) -> None:
    """Print the tasks or the methods."""
    rows = tasks_table(kind) if what == "tasks" else methods_table(kind)
    if as_json:
        print(json.dumps(rows, indent=1, ensure_ascii=False))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
    second, third = ("kind", "problem") if what == "tasks" else ("room", "takes")
    for title in ("name", second, third, ""):
        table.add_column(title, overflow="fold", no_wrap=title == "name")
    for row in rows:
        if what == "tasks":
            table.add_row(row["name"], row["kind"], row["problem"], row["summary"])
        else:
            text = row["title"] + (f" ({row['note']})" if row["note"] else "")
            table.add_row(
                row["name"], row["room"], ", ".join(row["kinds"] if len(row["kinds"]) < 6 else ["any"]), text
            )
    Console(highlight=False).print(table)


def show_one(name: str, as_json: bool) -> None:
    """Print what a method or a task is.

    Raises:
        InputError: nothing has that name.
    """
    found = _describe(name)
    if as_json:
        print(json.dumps(found, indent=1, ensure_ascii=False))
        return
    print(_method_text(found) if "parameters" in found else _task_text(found))


def _describe(name: str) -> dict[str, Any]:
    names = {row["name"] for row in list_tasks()}
    if "+" in name:
        return _composition(name)
    family, colon, _ = name.partition(":")
    if name in registry() or (colon and name not in names and family not in FAMILIES):
        return describe(name)
    try:
        task = open_task(name)
    except InputError:
        if ":" in name:
            raise
        raise unknown("method or task", name, [*registry(), *names]) from None
    return {
        "name": task.name,
        "kind": task.kind,
        "problem": task.problem,
        "metrics": list(task.metrics),
        "protocol": task.protocol,
        "published_splits": task.published_splits,
        "drawn": task.drawn,
        "version": task.version,
        "text": task.summary,
        "notes": list(task.load().notes) if hasattr(task, "env_id") and family in FAMILIES else [],
        "source": task.source,
    }


def _composition(expression: str) -> dict[str, Any]:
    steps = [describe(part.strip()) for part in expression.split("+")]
    fits = [
        {"kind": kind, "problem": problem, "class": "Pipeline"}
        for kind in KINDS
        for problem in PROBLEMS
        if not isinstance(recipe(expression, kind, problem), Skip)
    ]
    return {
        "name": expression,
        "title": ", then ".join(step["title"] for step in steps),
        "room": "composition",
        "version": max(find(part.strip()).version for part in expression.split("+")),
        "fits": fits,
        "text": "",
        "source": "\n".join(step["source"] for step in steps if step["source"]),
        "parameters": [
            {**parameter, "name": f"{step['name']}__{parameter['name']}"}
            for step in steps
            for parameter in step["parameters"]
        ],
    }


def _method_text(found: dict[str, Any]) -> str:
    title = found["title"]
    alike = title.lower().startswith(f"{found['name']}:")
    lines = [*wrapped(title if alike else f"{found['name']}: {title}"), ""]
    by_kind: dict[str, list[str]] = {}
    for fit in found["fits"]:
        by_kind.setdefault(fit["kind"], []).append(fit["problem"])
    lines += [f"  {kind}: {', '.join(problems)}" for kind, problems in by_kind.items()]
    if found["text"]:
        lines += ["", *_wrapped(found["text"], "")]
    if found["parameters"]:
        lines += ["", "Parameters"]
    for p in found["parameters"]:
        head = f"  {p['name']} = {p['default']}" + (f"   {p['type']}" if p["type"] else "")
        lines += [*wrapped(head, "      "), *_wrapped(p["text"], "      ")]
        lines += _wrapped(f"tuned over {p['range']}", "      ") if p["range"] else []
    if found["source"]:
        lines += ["", "Source", *_wrapped(found["source"], "  ")]
    return "\n".join(lines)


def _task_text(found: dict[str, Any]) -> str:
    splits = found["published_splits"]
    published = f"{splits} published splits" if splits > 1 else "its published split"
    if found["drawn"]:
        published = "data drawn anew for each seed, with one split"
    protocol = (
        "stratified folds by seed" if found["problem"] == "classification" else "shuffled folds by seed"
    )
    lines = [
        *wrapped(f"{found['name']}: {found['text']}"),
        "",
        f"  kind      {found['kind']}",
        f"  problem   {found['problem']}",
        *wrapped(f"  metrics   {', '.join(found['metrics'])} (the first one counts)", " " * 12),
        f"  protocol  {published if found['protocol'] == 'published' else protocol}",
    ]
    lines += [line for note in found["notes"] for line in wrapped(f"  {note}", "    ")]
    if found["source"]:
        lines += ["", "Source", *_wrapped(found["source"], "  ")]
    return "\n".join(lines)


def _wrapped(text: str, indent: str) -> list[str]:
    lines: list[str] = []
    for paragraph in text.split("\n\n"):
        plain = " ".join(paragraph.replace("``", "").split())
        lines += [*wrapped(indent + plain, indent), ""]
    return lines[:-1]
