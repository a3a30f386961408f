"""`ops migrate`: what a database's migrations are, what is to be done with them, and doing it."""
