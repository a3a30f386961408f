-- Forgets how much was refunded; the state of each payment stays.
ALTER TABLE transactions
    DROP CONSTRAINT transactions_refunded_at_matches_amount,
    DROP CONSTRAINT transactions_refunded_amount_range,
    DROP COLUMN refunded_at,
    DROP COLUMN refunded_amount;
