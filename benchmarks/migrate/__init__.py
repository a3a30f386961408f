"""How fast the migrator is: against the tools whose formats it reads, and against nothing to do."""
