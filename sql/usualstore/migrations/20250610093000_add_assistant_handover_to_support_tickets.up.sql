-- When the assistant cannot help, it opens a ticket, and staff can read the chat that led to it.
ALTER TABLE support_tickets
    ADD COLUMN source text NOT NULL DEFAULT 'web',
    ADD COLUMN ai_conversation_id uuid,
    ADD CONSTRAINT support_tickets_ai_conversation_id_fkey
        FOREIGN KEY (ai_conversation_id) REFERENCES ai_conversations (id) ON DELETE SET NULL,
    ADD CONSTRAINT support_tickets_source_known CHECK (source IN ('assistant', 'email', 'web')),
    ADD CONSTRAINT support_tickets_conversation_needs_assistant
        CHECK (ai_conversation_id IS NULL OR source = 'assistant');

CREATE INDEX support_tickets_ai_conversation_id_idx ON support_tickets (ai_conversation_id);

COMMENT ON COLUMN support_tickets.source IS 'How the ticket came in.';
COMMENT ON COLUMN support_tickets.ai_conversation_id IS
    'Chat that was handed over; NULL for other tickets, and once the chat is deleted.';
