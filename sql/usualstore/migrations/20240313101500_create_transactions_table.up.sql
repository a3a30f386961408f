-- Card payments, one row for each attempt that reached the processor.
-- The full card number never comes here.
CREATE TABLE transactions (
    id bigint GENERATED ALWAYS AS IDENTITY,
    amount integer NOT NULL,
    currency char(3) NOT NULL,
    last_four text NOT NULL,
    expiry_month smallint NOT NULL,
    expiry_year smallint NOT NULL,
    bank_return_code text NOT NULL DEFAULT '',
    transaction_status_id smallint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT transactions_pkey PRIMARY KEY (id),
    CONSTRAINT transactions_amount_not_negative CHECK (amount >= 0),
    CONSTRAINT transactions_currency_shape CHECK (currency ~ '^[a-z]{3}$'),
    CONSTRAINT transactions_last_four_shape CHECK (last_four ~ '^[0-9]{4}$'),
    CONSTRAINT transactions_expiry_month_range CHECK (expiry_month BETWEEN 1 AND 12),
    CONSTRAINT transactions_expiry_year_range CHECK (expiry_year BETWEEN 2000 AND 2199)
);

COMMENT ON TABLE transactions IS 'Card payments.';
COMMENT ON COLUMN transactions.amount IS
    'In the smallest unit of the currency. Zero for a subscription that starts with a free trial.';
COMMENT ON COLUMN transactions.currency IS 'ISO 4217 code in lower case, as the card processor writes it.';
COMMENT ON COLUMN transactions.last_four IS 'Last four digits of the card: text, since leading zeros count.';
COMMENT ON COLUMN transactions.expiry_year IS 'All four digits.';
COMMENT ON COLUMN transactions.bank_return_code IS
    'Identifier that the processor gave to the charge; empty until it answers.';
