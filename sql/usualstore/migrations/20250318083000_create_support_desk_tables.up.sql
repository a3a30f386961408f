-- The support desk. A ticket outlives the account that opened it: its name and address are kept on the ticket.
CREATE TABLE support_tickets (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    number bigint GENERATED ALWAYS AS IDENTITY (START WITH 1001),
    user_id bigint,
    requester_name text NOT NULL,
    requester_email text NOT NULL,
    order_id bigint,
    subject text NOT NULL,
    status text NOT NULL DEFAULT 'open',
    priority text NOT NULL DEFAULT 'normal',
    assigned_to bigint,
    closed_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT support_tickets_pkey PRIMARY KEY (id),
    CONSTRAINT support_tickets_number_key UNIQUE (number),
    CONSTRAINT support_tickets_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE SET NULL,
    CONSTRAINT support_tickets_order_id_fkey FOREIGN KEY (order_id) REFERENCES orders (id) ON DELETE SET NULL,
    CONSTRAINT support_tickets_assigned_to_fkey FOREIGN KEY (assigned_to) REFERENCES users (id) ON DELETE SET NULL,
    CONSTRAINT support_tickets_requester_name_present CHECK (requester_name ~ '\S'),
    CONSTRAINT support_tickets_requester_email_shape
        CHECK (requester_email ~ '^[^@\s]+@[^@\s]+\.[^@\s.]+$' AND char_length(requester_email) <= 254),
    CONSTRAINT support_tickets_subject_present CHECK (subject ~ '\S' AND char_length(subject) <= 200),
    CONSTRAINT support_tickets_status_known CHECK (status IN ('open', 'waiting', 'resolved', 'closed')),
    CONSTRAINT support_tickets_priority_known CHECK (priority IN ('low', 'normal', 'high', 'urgent')),
    CONSTRAINT support_tickets_closed_at_matches_status CHECK ((status = 'closed') = (closed_at IS NOT NULL))
);

CREATE INDEX support_tickets_user_id_idx ON support_tickets (user_id);
CREATE INDEX support_tickets_order_id_idx ON support_tickets (order_id);
CREATE INDEX support_tickets_assigned_to_idx ON support_tickets (assigned_to);
CREATE INDEX support_tickets_lower_requester_email_idx ON support_tickets (lower(requester_email));
CREATE INDEX support_tickets_queue_idx ON support_tickets (status, created_at) WHERE status <> 'closed';

CREATE TRIGGER support_tickets_keep_timestamps
    BEFORE UPDATE ON support_tickets
    FOR EACH ROW EXECUTE FUNCTION keep_row_timestamps();

CREATE TABLE support_messages (
    id bigint GENERATED ALWAYS AS IDENTITY,
    ticket_id uuid NOT NULL,
    author_id bigint,
    author_kind text NOT NULL,
    body text NOT NULL,
    is_internal boolean NOT NULL DEFAULT FALSE,
    read_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT support_messages_pkey PRIMARY KEY (id),
    CONSTRAINT support_messages_ticket_id_fkey
        FOREIGN KEY (ticket_id) REFERENCES support_tickets (id) ON DELETE CASCADE,
    CONSTRAINT support_messages_author_id_fkey FOREIGN KEY (author_id) REFERENCES users (id) ON DELETE SET NULL,
    CONSTRAINT support_messages_author_kind_known
        CHECK (author_kind IN ('requester', 'supporter', 'assistant', 'system')),
    CONSTRAINT support_messages_only_people_have_accounts
        CHECK (author_id IS NULL OR author_kind IN ('requester', 'supporter')),
    CONSTRAINT support_messages_body_present CHECK (body ~ '\S'),
    CONSTRAINT support_messages_requester_writes_in_public CHECK (NOT (is_internal AND author_kind = 'requester'))
);

CREATE INDEX support_messages_ticket_id_id_idx ON support_messages (ticket_id, id);
CREATE INDEX support_messages_author_id_idx ON support_messages (author_id);

COMMENT ON TABLE support_tickets IS 'Requests to the support desk.';
COMMENT ON COLUMN support_tickets.id IS 'For addresses and messages: it cannot be guessed, unlike the number.';
COMMENT ON COLUMN support_tickets.number IS 'Short number for people to say on the phone.';
COMMENT ON COLUMN support_tickets.user_id IS 'Account that asked; NULL for a visitor, and once the account is deleted.';
COMMENT ON COLUMN support_tickets.assigned_to IS 'Member of staff who answers; NULL while nobody does.';
COMMENT ON INDEX support_tickets_queue_idx IS
    'What there is to do, oldest first; closed tickets only grow and stay out of it.';
COMMENT ON TABLE support_messages IS 'What was written on a ticket, in the order of id.';
COMMENT ON COLUMN support_messages.author_kind IS 'Stays when the account of the author is deleted.';
COMMENT ON COLUMN support_messages.is_internal IS 'A note among staff, never shown to the requester.';
