-- Removes the records of calls.
DROP TABLE agent_calls;
