-- Removes what was said.
DROP TABLE messages;
