"""Write docs/methods.md and docs/tasks.md from the registries, so that they cannot go stale."""

from pathlib import Path

from neuroloom.methods.describe import describe
from neuroloom.runner.listing import methods_table, tasks_table

HERE = Path(__file__).parent


def methods_page() -> str:
    """Return the page of all methods: what each is, what it takes, its parameters and its source."""
    lines = [
        "# Methods",
        "",
        "`neuroloom show NAME` prints the same. Features go before any table method: `a+b`.",
        "What `a+tuned` or `[tune]` tries of a method's parameters stands below its table.",
        "",
    ]
    for row in methods_table():
        if row["room"] == "other":
            continue
        found = describe(row["name"])
        fits: dict[str, list[str]] = {}
        for fit in found["fits"]:
            fits.setdefault(fit["kind"], []).append(fit["problem"])
        lines += [f"## {found['name']}", "", f"{found['title']} ({found['room']})", ""]
        lines += [f"- {kind}: {', '.join(problems)}" for kind, problems in fits.items()]
        if found["parameters"]:
            lines += ["", "| parameter | default | type | meaning |", "|---|---|---|---|"]
        for p in found["parameters"]:
            cells = (f"`{p['name']}`", f"`{p['default']}`", p["type"], p["text"])
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
        tuned = [f"`{p['name']}` {p['range']}" for p in found["parameters"] if p["range"]]
        if tuned:
            lines += ["", f"Tuned (`{row['name']}+tuned`): {'; '.join(tuned)}"]
        if found["source"]:
            lines += ["", f"Source: {' '.join(found['source'].split())}"]
        lines.append("")
    return "\n".join(lines)


def tasks_page() -> str:
    """Return the page of all tasks: kind, problem, main metric, protocol, source."""
    lines = [
        "# Tasks",
        "",
        "| task | kind | problem | metric | splits | what | source |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in tasks_table():
        if row["error"]:
            continue
        metrics = row["metrics"] or ("",)
        cells = (
            f"`{row['name']}`",
            row["kind"],
            row["problem"],
            metrics[0],
            row["protocol"],
            row["summary"],
            row["source"],
        )
        lines.append("| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |")
    return "\n".join([*lines, ""])


(HERE / "methods.md").write_text(methods_page(), encoding="utf-8")
(HERE / "tasks.md").write_text(tasks_page(), encoding="utf-8")
print("wrote docs/methods.md and docs/tasks.md")
