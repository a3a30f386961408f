-- Part of a payment can go back. The sum is kept here, so that no chain of refunds returns more than was paid.
ALTER TABLE transactions
    ADD COLUMN refunded_amount integer NOT NULL DEFAULT 0,
    ADD COLUMN refunded_at timestamptz;

-- Payments that were refunded in full before this column existed.
UPDATE transactions
SET refunded_amount = amount,
    refunded_at = updated_at
WHERE transaction_status_id = 4
    AND amount > 0;

ALTER TABLE transactions
    ADD CONSTRAINT transactions_refunded_amount_range CHECK (refunded_amount BETWEEN 0 AND amount),
    ADD CONSTRAINT transactions_refunded_at_matches_amount CHECK ((refunded_amount > 0) = (refunded_at IS NOT NULL));

COMMENT ON COLUMN transactions.refunded_amount IS 'Sum of all refunds, in the smallest unit of the currency.';
COMMENT ON COLUMN transactions.refunded_at IS 'When the last refund was made; NULL as long as there was none.';
