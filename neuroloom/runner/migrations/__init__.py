"""From the schema that a store was made with to today's, by Alembic, imported only where there is such a store.

A store knows its version (table ``neuroloom``), which is the revision that it is at: version 3 is revision ``0003``.
All steps run in the caller's transaction: a store is at its old schema or at today's, whenever the process is killed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from neuroloom.core.errors import InputError

if TYPE_CHECKING:
    from alembic.script import ScriptDirectory

PLACE = "neuroloom.runner:migrations"


def scripts() -> ScriptDirectory:
    """Return the steps from each version to the next.

    Raises:
        InputError: Alembic is not installed.
    """
    try:
        from alembic.config import Config
        from alembic.script import ScriptDirectory
    except ImportError as error:
        raise InputError(
            "a store of an earlier neuroloom is brought to today's schema by Alembic, which is not installed: "
            "pip install alembic."
        ) from error
    config = Config()
    config.set_main_option("script_location", PLACE)
    return ScriptDirectory.from_config(config)


def upgrade(connection: sa.Connection, version: int) -> None:
    """Bring a store from ``version`` to today's schema, in the transaction that the connection is in.

    Raises:
        InputError: Alembic is not installed.
    """
    found = scripts()
    from alembic.operations import Operations
    from alembic.runtime.migration import MigrationContext

    steps = reversed(list(found.iterate_revisions("head", f"{version:04d}")))
    with Operations.context(MigrationContext.configure(connection)):
        for step in steps:
            step.module.upgrade()
