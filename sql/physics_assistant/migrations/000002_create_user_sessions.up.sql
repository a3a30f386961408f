-- Who is signed in, and for how long.
CREATE TABLE user_sessions (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL,
    token_hash bytea NOT NULL,
    client_address inet,
    user_agent text,
    last_seen_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz,
    metadata jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT user_sessions_pkey PRIMARY KEY (id),
    CONSTRAINT user_sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT user_sessions_token_hash_key UNIQUE (token_hash),
    CONSTRAINT user_sessions_token_hash_is_sha256 CHECK (octet_length(token_hash) = 32),
    CONSTRAINT user_sessions_user_agent_length CHECK (char_length(user_agent) <= 1000),
    CONSTRAINT user_sessions_expires_after_creation CHECK (expires_at > created_at),
    CONSTRAINT user_sessions_revoked_after_creation CHECK (revoked_at >= created_at),
    CONSTRAINT user_sessions_metadata_is_object CHECK (jsonb_typeof(metadata) = 'object')
);

CREATE INDEX user_sessions_user_id_created_at_id_idx ON user_sessions (user_id, created_at, id);
CREATE INDEX user_sessions_expires_at_idx ON user_sessions (expires_at);
CREATE INDEX user_sessions_metadata_idx ON user_sessions USING gin (metadata jsonb_path_ops);

CREATE TRIGGER user_sessions_keep_timestamps
    BEFORE UPDATE ON user_sessions
    FOR EACH ROW EXECUTE FUNCTION keep_row_timestamps();

COMMENT ON TABLE user_sessions IS 'Sessions of accounts. One is valid until expires_at unless revoked_at is set; it goes with its account.';
COMMENT ON COLUMN user_sessions.token_hash IS 'SHA-256 of the token: whoever reads this table cannot sign in with it.';
COMMENT ON COLUMN user_sessions.revoked_at IS 'When it was ended before its time, by signing out or by an administrator.';
COMMENT ON INDEX user_sessions_expires_at_idx IS 'For the job that deletes what has expired.';
