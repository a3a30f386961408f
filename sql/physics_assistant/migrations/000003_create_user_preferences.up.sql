-- How each user wants to learn. No row means: as it comes.
CREATE TABLE user_preferences (
    user_id uuid NOT NULL,
    language text NOT NULL DEFAULT 'en',
    level text NOT NULL DEFAULT 'introductory',
    preferences jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT user_preferences_pkey PRIMARY KEY (user_id),
    CONSTRAINT user_preferences_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT user_preferences_language_shape CHECK (language ~ '^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$'),
    CONSTRAINT user_preferences_level_known CHECK (level IN ('introductory', 'intermediate', 'advanced')),
    CONSTRAINT user_preferences_preferences_is_object CHECK (jsonb_typeof(preferences) = 'object')
);

CREATE INDEX user_preferences_preferences_idx ON user_preferences USING gin (preferences);

CREATE TRIGGER user_preferences_keep_timestamps
    BEFORE UPDATE ON user_preferences
    FOR EACH ROW EXECUTE FUNCTION keep_row_timestamps();

COMMENT ON TABLE user_preferences IS 'Settings of a user and of how that user learns, at most one row for each.';
COMMENT ON COLUMN user_preferences.language IS 'Language tag such as en or pt-BR.';
COMMENT ON COLUMN user_preferences.preferences IS 'Everything else that can be set, by name; what is missing has its default in the program.';
COMMENT ON INDEX user_preferences_preferences_idx IS
    'Of the usual operator class: who has set something at all (?) is asked as well as who has set it so (@>).';
