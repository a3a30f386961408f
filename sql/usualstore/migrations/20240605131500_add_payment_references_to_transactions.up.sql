-- The processor's own names for a payment: refunds need them, and a checkout form
-- that is sent twice must not be recorded twice.
ALTER TABLE transactions
    ADD COLUMN payment_intent text NOT NULL DEFAULT '',
    ADD COLUMN payment_method text NOT NULL DEFAULT '';

CREATE UNIQUE INDEX transactions_payment_intent_key ON transactions (payment_intent) WHERE payment_intent <> '';

COMMENT ON COLUMN transactions.payment_intent IS
    'Payment intent, or subscription, at the card processor; empty for payments older than this column.';
COMMENT ON COLUMN transactions.payment_method IS
    'Payment method at the card processor; empty for payments older than this column.';
