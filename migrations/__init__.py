"""The database's shape, one step after the other; run by `adapters.postgres.migrate`."""
