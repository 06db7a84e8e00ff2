"""Every page of the documentation says what is so: its code runs, prints what stands there, and makes its pictures."""

import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted(str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md"))


def _pages():
    spec = importlib.util.spec_from_file_location("docs_pages", DOCS / "pages.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["docs_pages"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


pages = _pages()


@pytest.mark.slow
@pytest.mark.parametrize("name", PAGES)
def test_the_page_says_what_is_so(name, tmp_path, monkeypatch):
    pyplot = pytest.importorskip("matplotlib.pyplot")
    text = (DOCS / name).read_text()
    for package in ("optuna", "nodevectors", "starlette"):
        if {"optuna": "[tune]", "nodevectors": "import nodevectors", "starlette": "neuroloom serve"}[
            package
        ] in text:
            pytest.importorskip(package)
    if "curl " in text and shutil.which("curl") is None:
        pytest.skip("needs curl")
    monkeypatch.setenv("MPLBACKEND", "Agg")
    monkeypatch.delenv("NEUROLOOM_DATA", raising=False)
    try:
        made = pages.Page(DOCS / name, tmp_path).run()
    finally:
        pyplot.close("all")
    for picture in made:
        assert _alike(picture, DOCS / "pictures" / picture.name), f"python docs/pages.py docs/{name}"


def _alike(made, kept):
    from PIL import Image

    new, old = (np.asarray(Image.open(path).convert("L"), float) for path in (made, kept))
    return (
        new.shape == old.shape and np.abs(new - old).mean() < 6
    )  # of 255: letters may be drawn a little otherwise


def test_every_picture_is_shown_and_there():
    shown = {
        name for page in PAGES for name in re.findall(r"pictures/([\w-]+\.png)", (DOCS / page).read_text())
    }
    assert shown == {path.name for path in (DOCS / "pictures").glob("*.png")}


BROKEN = {
    "```python\nprint(1)\n```\n\n```text\n2\n```\n": "prints something else",
    "```sh\nfalse\n```\n": "ends with 1",
    "```sh\nmake dinner\n```\n": "there is no dinner",
    '```sh\npip install "neuroloom[caviar]"\n```\n': "there is no caviar",
    "```ruby\nputs 1\n```\n": "which nothing runs",
    "```\nanything\n```\n": "which nothing runs",
    "```console\npython -m benchmarks.nothing.at_all\n```\n": "benchmark that is there",
    "![a picture](pictures/none.png)\n": "which its code does not make",
}


@pytest.mark.parametrize("text", BROKEN, ids=BROKEN.values())
def test_a_page_that_says_what_is_not_so_is_found(text, tmp_path):
    (tmp_path / "page.md").write_text(text)
    with pytest.raises(pages.PageError, match=BROKEN[text]):
        pages.Page(tmp_path / "page.md", tmp_path).run()


def test_dots_stand_for_anything_and_only_dots(tmp_path):
    code = "```python\nprint('took 3 s')\nprint('all')\n```\n"
    (tmp_path / "page.md").write_text(code + "\n```text\ntook ... s\nall\n```\n")
    pages.Page(tmp_path / "page.md", tmp_path).run()
    (tmp_path / "page.md").write_text(code + "\n```text\ntook ... h\nall\n```\n")
    with pytest.raises(pages.PageError, match=r"page\.md:6: the block before prints"):
        pages.Page(tmp_path / "page.md", tmp_path).run()


@pytest.mark.slow
def test_the_site_is_built_without_a_warning_and_loads_nothing_from_elsewhere(tmp_path):
    for package in ("mkdocs", "material", "mkdocstrings"):
        pytest.importorskip(package)
    words = [
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "mkdocs",
        "build",
        "--strict",
        "--site-dir",
        str(tmp_path / "site"),
    ]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    site = tmp_path / "site"
    neat = (site / "api" / "evolve" / "estimators.html").read_text()
    assert 'id="neuroloom.evolve.NEATClassifier"' in neat
    assert "number of genomes, at least 2" in neat
    assert 'id="neuroloom.evolve.NEATClassifier.predict_proba"' in neat  # what a base class brings
    source = re.compile(r"<(?:script|img|link|iframe|source)\b[^>]*?(?:src|href)=[\"']?([^\"' >]+)")
    for path in site.rglob("*.html"):
        loaded = source.findall(path.read_text())
        away = [address for address in loaded if re.match(r"(?:https?:)?//", address)]
        assert not away, f"{path.relative_to(site)} loads {away}"
    for path in site.rglob("*.css"):
        assert not re.search(r"url\([\"']?(?:https?:)?//", path.read_text()), path
