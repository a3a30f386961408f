"""`ops upgrade`: the data of a container's server, moved to another major version of PostgreSQL.

The new cluster is made beside the old one, in the same volume, filled from a dump, and compared. Only then, and after the old data has
been copied into a volume of its own, does it take the old one's place. Until then everything is as it was.
"""
