-- What was said: by users, by the assistant and its tools, by the system. Personal, so it goes with the account.
CREATE TABLE messages (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    interaction_id uuid NOT NULL,
    user_id uuid,
    role text NOT NULL,
    kind text NOT NULL DEFAULT 'text',
    body text NOT NULL,
    metadata jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT messages_pkey PRIMARY KEY (id),
    CONSTRAINT messages_interaction_id_fkey FOREIGN KEY (interaction_id) REFERENCES interactions (id) ON DELETE CASCADE,
    CONSTRAINT messages_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT messages_role_known CHECK (role IN ('user', 'assistant', 'tool', 'system')),
    CONSTRAINT messages_kind_known CHECK (kind IN ('text', 'latex', 'image', 'error')),
    CONSTRAINT messages_body_present CHECK (body ~ '\S' AND char_length(body) <= 100000),
    CONSTRAINT messages_metadata_is_object CHECK (jsonb_typeof(metadata) = 'object')
);

CREATE INDEX messages_interaction_id_created_at_id_idx ON messages (interaction_id, created_at, id);
CREATE INDEX messages_user_id_created_at_id_idx ON messages (user_id, created_at, id);
CREATE INDEX messages_metadata_idx ON messages USING gin (metadata jsonb_path_ops);

CREATE TRIGGER messages_keep_timestamps
    BEFORE UPDATE ON messages
    FOR EACH ROW EXECUTE FUNCTION keep_row_timestamps();

COMMENT ON TABLE messages IS 'Messages of an interaction, in the order of (created_at, id).';
COMMENT ON COLUMN messages.user_id IS
    'Whose conversation it is, whoever speaks; NULL for a visitor. With the account goes the text, the interaction stays.';
COMMENT ON COLUMN messages.role IS 'Who speaks.';
COMMENT ON COLUMN messages.kind IS 'How body is to be read; of an image, body is its description.';
COMMENT ON COLUMN messages.created_at IS 'The time of the statement, not of the transaction: question and answer keep their order.';
