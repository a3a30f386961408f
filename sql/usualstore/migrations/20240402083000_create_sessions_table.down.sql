-- Removes the session store: everyone is signed out.
DROP TABLE sessions;
