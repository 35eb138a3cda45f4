"""Runs the revisions on the connection that `adapters.postgres.migrate` opened and locked."""

from alembic import context

connection = context.config.attributes.get("connection")
if connection is None:
    raise RuntimeError(
        "migrations were started without a connection; run `plimsoll migrate`, which takes"
        " the lock that keeps two processes from migrating at once"
    )

context.configure(
    connection=connection,
    target_metadata=None,
    version_table="schema_version",
    version_table_schema="plimsoll",
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
