-- Removes the log.
DROP TABLE interactions;
