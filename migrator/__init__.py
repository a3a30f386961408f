"""Applies SQL migrations to a PostgreSQL database, each exactly once.

A plain library on psycopg. It reads the files in the formats that applications already use, keeps a ledger of its own,
and writes the history row that the format's own tool expects in the same transaction. It knows nothing of Pulumi.
"""
