-- WebSocket connections of the live support chat: who is there now, and who was.
-- Heartbeats write last_seen_at all the time. It has no index and the pages have spare room, so they stay cheap.
CREATE TABLE support_sessions (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    ticket_id uuid,
    user_id bigint,
    client_address inet,
    user_agent text NOT NULL DEFAULT '',
    connected_at timestamptz NOT NULL DEFAULT now(),
    last_seen_at timestamptz NOT NULL DEFAULT now(),
    disconnected_at timestamptz,
    CONSTRAINT support_sessions_pkey PRIMARY KEY (id),
    CONSTRAINT support_sessions_ticket_id_fkey
        FOREIGN KEY (ticket_id) REFERENCES support_tickets (id) ON DELETE CASCADE,
    CONSTRAINT support_sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT support_sessions_has_subject CHECK (num_nonnulls(ticket_id, user_id) > 0),
    CONSTRAINT support_sessions_last_seen_at_order CHECK (last_seen_at >= connected_at),
    CONSTRAINT support_sessions_disconnected_at_order CHECK (disconnected_at >= connected_at)
) WITH (fillfactor = 80);

CREATE INDEX support_sessions_ticket_id_idx ON support_sessions (ticket_id);
CREATE INDEX support_sessions_user_id_idx ON support_sessions (user_id);
CREATE INDEX support_sessions_connected_idx ON support_sessions (connected_at) WHERE disconnected_at IS NULL;

COMMENT ON TABLE support_sessions IS 'WebSocket connections of the support chat.';
COMMENT ON COLUMN support_sessions.ticket_id IS
    'Ticket that the chat is about; NULL for staff who watch the whole desk.';
COMMENT ON COLUMN support_sessions.user_id IS 'Account at the other end; NULL for a visitor.';
COMMENT ON COLUMN support_sessions.disconnected_at IS 'NULL while the connection stands.';
