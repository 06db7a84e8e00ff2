"""Which database a store lies in, and its errors in a user's words."""

from __future__ import annotations

import os
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import exc

from neuroloom.core.errors import InputError

NETWORK = (
    *(
        "nfs",
        "nfs3",
        "nfs4",
        "cifs",
        "smb",
        "smb2",
        "smb3",
        "smbfs",
        "afs",
        "lustre",
        "gpfs",
        "beegfs",
        "fhgfs",
        "ceph",
    ),
    *("glusterfs", "orangefs", "pvfs2", "panfs", "wekafs", "sshfs", "ncpfs", "webdav", "davfs"),
)
"""File systems of other machines."""


def is_full(error: exc.SQLAlchemyError) -> bool:
    """Whether the disk is full."""
    text = str(getattr(error, "orig", None) or error).lower()
    return "disk is full" in text or "no space left" in text


def database_url(where: str | os.PathLike[str]) -> sa.URL:
    """Return the URL of a SQLite file's path or of a database's own URL.

    Raises:
        InputError: it is no URL, or one of a database that is not supported.
    """
    text = os.fspath(where)
    if "://" not in text:
        return sa.URL.create("sqlite", database=str(Path(text).expanduser()))
    try:
        url = sa.make_url(text)
    except exc.ArgumentError as error:
        raise InputError(
            f"the store {text!r} is no database URL; expected postgresql://user@host/name."
        ) from error
    if url.drivername in ("postgresql", "postgres"):
        url = url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() not in ("sqlite", "postgresql"):
        raise InputError(
            f"the store must be a file, sqlite:/// or postgresql://, but got {url.drivername}://."
        )
    return url


def refuse_network_file(file: Path) -> None:
    """Refuse a SQLite file on a file system of other machines, whose locks SQLite cannot rely on.

    Raises:
        InputError: the file would lie on one.
    """
    import psutil

    place = file.resolve()
    mounts = [p for p in psutil.disk_partitions(all=True) if place.is_relative_to(p.mountpoint)]
    home = max(mounts, key=lambda p: len(p.mountpoint), default=None)
    kind = "" if home is None else home.fstype.lower().removeprefix("fuse.")
    if home is not None and kind in NETWORK:
        raise InputError(
            f"{file} would lie on a network file system ({home.fstype} at {home.mountpoint}), where SQLite may lose or "
            "damage rows; put it on a disk of this machine with --out, or use a server: --store postgresql://…."
        )


def make_engine(url: sa.URL, label: str) -> sa.Engine:
    """Return SQLAlchemy's engine; on a server ``label`` names this process."""
    if url.get_backend_name() == "sqlite":
        return sa.create_engine(url, poolclass=sa.pool.NullPool, connect_args={"timeout": 30})
    try:
        return sa.create_engine(
            url, poolclass=sa.pool.NullPool, connect_args={"application_name": label, "connect_timeout": 10}
        )
    except ImportError as error:
        raise InputError("PostgreSQL needs its driver: pip install 'neuroloom[postgres]'.") from error


def explain(error: exc.SQLAlchemyError, name: str) -> InputError:
    """Return what a user should know of a database's error; ``name`` is the store's."""
    text = " ".join(str(getattr(error, "orig", None) or error).split())
    low = text.lower()
    if isinstance(error, exc.NoSuchModuleError) or "no module named" in low:
        return InputError(
            f"{name} needs a driver that is not installed: {text}; pip install 'neuroloom[postgres]'."
        )
    if "not a database" in low or "malformed" in low or "disk image" in low:
        return InputError(f"{name} is damaged or no SQLite file ({text}); move it away and run again.")
    if is_full(error):
        return InputError(f"the disk that holds {name} is full; free some space and run again to go on.")
    if "readonly" in low or "read-only" in low or "unable to open" in low or "permission denied" in low:
        return InputError(
            f"{name} cannot be written to ({text}); mend its permissions or use another folder."
        )
    if "locked" in low:
        return InputError(f"{name} is locked by another program ({text}); close that and run again.")
    return InputError(f"{name} cannot be used: {text}.")
