-- Buyers. Checkout asks for no account, so a buyer is not a user.
CREATE TABLE customers (
    id bigint GENERATED ALWAYS AS IDENTITY,
    first_name text NOT NULL,
    last_name text NOT NULL,
    email text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT customers_pkey PRIMARY KEY (id),
    CONSTRAINT customers_first_name_present CHECK (first_name ~ '\S'),
    CONSTRAINT customers_last_name_present CHECK (last_name ~ '\S')
);

CREATE INDEX customers_email_idx ON customers (email);

COMMENT ON TABLE customers IS
    'Buyer details as given at checkout. The same address may occur again: each guest checkout is recorded as it was.';
