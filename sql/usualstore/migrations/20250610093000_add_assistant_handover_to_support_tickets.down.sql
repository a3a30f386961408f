-- Cuts tickets off from the chats that they came from.
DROP INDEX support_tickets_ai_conversation_id_idx;

ALTER TABLE support_tickets
    DROP CONSTRAINT support_tickets_conversation_needs_assistant,
    DROP CONSTRAINT support_tickets_source_known,
    DROP CONSTRAINT support_tickets_ai_conversation_id_fkey,
    DROP COLUMN ai_conversation_id,
    DROP COLUMN source;
