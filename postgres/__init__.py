"""Talking to a PostgreSQL server: logins, locks, and the errors everything else raises. Knows nothing of Pulumi."""
