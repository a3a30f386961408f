-- How each user wants the assistant to behave. No row means: as it comes.
CREATE TABLE ai_user_preferences (
    user_id bigint NOT NULL,
    language text NOT NULL DEFAULT 'en',
    tone text NOT NULL DEFAULT 'friendly',
    wants_recommendations boolean NOT NULL DEFAULT TRUE,
    keeps_history boolean NOT NULL DEFAULT TRUE,
    interests jsonb NOT NULL DEFAULT '[]',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT ai_user_preferences_pkey PRIMARY KEY (user_id),
    CONSTRAINT ai_user_preferences_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT ai_user_preferences_language_shape CHECK (language ~ '^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$'),
    CONSTRAINT ai_user_preferences_tone_known CHECK (tone IN ('brief', 'detailed', 'formal', 'friendly')),
    CONSTRAINT ai_user_preferences_interests_is_array CHECK (jsonb_typeof(interests) = 'array')
);

CREATE TRIGGER ai_user_preferences_keep_timestamps
    BEFORE UPDATE ON ai_user_preferences
    FOR EACH ROW EXECUTE FUNCTION keep_row_timestamps();

COMMENT ON TABLE ai_user_preferences IS 'Settings of the assistant, at most one row for each user.';
COMMENT ON COLUMN ai_user_preferences.language IS 'Language tag such as en or pt-BR.';
COMMENT ON COLUMN ai_user_preferences.keeps_history IS 'When false, the chats of this user are deleted once they end.';
COMMENT ON COLUMN ai_user_preferences.interests IS 'Words that the user chose, as a JSON array.';
