-- Web sessions. Names and types of the columns are those that the Go session manager scs reads and writes.
CREATE TABLE sessions (
    token text NOT NULL,
    data bytea NOT NULL,
    expiry timestamptz NOT NULL,
    CONSTRAINT sessions_pkey PRIMARY KEY (token)
);

CREATE INDEX sessions_expiry_idx ON sessions (expiry);

COMMENT ON TABLE sessions IS 'Session store of the web front end; rows are written by its session manager only.';
COMMENT ON INDEX sessions_expiry_idx IS 'For the clean-up of expired sessions.';
