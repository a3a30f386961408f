-- Who bought what, and with which payment.
CREATE TABLE orders (
    id bigint GENERATED ALWAYS AS IDENTITY,
    widget_id bigint NOT NULL,
    transaction_id bigint NOT NULL,
    status_id smallint NOT NULL,
    customer_id bigint NOT NULL,
    quantity integer NOT NULL,
    amount integer NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT orders_pkey PRIMARY KEY (id),
    CONSTRAINT orders_quantity_positive CHECK (quantity > 0),
    CONSTRAINT orders_amount_not_negative CHECK (amount >= 0)
);

COMMENT ON TABLE orders IS 'Purchases: one widget in some quantity, paid by one transaction.';
COMMENT ON COLUMN orders.amount IS
    'Agreed at checkout, in the smallest unit of the transaction''s currency; later price changes leave it alone.';
