-- Removes the buyers.
DROP TABLE customers;
