-- Forgets the processor's names for the payments.
DROP INDEX transactions_payment_intent_key;

ALTER TABLE transactions
    DROP COLUMN payment_method,
    DROP COLUMN payment_intent;
