"""What migrations do to a database in use: drop data, rewrite tables, lock them, run outside a transaction.

Told from PostgreSQL's own grammar, before anything runs. What the statements do to tables that the same migrations make is left out.
"""

from migrator.hazards.effect import Kind
from migrator.hazards.survey import Hazard, Survey, Surveyed, of, survey

__all__ = ["Hazard", "Kind", "Survey", "Surveyed", "of", "survey"]
