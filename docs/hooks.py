"""Pages of the site that are made when it is built: the reference, the changelog, the figures of the benchmarks."""

import importlib
import re
from pathlib import Path

from mkdocs.structure.files import File

ROOT = Path(__file__).parent.parent
PARTS = {
    "core": "What all rooms share",
    "evolve": "Evolved networks",
    "graphs": "Graph learners",
    "signal": "Signals",
    "nets": "Nets",
    "tasks": "Tasks",
    "methods": "Methods",
    "runner": "Runner",
}
BESIDE = {"changelog.md": "CHANGELOG.md", "contributing.md": "CONTRIBUTING.md"}  # pages that stand elsewhere
FIGURES = ("", "evolve", "graphs", "nets", "runner", "signal", "statistics", "peers")


def homes(part):
    """Return the public names of a part by the module that defines them."""
    module = importlib.import_module(f"neuroloom.{part}")
    found = {}
    for name in module.__all__:
        home = getattr(getattr(module, name), "__module__", None) or f"neuroloom.{part}"
        found.setdefault(home if home.startswith("neuroloom.") else f"neuroloom.{part}", []).append(name)
    return module, dict(sorted(found.items()))


def reference(part):
    """Return the pages of a part: an index of its public names, and a page for each module that defines some."""
    module, found = homes(part)
    index = [
        f"# neuroloom.{part}",
        "",
        (module.__doc__ or "").strip(),
        "",
        "| name | what it is |",
        "|---|---|",
    ]
    pages = {}
    for home, names in found.items():
        stem = home.removeprefix("neuroloom.").replace(".", "-").removeprefix(f"{part}-")
        stem = "constants" if stem == part else stem
        for name in names:
            what = (getattr(module, name).__doc__ or "").strip().split("\n\n")[0]
            what = (
                re.sub(r":\w+:`~?([^`]+)`", r"`\1`", " ".join(what.split()))
                .replace("``", "`")
                .replace("|", "\\|")
            )
            index.append(f"| [`{name}`]({stem}.md#neuroloom.{part}.{name}) | {what} |")
        title = ", ".join(names) if len(names) < 4 else f"{', '.join(names[:3])} and {len(names) - 3} more"
        body = [f"---\ntitle: {title}\n---\n\n# {title}", f"`from neuroloom.{part} import {names[0]}`"]
        pages[f"api/{part}/{stem}.md"] = "\n\n".join(
            [*body, *(f"::: neuroloom.{part}.{name}" for name in names)]
        )
    return {f"api/{part}/index.md": "\n".join(index), **pages}


def on_files(files, config):
    """Add the pages that stand nowhere in ``docs/``."""
    made = {}
    for part in PARTS:
        made |= reference(part)
    for path, source in BESIDE.items():
        made[path] = (ROOT / source).read_text(encoding="utf-8")
    for room in FIGURES:
        path = Path("benchmarks", room, "README.md")
        made[path.as_posix()] = (ROOT / path).read_text(encoding="utf-8")
    for path, text in made.items():
        files.append(File.generated(config, path, content=text))
    for path in sorted((ROOT / "examples").glob("*.*")):
        files.append(
            File.generated(config, f"examples/{path.name}.txt", content=path.read_text(encoding="utf-8"))
        )
    return files


def on_page_markdown(markdown, page, config, files):
    """Point links that leave ``docs/`` at the pages made of what they name."""
    uri = page.file.src_uri
    up = "../" * uri.count("/")
    markdown = re.sub(r"\]\((?:\.\./)+benchmarks/", f"]({up}benchmarks/", markdown)
    markdown = re.sub(r"\]\((?:\.\./)+examples/([\w.]+)\)", rf"]({up}examples/\1.txt)", markdown)
    markdown = re.sub(r"\]\((?:\.\./)+docs/", f"]({up}", markdown)
    if uri in BESIDE:
        markdown = markdown.replace("](docs/", "](")
    return markdown
