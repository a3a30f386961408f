-- Removes the accounts and the function; every table that uses it is gone by now.
DROP TABLE users;
DROP FUNCTION keep_row_timestamps();
