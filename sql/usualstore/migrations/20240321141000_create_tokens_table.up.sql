-- Bearer tokens of the API and of password resets. Only a hash is kept, so a stolen
-- copy of this table opens no door.
CREATE TABLE tokens (
    id bigint GENERATED ALWAYS AS IDENTITY,
    user_id bigint NOT NULL,
    scope text NOT NULL DEFAULT 'authentication',
    token_hash bytea NOT NULL,
    expiry timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT tokens_pkey PRIMARY KEY (id),
    CONSTRAINT tokens_token_hash_key UNIQUE (token_hash),
    CONSTRAINT tokens_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT tokens_scope_known CHECK (scope IN ('authentication', 'password_reset')),
    CONSTRAINT tokens_token_hash_length CHECK (octet_length(token_hash) = 32),
    CONSTRAINT tokens_expiry_after_creation CHECK (expiry > created_at)
);

CREATE INDEX tokens_user_id_idx ON tokens (user_id);
CREATE INDEX tokens_expiry_idx ON tokens (expiry);

COMMENT ON TABLE tokens IS 'Tokens handed to users; they go with the account.';
COMMENT ON COLUMN tokens.token_hash IS 'SHA-256 of the token, 32 raw bytes.';
COMMENT ON INDEX tokens_expiry_idx IS 'For the job that deletes expired tokens.';
