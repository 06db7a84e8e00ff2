"""A PostgreSQL server for the tests that need one."""

from __future__ import annotations

import getpass
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """A PostgreSQL server on a socket of its own."""
    pytest.importorskip("psycopg")
    found = [*Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"), *filter(None, [shutil.which("pg_ctl")])]
    if not found:
        pytest.skip("PostgreSQL's server is not installed")
    binaries = found[0].parent
    folder = Path(tempfile.mkdtemp(prefix="nl"))  # short, for a socket's path may have 107 characters
    user, as_user = getpass.getuser(), []
    if os.getuid() == 0:  # the server refuses to run as root
        if subprocess.run(["id", "postgres"], capture_output=True).returncode or not shutil.which("setpriv"):
            pytest.skip("PostgreSQL does not run as root, and there is no user postgres")
        user, as_user = "postgres", ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        shutil.chown(folder, "postgres")
    data, log = folder / "data", folder / "log"
    start = [*as_user, str(binaries / "pg_ctl"), "-D", str(data), "-w", "-l", str(log)]
    subprocess.run(
        [*as_user, str(binaries / "initdb"), "-D", str(data), "-U", user, "-A", "trust", "--no-sync"],
        check=True,
        capture_output=True,
    )
    options = f"-c listen_addresses='' -k {folder} -c fsync=off"
    subprocess.run([*start, "-o", options, "start"], check=True, capture_output=True)
    yield f"postgresql+psycopg://{user}@/postgres?host={folder}"
    subprocess.run([*start, "-m", "immediate", "stop"], check=True, capture_output=True)
    shutil.rmtree(folder)


@pytest.fixture
def database(server: str) -> Iterator[str]:
    """The URL of a database with nothing in it."""
    yield server
    engine = sa.create_engine(server)
    with engine.begin() as connection:
        connection.execute(sa.text("DROP SCHEMA public CASCADE"))
        connection.execute(sa.text("CREATE SCHEMA public"))
    engine.dispose()
