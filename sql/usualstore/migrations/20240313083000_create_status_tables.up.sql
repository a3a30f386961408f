-- Two lookup tables: where an order stands, and where its payment stands.
-- Keys are written by hand, not generated, because the program has them as constants.
CREATE TABLE statuses (
    id smallint NOT NULL,
    name text NOT NULL,
    description text NOT NULL,
    CONSTRAINT statuses_pkey PRIMARY KEY (id),
    CONSTRAINT statuses_name_key UNIQUE (name),
    CONSTRAINT statuses_id_positive CHECK (id > 0),
    CONSTRAINT statuses_name_shape CHECK (name ~ '^[a-z]+(_[a-z]+)*$'),
    CONSTRAINT statuses_description_present CHECK (description ~ '\S')
);

CREATE TABLE transaction_status (
    id smallint NOT NULL,
    name text NOT NULL,
    description text NOT NULL,
    CONSTRAINT transaction_status_pkey PRIMARY KEY (id),
    CONSTRAINT transaction_status_name_key UNIQUE (name),
    CONSTRAINT transaction_status_id_positive CHECK (id > 0),
    CONSTRAINT transaction_status_name_shape CHECK (name ~ '^[a-z]+(_[a-z]+)*$'),
    CONSTRAINT transaction_status_description_present CHECK (description ~ '\S')
);

COMMENT ON TABLE statuses IS 'States of an order.';
COMMENT ON COLUMN statuses.id IS 'Fixed number that the program knows; never reused for another meaning.';
COMMENT ON TABLE transaction_status IS 'States of a card payment.';
COMMENT ON COLUMN transaction_status.id IS 'Fixed number that the program knows; never reused for another meaning.';
