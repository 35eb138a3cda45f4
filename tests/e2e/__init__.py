"""The whole house as processes: real Postgres, unmodified ccxt, a venue that speaks the wire."""
