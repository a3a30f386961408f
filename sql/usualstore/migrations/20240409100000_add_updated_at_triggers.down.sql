-- Hands the upkeep of the timestamps back to the program.
DROP TRIGGER orders_keep_timestamps ON orders;
DROP TRIGGER transactions_keep_timestamps ON transactions;
DROP TRIGGER customers_keep_timestamps ON customers;
DROP TRIGGER widgets_keep_timestamps ON widgets;
DROP TRIGGER users_keep_timestamps ON users;

DROP FUNCTION keep_row_timestamps();
