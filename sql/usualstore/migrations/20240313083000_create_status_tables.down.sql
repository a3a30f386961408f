-- Removes both lookup tables.
DROP TABLE transaction_status;
DROP TABLE statuses;
