-- Ann@example.com and ann@example.com are one mailbox, so they may not be two accounts. Both tables now
-- look addresses up in lower case, and refuse what cannot be an address. The new unique index
-- comes before the old constraint goes: at no moment are duplicates possible.
CREATE UNIQUE INDEX users_lower_email_key ON users (lower(email));
CREATE INDEX customers_lower_email_idx ON customers (lower(email));

DROP INDEX customers_email_idx;

ALTER TABLE users
    DROP CONSTRAINT users_email_key,
    ADD CONSTRAINT users_email_shape
        CHECK (email ~ '^[^@\s]+@[^@\s]+\.[^@\s.]+$' AND char_length(email) <= 254);

ALTER TABLE customers
    ADD CONSTRAINT customers_email_shape
        CHECK (email ~ '^[^@\s]+@[^@\s]+\.[^@\s.]+$' AND char_length(email) <= 254);

COMMENT ON COLUMN users.email IS 'As typed by the owner; search for it with lower(email), which is unique.';
COMMENT ON COLUMN customers.email IS 'As typed at checkout; search for it with lower(email).';
