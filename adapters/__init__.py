"""What touches the outside world: Postgres, exchanges, the clock."""
