-- Lets orders and payments stand alone again.
DROP INDEX orders_customer_id_idx;
DROP INDEX orders_status_id_created_at_idx;
DROP INDEX orders_transaction_id_idx;
DROP INDEX orders_widget_id_idx;
DROP INDEX transactions_transaction_status_id_created_at_idx;

ALTER TABLE orders
    DROP CONSTRAINT orders_customer_id_fkey,
    DROP CONSTRAINT orders_status_id_fkey,
    DROP CONSTRAINT orders_transaction_id_fkey,
    DROP CONSTRAINT orders_widget_id_fkey;

ALTER TABLE transactions
    DROP CONSTRAINT transactions_transaction_status_id_fkey;
