-- Thumbs up or down on what the assistant said: one verdict from each user, and one from the guest of a chat.
CREATE TABLE ai_feedback (
    id bigint GENERATED ALWAYS AS IDENTITY,
    message_id bigint NOT NULL,
    user_id bigint,
    rating smallint NOT NULL,
    comment text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT ai_feedback_pkey PRIMARY KEY (id),
    CONSTRAINT ai_feedback_message_id_user_id_key UNIQUE NULLS NOT DISTINCT (message_id, user_id),
    CONSTRAINT ai_feedback_message_id_fkey FOREIGN KEY (message_id) REFERENCES ai_messages (id) ON DELETE CASCADE,
    CONSTRAINT ai_feedback_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT ai_feedback_rating_known CHECK (rating IN (-1, 1))
);

CREATE INDEX ai_feedback_user_id_idx ON ai_feedback (user_id);

CREATE TRIGGER ai_feedback_keep_timestamps
    BEFORE UPDATE ON ai_feedback
    FOR EACH ROW EXECUTE FUNCTION keep_row_timestamps();

COMMENT ON TABLE ai_feedback IS 'Verdicts on answers of the assistant.';
COMMENT ON COLUMN ai_feedback.user_id IS 'Who judged; NULL for the guest of the chat.';
COMMENT ON COLUMN ai_feedback.rating IS '1: helpful, -1: not helpful.';
COMMENT ON CONSTRAINT ai_feedback_message_id_user_id_key ON ai_feedback IS
    'NULL counts as a value, so the guest too has one verdict. Also the index for the foreign key on message_id.';
