"""What is released: one version, a wheel and an sdist with what belongs in them and nothing else."""

import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

import neuroloom

ROOT = Path(__file__).parent.parent
PACKED = ("*.py", "py.typed", "*.html", "*.css", "*.js", "*.toml")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the sdist, built from what git tracks."""
    pytest.importorskip("build")
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if tracked.returncode:
        pytest.skip("needs the repository")
    for name in filter(None, tracked.stdout.split("\0")):
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    words = [sys.executable, "-m", "build", "--no-isolation", "--skip-dependency-check", "--outdir", str(out)]
    done = subprocess.run([*words, str(source)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return out


def test_the_version_stands_in_one_place() -> None:
    said = f'version: "?{re.escape(neuroloom.__version__)}"?$'
    assert re.search(said, (ROOT / "CITATION.cff").read_text(), re.MULTILINE)
    assert f"## {neuroloom.__version__}" in (ROOT / "CHANGELOG.md").read_text()
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dynamic"] == ["version"]
    found = subprocess.run([sys.executable, "-m", "neuroloom", "--version"], capture_output=True, text=True)
    assert found.stdout.strip() == f"neuroloom {neuroloom.__version__}"


@pytest.mark.slow
def test_the_wheel_holds_the_package_alone(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    assert wheel.name == f"neuroloom-{neuroloom.__version__}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as packed:
        names = set(packed.namelist())
        (info,) = [name for name in names if name.endswith("METADATA")]
        head = Parser().parsestr(packed.read(info).decode())
    ours = {name for name in names if ".dist-info/" not in name}
    folder = ROOT / "neuroloom"
    expected = {str(path.relative_to(ROOT)) for kind in PACKED for path in folder.rglob(kind)}
    assert ours == {name for name in expected if "__pycache__" not in name}
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert head["License-Expression"] == "MIT"
    assert head["Description-Content-Type"] == "text/markdown"
    assert "# neuroloom" in head.get_payload()
    assert wheel.stat().st_size < 2_000_000


@pytest.mark.slow
def test_the_sdist_holds_no_data_of_tests(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as packed:
        names = {name.partition("/")[2] for name in packed.getnames()}
    assert {"LICENSE", "README.md", "pyproject.toml", "neuroloom/py.typed", "neuroloom/__init__.py"} <= names
    tops = {name.partition("/")[0] for name in names} - {"neuroloom", "neuroloom.egg-info"}
    assert tops <= {"", "LICENSE", "README.md", "CHANGELOG.md", "CITATION.cff", "SECURITY.md"} | {
        "PKG-INFO", "pyproject.toml", "setup.cfg", "MANIFEST.in",
    }  # fmt: skip
    assert sdist.stat().st_size < 2_000_000
