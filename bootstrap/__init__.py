"""Databases, roles, rights and extensions: compares a server with what is wanted, and mends what differs.

A plain library on psycopg; it knows nothing of Pulumi. The administrator it logs in as need not be a superuser:
CREATEROLE and CREATEDB are enough. It never drops anything.
"""
