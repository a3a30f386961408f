-- Removes the payments.
DROP TABLE transactions;
