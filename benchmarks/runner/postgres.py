"""A PostgreSQL server on a socket of its own, for as long as a benchmark needs it."""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def server() -> Iterator[str]:
    """Yield the URL of a server that is started and stopped here; rows reach the disk (``fsync`` is on).

    Raises:
        SystemExit: PostgreSQL's server is not installed, or may not be started.
    """
    found = [*Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"), *filter(None, [shutil.which("pg_ctl")])]
    if not found:
        raise SystemExit("PostgreSQL's server is not installed (Debian: apt-get install postgresql)")
    user, as_user, folder = getpass.getuser(), [], Path(tempfile.mkdtemp(prefix="nl"))
    if os.getuid() == 0:  # the server refuses to run as root
        user, as_user = "postgres", ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        shutil.chown(folder, "postgres")
    initdb, pg_ctl, data = str(found[0].parent / "initdb"), str(found[0]), str(folder / "data")
    start = [*as_user, pg_ctl, "-D", data, "-w", "-l", str(folder / "log")]
    subprocess.run([*as_user, initdb, "-D", data, "-U", user, "-A", "trust"], check=True, capture_output=True)
    options = f"-c listen_addresses='' -k {folder}"
    subprocess.run([*start, "-o", options, "start"], check=True, capture_output=True)
    try:
        yield f"postgresql+psycopg://{user}@/postgres?host={folder}"
    finally:
        subprocess.run([*start, "-m", "fast", "stop"], check=True, capture_output=True)
        shutil.rmtree(folder)
