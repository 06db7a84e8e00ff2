"""What may stand beside a trial, and whole numbers beyond 32 bits.

Stores of version 1 were made without ``fronts``, ``beliefs`` or ``importances``, as these came; the first of them, on
PostgreSQL, count parameters in 32 bits.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
BESIDE = {
    "fronts": ("front", sa.Text),
    "importances": ("importance", sa.Text),
    "beliefs": ("records", sa.LargeBinary),
}
WIDE = ("seed", "parameters", "batched", "n_train", "n_test")


def upgrade() -> None:
    """Make the tables that are missing, and widen the numbers that are narrow."""
    found = sa.inspect(op.get_bind())
    for name, (column, kind) in BESIDE.items():
        if name not in found.get_table_names():
            key = sa.Column("key", sa.String(64), primary_key=True)
            op.create_table(name, key, sa.Column(column, kind, nullable=False))
    if op.get_bind().dialect.name != "postgresql":
        return  # SQLite's whole numbers have 64 bits
    kinds = {str(column["name"]): column["type"] for column in found.get_columns("trials")}
    for name in WIDE:
        if not isinstance(kinds[name], sa.BigInteger):
            op.alter_column("trials", name, type_=sa.BigInteger)
