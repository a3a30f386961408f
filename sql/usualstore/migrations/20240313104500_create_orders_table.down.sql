-- Removes the orders.
DROP TABLE orders;
