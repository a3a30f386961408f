-- The log: whatever somebody did with the assistant. Statistics outlive the account, without its name.
CREATE TABLE interactions (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    user_id uuid,
    session_id uuid,
    kind text NOT NULL,
    topic text,
    duration_ms bigint,
    succeeded boolean,
    metadata jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT interactions_pkey PRIMARY KEY (id),
    CONSTRAINT interactions_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE SET NULL,
    CONSTRAINT interactions_session_id_fkey FOREIGN KEY (session_id) REFERENCES user_sessions (id) ON DELETE SET NULL,
    CONSTRAINT interactions_kind_known CHECK (kind IN ('chat', 'agent', 'tool', 'upload', 'quiz', 'system')),
    CONSTRAINT interactions_topic_shape CHECK (topic ~ '^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$' AND char_length(topic) <= 100),
    CONSTRAINT interactions_duration_ms_not_negative CHECK (duration_ms >= 0),
    CONSTRAINT interactions_metadata_is_object CHECK (jsonb_typeof(metadata) = 'object')
);

CREATE INDEX interactions_user_id_created_at_id_idx ON interactions (user_id, created_at, id);
CREATE INDEX interactions_session_id_idx ON interactions (session_id);
CREATE INDEX interactions_created_at_id_idx ON interactions (created_at, id);
CREATE INDEX interactions_metadata_idx ON interactions USING gin (metadata jsonb_path_ops);

CREATE TRIGGER interactions_keep_timestamps
    BEFORE UPDATE ON interactions
    FOR EACH ROW EXECUTE FUNCTION keep_row_timestamps();

COMMENT ON TABLE interactions IS 'Log of all that was done with agents and tools.';
COMMENT ON COLUMN interactions.user_id IS 'NULL for a visitor, and once the account is deleted.';
COMMENT ON COLUMN interactions.session_id IS 'NULL once the session is cleared away, which is long before the log is.';
COMMENT ON COLUMN interactions.topic IS 'As in user_progress.';
COMMENT ON COLUMN interactions.succeeded IS 'NULL while it goes on.';
COMMENT ON COLUMN interactions.metadata IS 'Nothing that tells who it was: it outlives the account.';
COMMENT ON INDEX interactions_user_id_created_at_id_idx IS 'The history of one user by pages: after the last (created_at, id).';
