-- Goes back to addresses that are compared letter by letter.
COMMENT ON COLUMN customers.email IS NULL;
COMMENT ON COLUMN users.email IS NULL;

ALTER TABLE customers
    DROP CONSTRAINT customers_email_shape;

ALTER TABLE users
    DROP CONSTRAINT users_email_shape,
    ADD CONSTRAINT users_email_key UNIQUE (email);

CREATE INDEX customers_email_idx ON customers (email);

DROP INDEX customers_lower_email_idx;
DROP INDEX users_lower_email_key;
