-- How far each user has come, topic by topic.
CREATE TABLE user_progress (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL,
    topic text NOT NULL,
    progress numeric(5, 2) NOT NULL DEFAULT 0,
    problems_attempted bigint NOT NULL DEFAULT 0,
    problems_solved bigint NOT NULL DEFAULT 0,
    last_practised_at timestamptz,
    metadata jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT user_progress_pkey PRIMARY KEY (id),
    CONSTRAINT user_progress_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT user_progress_user_id_topic_key UNIQUE (user_id, topic),
    CONSTRAINT user_progress_topic_shape CHECK (topic ~ '^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$' AND char_length(topic) <= 100),
    CONSTRAINT user_progress_progress_is_percent CHECK (progress BETWEEN 0 AND 100),
    CONSTRAINT user_progress_problems_add_up CHECK (problems_solved BETWEEN 0 AND problems_attempted),
    CONSTRAINT user_progress_metadata_is_object CHECK (jsonb_typeof(metadata) = 'object')
);

CREATE INDEX user_progress_topic_progress_idx ON user_progress (topic, progress);
CREATE INDEX user_progress_metadata_idx ON user_progress USING gin (metadata jsonb_path_ops);

CREATE TRIGGER user_progress_keep_timestamps
    BEFORE UPDATE ON user_progress
    FOR EACH ROW EXECUTE FUNCTION keep_row_timestamps();

COMMENT ON TABLE user_progress IS 'Progress of a user in one topic of physics; it goes with the account.';
COMMENT ON COLUMN user_progress.topic IS 'Lower-case words from wide to narrow, with dots: mechanics.kinematics.';
COMMENT ON COLUMN user_progress.progress IS 'Per cent, 0 to 100.';
COMMENT ON COLUMN user_progress.metadata IS 'Achievements and the like.';
COMMENT ON CONSTRAINT user_progress_user_id_topic_key ON user_progress IS 'One row each; its index serves searches by user, too.';
