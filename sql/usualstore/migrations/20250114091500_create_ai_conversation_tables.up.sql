-- Chats with the shopping assistant, and what was said in them. Keys of conversations are random
-- UUIDs, because they occur in addresses and must not be guessable or countable.
CREATE TABLE ai_conversations (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    user_id bigint,
    guest_key text,
    title text NOT NULL DEFAULT '',
    ended_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT ai_conversations_pkey PRIMARY KEY (id),
    CONSTRAINT ai_conversations_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT ai_conversations_one_owner CHECK (num_nonnulls(user_id, guest_key) = 1),
    CONSTRAINT ai_conversations_guest_key_present CHECK (guest_key ~ '\S')
);

CREATE INDEX ai_conversations_user_id_updated_at_idx ON ai_conversations (user_id, updated_at DESC);
CREATE INDEX ai_conversations_guest_key_idx ON ai_conversations (guest_key) WHERE guest_key IS NOT NULL;

CREATE TRIGGER ai_conversations_keep_timestamps
    BEFORE UPDATE ON ai_conversations
    FOR EACH ROW EXECUTE FUNCTION keep_row_timestamps();

CREATE TABLE ai_messages (
    id bigint GENERATED ALWAYS AS IDENTITY,
    conversation_id uuid NOT NULL,
    role text NOT NULL,
    content text NOT NULL,
    model text NOT NULL DEFAULT '',
    prompt_tokens integer NOT NULL DEFAULT 0,
    completion_tokens integer NOT NULL DEFAULT 0,
    response_time_ms integer,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT ai_messages_pkey PRIMARY KEY (id),
    CONSTRAINT ai_messages_conversation_id_fkey
        FOREIGN KEY (conversation_id) REFERENCES ai_conversations (id) ON DELETE CASCADE,
    CONSTRAINT ai_messages_role_known CHECK (role IN ('assistant', 'system', 'user')),
    CONSTRAINT ai_messages_content_present CHECK (content ~ '\S'),
    CONSTRAINT ai_messages_prompt_tokens_not_negative CHECK (prompt_tokens >= 0),
    CONSTRAINT ai_messages_completion_tokens_not_negative CHECK (completion_tokens >= 0),
    CONSTRAINT ai_messages_response_time_ms_not_negative CHECK (response_time_ms >= 0),
    CONSTRAINT ai_messages_model_only_from_assistant CHECK (role = 'assistant' OR model = '')
);

CREATE INDEX ai_messages_conversation_id_id_idx ON ai_messages (conversation_id, id);

COMMENT ON TABLE ai_conversations IS 'Chats with the assistant. They are personal data and go with the account.';
COMMENT ON COLUMN ai_conversations.guest_key IS
    'Random value from the cookie of a visitor without account; never the session token, which would be a credential.';
COMMENT ON CONSTRAINT ai_conversations_one_owner ON ai_conversations IS
    'A user or a guest, not both. A guest who signs in takes the chat along: set user_id and clear guest_key.';
COMMENT ON TABLE ai_messages IS 'What was said in a chat, in the order of id. Written once, never changed.';
COMMENT ON COLUMN ai_messages.model IS 'Language model that answered; empty for what people wrote.';
COMMENT ON COLUMN ai_messages.response_time_ms IS 'From question to full answer; NULL where nothing was measured.';
