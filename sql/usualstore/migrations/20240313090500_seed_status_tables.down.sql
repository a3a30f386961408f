-- Takes out the rows that the up put in, and no others.
DELETE FROM transaction_status WHERE id BETWEEN 1 AND 5;
DELETE FROM statuses WHERE id BETWEEN 1 AND 5;
