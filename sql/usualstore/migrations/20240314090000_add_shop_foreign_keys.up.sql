-- Ties orders and payments to what they refer to. Every reference restricts deletion: these rows
-- are the shop's books, and nothing that they name may disappear under them.
ALTER TABLE transactions
    ADD CONSTRAINT transactions_transaction_status_id_fkey
        FOREIGN KEY (transaction_status_id) REFERENCES transaction_status (id) ON DELETE RESTRICT;

ALTER TABLE orders
    ADD CONSTRAINT orders_widget_id_fkey
        FOREIGN KEY (widget_id) REFERENCES widgets (id) ON DELETE RESTRICT,
    ADD CONSTRAINT orders_transaction_id_fkey
        FOREIGN KEY (transaction_id) REFERENCES transactions (id) ON DELETE RESTRICT,
    ADD CONSTRAINT orders_status_id_fkey
        FOREIGN KEY (status_id) REFERENCES statuses (id) ON DELETE RESTRICT,
    ADD CONSTRAINT orders_customer_id_fkey
        FOREIGN KEY (customer_id) REFERENCES customers (id) ON DELETE RESTRICT;

-- The two status indexes carry the time too: lists are read by state, newest first.
CREATE INDEX transactions_transaction_status_id_created_at_idx
    ON transactions (transaction_status_id, created_at DESC);
CREATE INDEX orders_widget_id_idx ON orders (widget_id);
CREATE INDEX orders_transaction_id_idx ON orders (transaction_id);
CREATE INDEX orders_status_id_created_at_idx ON orders (status_id, created_at DESC);
CREATE INDEX orders_customer_id_idx ON orders (customer_id);
