"""Where data sets lie: the folder the user named, or the library's own cache; and what their bytes hash to."""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from neuroloom.core.errors import InputError, nearest

VARIABLE = "NEUROLOOM_DATA"
NAME_THE_FOLDER = f"name the folder that holds it with --data DIR or the environment variable {VARIABLE}"


def data_folder(data_dir: str | os.PathLike[str] | None = None) -> Path | None:
    """Return the data folder: the one named, else that of ``NEUROLOOM_DATA``, else None. Read here only.

    Raises:
        InputError: the folder does not exist.
    """
    chosen = str(data_dir) if data_dir is not None else os.environ.get(VARIABLE, "")
    if not chosen:
        return None
    folder = Path(chosen).expanduser().resolve()
    if not folder.is_dir():
        said = "`data_dir` is" if data_dir is not None else f"{VARIABLE} is"
        raise InputError(f"{said} {chosen!r}, which is no folder; name the folder that holds the data sets.")
    return folder


def cache_folder() -> Path:
    """Return the user's cache folder for downloads and parsed copies; it need not exist yet."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA", "") or str(Path.home())
    else:
        base = os.environ.get("XDG_CACHE_HOME", "") or str(Path.home() / ".cache")
    return Path(base) / "neuroloom"


def locate(data: Path | None, relative: str, what: str, origin: str) -> Path:
    """Return ``data / relative``, a file or folder.

    Args:
        data: the data folder, or None.
        relative: path within it, with forward slashes.
        what: what is looked for, as ``"task 'usair'"``.
        origin: where to get it.

    Raises:
        InputError: there is no data folder, or it lacks the path; names the nearest entry.
    """
    if data is None:
        raise InputError(f"{what} needs {relative}, which {origin} holds; {NAME_THE_FOLDER}.")
    path = data / relative
    if not path.exists():
        entries = sorted(p.name for p in path.parent.iterdir()) if path.parent.is_dir() else []
        close = nearest(path.name, entries)
        hint = f"; did you mean {close!r}?" if close else f"; {origin} holds it."
        raise InputError(f"{what} needs {path}, which does not exist{hint}")
    return path


def fetch(what: str, folder: str, download: Callable[[Path], Path], wanted: str) -> Path:
    """Return what ``download(cache / folder)`` gives, the library's own download.

    Raises:
        InputError: the download failed; says where the files may be put by hand.
    """
    root = cache_folder() / "data" / folder
    try:
        root.mkdir(parents=True, exist_ok=True)
        return download(root)
    except InputError:
        raise
    except Exception as error:  # each library has network errors of its own
        raise InputError(
            f"{what} is not at hand and could not be downloaded ({type(error).__name__}: {error}); put {wanted} into "
            f"DIR/{folder} and {NAME_THE_FOLDER}."
        ) from error


def hash_files(paths: Iterable[Path], *options: object) -> str:
    """Return the SHA-256 of the files' names and bytes, in the order given, and of ``options``."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.name.encode() + b"\0")
        try:
            with path.open("rb") as file:
                inner = hashlib.file_digest(file, "sha256")
        except OSError as error:
            raise InputError(f"{path} cannot be read: {error.strerror or error}.") from error
        digest.update(inner.digest())
    for option in options:
        digest.update(repr(option).encode() + b"\0")
    return digest.hexdigest()


def write_atomically(path: Path, write: Callable[[Path], None]) -> None:
    """Let ``write`` fill a temporary file beside ``path`` and move it there; do nothing where that is not allowed."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(suffix=path.suffix, dir=path.parent)
    except OSError:
        return
    os.close(handle)
    try:
        write(Path(name))
        os.replace(name, path)
    except OSError:
        Path(name).unlink(missing_ok=True)
