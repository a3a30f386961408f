-- Removes the tokens: everyone who holds one has to sign in again.
DROP TABLE tokens;
