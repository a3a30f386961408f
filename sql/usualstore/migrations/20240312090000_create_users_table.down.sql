-- Removes the accounts; every table that refers to them is gone by now.
DROP TABLE users;
