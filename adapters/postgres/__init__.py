"""The event log, the inbox, the lease and the embedded server, all on Postgres."""
