"""Run the code on the pages of ``docs/``, compare what it prints with what the page shows, and make its pictures.

    python docs/pages.py [--write] [PAGE.md ...]    # all pages; writes docs/pictures, and with --write what is printed

A page runs from top to bottom, in an empty folder and one Python. What a block is, its first line says:

- ``python``, ``sh``: run. With ``title="name"``, and so ``toml``, ``csv``, ``text``, ``json``: a file of that name.
- ``text`` or ``json`` without a title: what the block before it prints. ``...`` stands for anything.
- ``console``: the record of a benchmark, begun by its command; not run, but the module must be there.

A command ends with exit status 0 unless ``# exit status N`` stands behind it. ``pip`` and ``make`` are not run; what
they name must be there. ``neuroloom serve`` and ``watch`` go on until the page ends.
"""

import ast
import contextlib
import difflib
import io
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
PICTURES = HERE / "pictures"
FENCE = re.compile(r"^( *)```(\w*)(.*?)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
SHOWN = re.compile(r"pictures/([\w-]+\.png)")
BY_HAND = "report-"  # pictures of the report, which screenshots.py takes
FILES = ("python", "toml", "csv", "text", "json", "sh")
PORT = "8080"


class PageError(AssertionError):
    """A page says what is not so."""


class OtherOutput(PageError):
    """A block prints something else than the page shows."""


@dataclass
class Page:
    """A page that runs in a folder."""

    path: Path
    folder: Path
    names: dict = field(default_factory=lambda: {"__name__": "__page__"})
    printed: str = ""
    started: list = field(default_factory=list)
    port: int = 0
    write: bool = False
    new: list = field(default_factory=list)

    def run(self) -> list[Path]:
        """Run every block; return the pictures that the page shows and its code has made."""
        text = self.path.read_text(encoding="utf-8")
        before = Path.cwd()
        os.chdir(self.folder)
        try:
            for block in FENCE.finditer(text):
                line = text[: block.start()].count("\n") + 1
                indent, kind, info, code = block.groups()
                code = re.sub(f"^{indent}", "", code, flags=re.MULTILINE)
                try:
                    self.block(kind, info, code, line)
                except OtherOutput as error:
                    if not self.write:
                        raise PageError(f"{self.path.name}:{line}: {error}") from None
                    self.new.append(
                        (block.span(4), re.sub("^(?=.)", indent, self.printed, flags=re.MULTILINE))
                    )
                except PageError as error:
                    raise PageError(f"{self.path.name}:{line}: {error}") from None
        finally:
            os.chdir(before)
            for process in self.started:
                process.send_signal(signal.SIGINT)
                process.wait(30)
                if process.stdout is not None:
                    process.stdout.close()
        for (start, end), printed in reversed(self.new):
            text = f"{text[:start]}{printed.rstrip()}\n{text[end:]}"
            self.path.write_text(text, encoding="utf-8")
        shown = sorted({name for name in SHOWN.findall(text) if not name.startswith(BY_HAND)})
        missing = [name for name in shown if not (self.folder / name).is_file()]
        if missing:
            raise PageError(f"{self.path.name} shows {', '.join(missing)}, which its code does not make")
        return [self.folder / name for name in shown]

    def block(self, kind: str, info: str, code: str, line: int) -> None:
        """Run one block, write it to a file, or compare it with what the last one printed."""
        title = re.search(r'title="([^"]+)"', info)
        if title and kind in FILES:
            target = self.folder / title[1]
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(code, encoding="utf-8")
        elif kind == "python":
            self.printed = self.python(code, line)
        elif kind == "sh":
            self.printed = "".join(self.command(words) for words in commands(code))
        elif kind in ("text", "json"):
            compare(code, self.printed)
        elif kind == "console":
            recorded(code)
        else:
            raise PageError(f"a block of kind {kind!r}, which nothing runs")

    def python(self, code: str, line: int) -> str:
        """Run Python in the page's names; return what it prints."""
        printed = io.StringIO()
        tree = ast.increment_lineno(ast.parse(code, str(self.path)), line)
        with contextlib.redirect_stdout(printed):
            exec(compile(tree, str(self.path), "exec"), self.names)
        return printed.getvalue()

    def command(self, words: str) -> str:
        """Run a command; return what it prints."""
        if words.startswith(("pip ", "make ")):
            return check_set_up(words)
        words, _, status = words.partition("# exit status ")
        if re.match(r"neuroloom (serve|watch) ", words):
            return self.start(words)
        if self.port:
            words = words.replace(PORT, str(self.port))
        if re.fullmatch(r"neuroloom [^|<>&;$*`]*", words):
            return own_command(words, int(status or 0))
        done = subprocess.run(
            ["bash", "-c", words],
            cwd=self.folder,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=600,
        )
        if done.returncode != int(status or 0):
            raise PageError(f"{words.strip()} ends with {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout or done.stderr

    def start(self, words: str) -> str:
        """Start a server on a free port; return what it says once it listens."""
        with socket.socket() as held:
            held.bind(("127.0.0.1", 0))
            self.port = held.getsockname()[1]
        words = words.partition("#")[0]
        process = subprocess.Popen(
            ["bash", "-c", f"exec {words} --port {self.port}"], cwd=self.folder, stdout=subprocess.PIPE, text=True,
            env={**environment(), "PYTHONUNBUFFERED": "1"},
        )  # fmt: skip
        self.started.append(process)
        assert process.stdout is not None
        said = process.stdout.readline()
        if not said:
            raise PageError(f"{words.strip()} says nothing")
        return said.replace(str(self.port), PORT)


def own_command(words: str, status: int) -> str:
    """Run ``neuroloom`` in this Python, which spares its imports; return what it prints."""
    from typer.testing import CliRunner

    from neuroloom.cli import app

    done = CliRunner(env=environment()).invoke(app, shlex.split(words)[1:], prog_name="neuroloom")
    if done.exit_code != status:
        raise PageError(f"{words.strip()} ends with {done.exit_code}\n{done.output}") from done.exception
    return done.stdout or done.stderr


def environment() -> dict[str, str]:
    """Return the environment of commands: this Python's ``neuroloom`` and ``python``, a plain screen of 80 columns."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return {**os.environ, "PATH": path, "COLUMNS": "80", "NO_COLOR": "1", "PYTHONPATH": str(ROOT)}


def commands(code: str) -> list[str]:
    """Return the commands of a block: a line each, quotes and backslashes carried on."""
    found, held = [], ""
    for line in code.splitlines():
        held += line
        if line.endswith("\\") or held.count("'") % 2 or held.count('"') % 2:
            held += "\n"
        elif held.strip() and not held.lstrip().startswith("#"):
            found.append(held)
            held = ""
        else:
            held = ""
    return found


def compare(shown: str, printed: str) -> None:
    """Hold what a page shows against what was printed; ``...`` stands for anything."""
    parts = [re.escape(part) for part in squeeze(shown).split("...")]
    if not re.fullmatch(".*?".join(parts), squeeze(printed), re.DOTALL):
        lines = difflib.unified_diff(
            shown.splitlines(), printed.splitlines(), "shown", "printed", lineterm=""
        )
        raise OtherOutput("the block before prints something else\n" + "\n".join(lines))


def squeeze(text: str) -> str:
    """Return a text with one space for many, as columns are as wide as the times in them, and none at line ends."""
    return "\n".join(re.sub(r"(?<=\S) {2,}", " ", line.rstrip()) for line in text.strip().splitlines())


def check_set_up(words: str) -> str:
    """Check that the targets of ``make`` and the extras of ``pip install`` that a page names are there."""
    if words.startswith("make "):
        rules = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
        named = [word for word in words.partition("#")[0].split()[1:] if "=" not in word]
        strange = [word for word in named if word not in rules]
    else:
        extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
        named = [name for group in re.findall(r"\[([\w,]+)\]", words) for name in group.split(",")]
        strange = [name for name in named if name not in extras]
    if strange:
        raise PageError(f"{words}: there is no {', '.join(strange)}")
    return ""


def recorded(code: str) -> None:
    """Check that the benchmark whose record a page shows is there."""
    found = re.match(r"(?:\S+=\S+ )*python -m (benchmarks[\w.]*)", code)
    if not found or not (ROOT / (found[1].replace(".", "/") + ".py")).is_file():
        raise PageError("a record begins with the command of a benchmark that is there")


def main(names: list[str]) -> None:
    """Run pages and keep their pictures."""
    os.environ.setdefault("MPLBACKEND", "Agg")
    PICTURES.mkdir(exist_ok=True)
    write, paths = "--write" in names, [Path(name).resolve() for name in names if name != "--write"]
    for path in paths or sorted(HERE.rglob("*.md")):
        with tempfile.TemporaryDirectory() as folder:
            for picture in Page(path, Path(folder), write=write).run():
                shutil.copy(picture, PICTURES / picture.name)
        print(f"{path.relative_to(HERE)} says what is so", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
