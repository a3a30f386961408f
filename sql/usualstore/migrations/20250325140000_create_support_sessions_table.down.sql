-- Removes the record of live connections.
DROP TABLE support_sessions;
