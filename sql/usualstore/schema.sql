-- The schema that the migrations make. Written by `ops migrate dump`; `ops migrate dump --check` compares.

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET transaction_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: keep_row_timestamps(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.keep_row_timestamps() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
BEGIN
    NEW.created_at := OLD.created_at;
    NEW.updated_at := pg_catalog.clock_timestamp();
    RETURN NEW;
END;
$$;

--
-- Name: FUNCTION keep_row_timestamps(); Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON FUNCTION public.keep_row_timestamps() IS 'Before an update: puts the time into updated_at and takes back any change of created_at.';

SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: ai_conversations; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.ai_conversations (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id bigint,
    guest_key text,
    title text DEFAULT ''::text NOT NULL,
    ended_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT ai_conversations_guest_key_present CHECK ((guest_key ~ '\S'::text)),
    CONSTRAINT ai_conversations_one_owner CHECK ((num_nonnulls(user_id, guest_key) = 1))
);

--
-- Name: TABLE ai_conversations; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.ai_conversations IS 'Chats with the assistant. They are personal data and go with the account.';

--
-- Name: COLUMN ai_conversations.guest_key; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ai_conversations.guest_key IS 'Random value from the cookie of a visitor without account; never the session token, which would be a credential.';

--
-- Name: CONSTRAINT ai_conversations_one_owner ON ai_conversations; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON CONSTRAINT ai_conversations_one_owner ON public.ai_conversations IS 'A user or a guest, not both. A guest who signs in takes the chat along: set user_id and clear guest_key.';

--
-- Name: ai_feedback; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.ai_feedback (
    id bigint NOT NULL,
    message_id bigint NOT NULL,
    user_id bigint,
    rating smallint NOT NULL,
    comment text DEFAULT ''::text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT ai_feedback_rating_known CHECK ((rating = ANY (ARRAY['-1'::integer, 1])))
);

--
-- Name: TABLE ai_feedback; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.ai_feedback IS 'Verdicts on answers of the assistant.';

--
-- Name: COLUMN ai_feedback.user_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ai_feedback.user_id IS 'Who judged; NULL for the guest of the chat.';

--
-- Name: COLUMN ai_feedback.rating; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ai_feedback.rating IS '1: helpful, -1: not helpful.';

--
-- Name: ai_feedback_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.ai_feedback ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.ai_feedback_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: ai_messages; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.ai_messages (
    id bigint NOT NULL,
    conversation_id uuid NOT NULL,
    role text NOT NULL,
    content text NOT NULL,
    model text DEFAULT ''::text NOT NULL,
    prompt_tokens integer DEFAULT 0 NOT NULL,
    completion_tokens integer DEFAULT 0 NOT NULL,
    response_time_ms integer,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT ai_messages_completion_tokens_not_negative CHECK ((completion_tokens >= 0)),
    CONSTRAINT ai_messages_content_present CHECK ((content ~ '\S'::text)),
    CONSTRAINT ai_messages_model_only_from_assistant CHECK (((role = 'assistant'::text) OR (model = ''::text))),
    CONSTRAINT ai_messages_prompt_tokens_not_negative CHECK ((prompt_tokens >= 0)),
    CONSTRAINT ai_messages_response_time_ms_not_negative CHECK ((response_time_ms >= 0)),
    CONSTRAINT ai_messages_role_known CHECK ((role = ANY (ARRAY['assistant'::text, 'system'::text, 'user'::text])))
);

--
-- Name: TABLE ai_messages; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.ai_messages IS 'What was said in a chat, in the order of id. Written once, never changed.';

--
-- Name: COLUMN ai_messages.model; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ai_messages.model IS 'Language model that answered; empty for what people wrote.';

--
-- Name: COLUMN ai_messages.response_time_ms; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ai_messages.response_time_ms IS 'From question to full answer; NULL where nothing was measured.';

--
-- Name: ai_messages_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.ai_messages ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.ai_messages_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: ai_product_cache; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.ai_product_cache (
    cache_key bytea NOT NULL,
    "position" smallint NOT NULL,
    widget_id bigint NOT NULL,
    reason text DEFAULT ''::text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    CONSTRAINT ai_product_cache_cache_key_length CHECK ((octet_length(cache_key) = 32)),
    CONSTRAINT ai_product_cache_expires_after_creation CHECK ((expires_at > created_at)),
    CONSTRAINT ai_product_cache_position_positive CHECK (("position" > 0))
);

--
-- Name: TABLE ai_product_cache; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.ai_product_cache IS 'Cached recommendations; may be emptied at any time.';

--
-- Name: COLUMN ai_product_cache.cache_key; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ai_product_cache.cache_key IS 'SHA-256 of the normalised question with language and model, 32 raw bytes.';

--
-- Name: COLUMN ai_product_cache."position"; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ai_product_cache."position" IS 'Place in the list of recommendations, best first, from 1.';

--
-- Name: ai_user_preferences; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.ai_user_preferences (
    user_id bigint NOT NULL,
    language text DEFAULT 'en'::text NOT NULL,
    tone text DEFAULT 'friendly'::text NOT NULL,
    wants_recommendations boolean DEFAULT true NOT NULL,
    keeps_history boolean DEFAULT true NOT NULL,
    interests jsonb DEFAULT '[]'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT ai_user_preferences_interests_is_array CHECK ((jsonb_typeof(interests) = 'array'::text)),
    CONSTRAINT ai_user_preferences_language_shape CHECK ((language ~ '^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$'::text)),
    CONSTRAINT ai_user_preferences_tone_known CHECK ((tone = ANY (ARRAY['brief'::text, 'detailed'::text, 'formal'::text, 'friendly'::text])))
);

--
-- Name: TABLE ai_user_preferences; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.ai_user_preferences IS 'Settings of the assistant, at most one row for each user.';

--
-- Name: COLUMN ai_user_preferences.language; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ai_user_preferences.language IS 'Language tag such as en or pt-BR.';

--
-- Name: COLUMN ai_user_preferences.keeps_history; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ai_user_preferences.keeps_history IS 'When false, the chats of this user are deleted once they end.';

--
-- Name: COLUMN ai_user_preferences.interests; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ai_user_preferences.interests IS 'Words that the user chose, as a JSON array.';

--
-- Name: customers; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.customers (
    id bigint NOT NULL,
    first_name text NOT NULL,
    last_name text NOT NULL,
    email text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT customers_email_shape CHECK (((email ~ '^[^@\s]+@[^@\s]+\.[^@\s.]+$'::text) AND (char_length(email) <= 254))),
    CONSTRAINT customers_first_name_present CHECK ((first_name ~ '\S'::text)),
    CONSTRAINT customers_last_name_present CHECK ((last_name ~ '\S'::text))
);

--
-- Name: TABLE customers; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.customers IS 'Buyer details as given at checkout. The same address may occur again: each guest checkout is recorded as it was.';

--
-- Name: COLUMN customers.email; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.customers.email IS 'As typed at checkout; search for it with lower(email).';

--
-- Name: customers_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.customers ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.customers_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: orders; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.orders (
    id bigint NOT NULL,
    widget_id bigint NOT NULL,
    transaction_id bigint NOT NULL,
    status_id smallint NOT NULL,
    customer_id bigint NOT NULL,
    quantity integer NOT NULL,
    amount integer NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT orders_amount_not_negative CHECK ((amount >= 0)),
    CONSTRAINT orders_quantity_positive CHECK ((quantity > 0))
);

--
-- Name: TABLE orders; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.orders IS 'Purchases: one widget in some quantity, paid by one transaction.';

--
-- Name: COLUMN orders.amount; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.orders.amount IS 'Agreed at checkout, in the smallest unit of the transaction''s currency; later price changes leave it alone.';

--
-- Name: orders_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.orders ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.orders_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: sessions; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.sessions (
    token text NOT NULL,
    data bytea NOT NULL,
    expiry timestamp with time zone NOT NULL
);

--
-- Name: TABLE sessions; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.sessions IS 'Session store of the web front end; rows are written by its session manager only.';

--
-- Name: statuses; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.statuses (
    id smallint NOT NULL,
    name text NOT NULL,
    description text NOT NULL,
    CONSTRAINT statuses_description_present CHECK ((description ~ '\S'::text)),
    CONSTRAINT statuses_id_positive CHECK ((id > 0)),
    CONSTRAINT statuses_name_shape CHECK ((name ~ '^[a-z]+(_[a-z]+)*$'::text))
);

--
-- Name: TABLE statuses; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.statuses IS 'States of an order.';

--
-- Name: COLUMN statuses.id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.statuses.id IS 'Fixed number that the program knows; never reused for another meaning.';

--
-- Name: support_messages; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.support_messages (
    id bigint NOT NULL,
    ticket_id uuid NOT NULL,
    author_id bigint,
    author_kind text NOT NULL,
    body text NOT NULL,
    is_internal boolean DEFAULT false NOT NULL,
    read_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT support_messages_author_kind_known CHECK ((author_kind = ANY (ARRAY['requester'::text, 'supporter'::text, 'assistant'::text, 'system'::text]))),
    CONSTRAINT support_messages_body_present CHECK ((body ~ '\S'::text)),
    CONSTRAINT support_messages_only_people_have_accounts CHECK (((author_id IS NULL) OR (author_kind = ANY (ARRAY['requester'::text, 'supporter'::text])))),
    CONSTRAINT support_messages_requester_writes_in_public CHECK ((NOT (is_internal AND (author_kind = 'requester'::text))))
);

--
-- Name: TABLE support_messages; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.support_messages IS 'What was written on a ticket, in the order of id.';

--
-- Name: COLUMN support_messages.author_kind; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.support_messages.author_kind IS 'Stays when the account of the author is deleted.';

--
-- Name: COLUMN support_messages.is_internal; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.support_messages.is_internal IS 'A note among staff, never shown to the requester.';

--
-- Name: support_messages_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.support_messages ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.support_messages_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: support_sessions; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.support_sessions (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    ticket_id uuid,
    user_id bigint,
    client_address inet,
    user_agent text DEFAULT ''::text NOT NULL,
    connected_at timestamp with time zone DEFAULT now() NOT NULL,
    last_seen_at timestamp with time zone DEFAULT now() NOT NULL,
    disconnected_at timestamp with time zone,
    CONSTRAINT support_sessions_disconnected_at_order CHECK ((disconnected_at >= connected_at)),
    CONSTRAINT support_sessions_has_subject CHECK ((num_nonnulls(ticket_id, user_id) > 0)),
    CONSTRAINT support_sessions_last_seen_at_order CHECK ((last_seen_at >= connected_at))
)
WITH (fillfactor='80');

--
-- Name: TABLE support_sessions; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.support_sessions IS 'WebSocket connections of the support chat.';

--
-- Name: COLUMN support_sessions.ticket_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.support_sessions.ticket_id IS 'Ticket that the chat is about; NULL for staff who watch the whole desk.';

--
-- Name: COLUMN support_sessions.user_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.support_sessions.user_id IS 'Account at the other end; NULL for a visitor.';

--
-- Name: COLUMN support_sessions.disconnected_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.support_sessions.disconnected_at IS 'NULL while the connection stands.';

--
-- Name: support_tickets; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.support_tickets (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    number bigint NOT NULL,
    user_id bigint,
    requester_name text NOT NULL,
    requester_email text NOT NULL,
    order_id bigint,
    subject text NOT NULL,
    status text DEFAULT 'open'::text NOT NULL,
    priority text DEFAULT 'normal'::text NOT NULL,
    assigned_to bigint,
    closed_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    source text DEFAULT 'web'::text NOT NULL,
    ai_conversation_id uuid,
    CONSTRAINT support_tickets_closed_at_matches_status CHECK (((status = 'closed'::text) = (closed_at IS NOT NULL))),
    CONSTRAINT support_tickets_conversation_needs_assistant CHECK (((ai_conversation_id IS NULL) OR (source = 'assistant'::text))),
    CONSTRAINT support_tickets_priority_known CHECK ((priority = ANY (ARRAY['low'::text, 'normal'::text, 'high'::text, 'urgent'::text]))),
    CONSTRAINT support_tickets_requester_email_shape CHECK (((requester_email ~ '^[^@\s]+@[^@\s]+\.[^@\s.]+$'::text) AND (char_length(requester_email) <= 254))),
    CONSTRAINT support_tickets_requester_name_present CHECK ((requester_name ~ '\S'::text)),
    CONSTRAINT support_tickets_source_known CHECK ((source = ANY (ARRAY['assistant'::text, 'email'::text, 'web'::text]))),
    CONSTRAINT support_tickets_status_known CHECK ((status = ANY (ARRAY['open'::text, 'waiting'::text, 'resolved'::text, 'closed'::text]))),
    CONSTRAINT support_tickets_subject_present CHECK (((subject ~ '\S'::text) AND (char_length(subject) <= 200)))
);

--
-- Name: TABLE support_tickets; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.support_tickets IS 'Requests to the support desk.';

--
-- Name: COLUMN support_tickets.id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.support_tickets.id IS 'For addresses and messages: it cannot be guessed, unlike the number.';

--
-- Name: COLUMN support_tickets.number; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.support_tickets.number IS 'Short number for people to say on the phone.';

--
-- Name: COLUMN support_tickets.user_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.support_tickets.user_id IS 'Account that asked; NULL for a visitor, and once the account is deleted.';

--
-- Name: COLUMN support_tickets.assigned_to; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.support_tickets.assigned_to IS 'Member of staff who answers; NULL while nobody does.';

--
-- Name: COLUMN support_tickets.source; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.support_tickets.source IS 'How the ticket came in.';

--
-- Name: COLUMN support_tickets.ai_conversation_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.support_tickets.ai_conversation_id IS 'Chat that was handed over; NULL for other tickets, and once the chat is deleted.';

--
-- Name: support_tickets_number_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.support_tickets ALTER COLUMN number ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.support_tickets_number_seq
    START WITH 1001
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: tokens; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.tokens (
    id bigint NOT NULL,
    user_id bigint NOT NULL,
    scope text DEFAULT 'authentication'::text NOT NULL,
    token_hash bytea NOT NULL,
    expiry timestamp with time zone NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT tokens_expiry_after_creation CHECK ((expiry > created_at)),
    CONSTRAINT tokens_scope_known CHECK ((scope = ANY (ARRAY['authentication'::text, 'password_reset'::text]))),
    CONSTRAINT tokens_token_hash_length CHECK ((octet_length(token_hash) = 32))
);

--
-- Name: TABLE tokens; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.tokens IS 'Tokens handed to users; they go with the account.';

--
-- Name: COLUMN tokens.token_hash; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.tokens.token_hash IS 'SHA-256 of the token, 32 raw bytes.';

--
-- Name: tokens_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.tokens ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.tokens_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: transaction_status; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.transaction_status (
    id smallint NOT NULL,
    name text NOT NULL,
    description text NOT NULL,
    CONSTRAINT transaction_status_description_present CHECK ((description ~ '\S'::text)),
    CONSTRAINT transaction_status_id_positive CHECK ((id > 0)),
    CONSTRAINT transaction_status_name_shape CHECK ((name ~ '^[a-z]+(_[a-z]+)*$'::text))
);

--
-- Name: TABLE transaction_status; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.transaction_status IS 'States of a card payment.';

--
-- Name: COLUMN transaction_status.id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.transaction_status.id IS 'Fixed number that the program knows; never reused for another meaning.';

--
-- Name: transactions; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.transactions (
    id bigint NOT NULL,
    amount integer NOT NULL,
    currency character(3) NOT NULL,
    last_four text NOT NULL,
    expiry_month smallint NOT NULL,
    expiry_year smallint NOT NULL,
    bank_return_code text DEFAULT ''::text NOT NULL,
    transaction_status_id smallint NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    payment_intent text DEFAULT ''::text NOT NULL,
    payment_method text DEFAULT ''::text NOT NULL,
    refunded_amount integer DEFAULT 0 NOT NULL,
    refunded_at timestamp with time zone,
    CONSTRAINT transactions_amount_not_negative CHECK ((amount >= 0)),
    CONSTRAINT transactions_currency_shape CHECK ((currency ~ '^[a-z]{3}$'::text)),
    CONSTRAINT transactions_expiry_month_range CHECK (((expiry_month >= 1) AND (expiry_month <= 12))),
    CONSTRAINT transactions_expiry_year_range CHECK (((expiry_year >= 2000) AND (expiry_year <= 2199))),
    CONSTRAINT transactions_last_four_shape CHECK ((last_four ~ '^[0-9]{4}$'::text)),
    CONSTRAINT transactions_refunded_amount_range CHECK (((refunded_amount >= 0) AND (refunded_amount <= amount))),
    CONSTRAINT transactions_refunded_at_matches_amount CHECK (((refunded_amount > 0) = (refunded_at IS NOT NULL)))
);

--
-- Name: TABLE transactions; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.transactions IS 'Card payments.';

--
-- Name: COLUMN transactions.amount; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.transactions.amount IS 'In the smallest unit of the currency. Zero for a subscription that starts with a free trial.';

--
-- Name: COLUMN transactions.currency; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.transactions.currency IS 'ISO 4217 code in lower case, as the card processor writes it.';

--
-- Name: COLUMN transactions.last_four; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.transactions.last_four IS 'Last four digits of the card: text, since leading zeros count.';

--
-- Name: COLUMN transactions.expiry_year; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.transactions.expiry_year IS 'All four digits.';

--
-- Name: COLUMN transactions.bank_return_code; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.transactions.bank_return_code IS 'Identifier that the processor gave to the charge; empty until it answers.';

--
-- Name: COLUMN transactions.payment_intent; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.transactions.payment_intent IS 'Payment intent, or subscription, at the card processor; empty for payments older than this column.';

--
-- Name: COLUMN transactions.payment_method; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.transactions.payment_method IS 'Payment method at the card processor; empty for payments older than this column.';

--
-- Name: COLUMN transactions.refunded_amount; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.transactions.refunded_amount IS 'Sum of all refunds, in the smallest unit of the currency.';

--
-- Name: COLUMN transactions.refunded_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.transactions.refunded_at IS 'When the last refund was made; NULL as long as there was none.';

--
-- Name: transactions_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.transactions ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.transactions_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: users; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.users (
    id bigint NOT NULL,
    first_name text NOT NULL,
    last_name text NOT NULL,
    email text NOT NULL,
    password_hash text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    role text DEFAULT 'user'::text NOT NULL,
    CONSTRAINT users_email_shape CHECK (((email ~ '^[^@\s]+@[^@\s]+\.[^@\s.]+$'::text) AND (char_length(email) <= 254))),
    CONSTRAINT users_first_name_present CHECK ((first_name ~ '\S'::text)),
    CONSTRAINT users_last_name_present CHECK ((last_name ~ '\S'::text)),
    CONSTRAINT users_password_hash_shape CHECK ((password_hash ~ '^\$[a-z0-9-]+\$\S{20,}$'::text)),
    CONSTRAINT users_role_known CHECK ((role = ANY (ARRAY['admin'::text, 'super_admin'::text, 'supporter'::text, 'user'::text])))
);

--
-- Name: TABLE users; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.users IS 'Accounts that can sign in.';

--
-- Name: COLUMN users.email; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.users.email IS 'As typed by the owner; search for it with lower(email), which is unique.';

--
-- Name: COLUMN users.password_hash; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.users.password_hash IS 'Salted hash as bcrypt and argon2 print it, $scheme$...; the check refuses a clear password stored by mistake.';

--
-- Name: COLUMN users.role; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.users.role IS 'super_admin: all, and manages admins; admin: runs the shop; supporter: answers tickets; user: no back office.';

--
-- Name: users_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.users ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.users_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: widgets; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.widgets (
    id bigint NOT NULL,
    name text NOT NULL,
    description text DEFAULT ''::text NOT NULL,
    inventory_level integer DEFAULT 0 NOT NULL,
    price integer NOT NULL,
    currency character(3) DEFAULT 'usd'::bpchar NOT NULL,
    image text DEFAULT ''::text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    is_recurring boolean DEFAULT false NOT NULL,
    plan_id text DEFAULT ''::text NOT NULL,
    archived_at timestamp with time zone,
    CONSTRAINT widgets_currency_shape CHECK ((currency ~ '^[a-z]{3}$'::text)),
    CONSTRAINT widgets_inventory_level_not_negative CHECK ((inventory_level >= 0)),
    CONSTRAINT widgets_name_present CHECK ((name ~ '\S'::text)),
    CONSTRAINT widgets_plan_id_matches_is_recurring CHECK ((is_recurring = (plan_id <> ''::text))),
    CONSTRAINT widgets_price_not_negative CHECK ((price >= 0))
);

--
-- Name: TABLE widgets; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.widgets IS 'Products for sale.';

--
-- Name: COLUMN widgets.price; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.widgets.price IS 'In the smallest unit of the currency: cents for usd, whole yen for jpy.';

--
-- Name: COLUMN widgets.currency; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.widgets.currency IS 'ISO 4217 code in lower case, as the card processor writes it.';

--
-- Name: COLUMN widgets.image; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.widgets.image IS 'File name of the picture; empty when there is none.';

--
-- Name: COLUMN widgets.plan_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.widgets.plan_id IS 'Plan at the card processor: set for a recurring widget, empty for all others. A plan belongs to one widget.';

--
-- Name: COLUMN widgets.archived_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.widgets.archived_at IS 'When it was taken off sale; NULL while it is on sale.';

--
-- Name: widgets_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.widgets ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.widgets_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: ai_conversations ai_conversations_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ai_conversations
    ADD CONSTRAINT ai_conversations_pkey PRIMARY KEY (id);

--
-- Name: ai_feedback ai_feedback_message_id_user_id_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ai_feedback
    ADD CONSTRAINT ai_feedback_message_id_user_id_key UNIQUE NULLS NOT DISTINCT (message_id, user_id);

--
-- Name: CONSTRAINT ai_feedback_message_id_user_id_key ON ai_feedback; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON CONSTRAINT ai_feedback_message_id_user_id_key ON public.ai_feedback IS 'NULL counts as a value, so the guest too has one verdict. Also the index for the foreign key on message_id.';

--
-- Name: ai_feedback ai_feedback_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ai_feedback
    ADD CONSTRAINT ai_feedback_pkey PRIMARY KEY (id);

--
-- Name: ai_messages ai_messages_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ai_messages
    ADD CONSTRAINT ai_messages_pkey PRIMARY KEY (id);

--
-- Name: ai_product_cache ai_product_cache_cache_key_widget_id_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ai_product_cache
    ADD CONSTRAINT ai_product_cache_cache_key_widget_id_key UNIQUE (cache_key, widget_id);

--
-- Name: ai_product_cache ai_product_cache_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ai_product_cache
    ADD CONSTRAINT ai_product_cache_pkey PRIMARY KEY (cache_key, "position");

--
-- Name: ai_user_preferences ai_user_preferences_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ai_user_preferences
    ADD CONSTRAINT ai_user_preferences_pkey PRIMARY KEY (user_id);

--
-- Name: customers customers_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.customers
    ADD CONSTRAINT customers_pkey PRIMARY KEY (id);

--
-- Name: orders orders_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.orders
    ADD CONSTRAINT orders_pkey PRIMARY KEY (id);

--
-- Name: sessions sessions_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_pkey PRIMARY KEY (token);

--
-- Name: statuses statuses_name_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.statuses
    ADD CONSTRAINT statuses_name_key UNIQUE (name);

--
-- Name: statuses statuses_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.statuses
    ADD CONSTRAINT statuses_pkey PRIMARY KEY (id);

--
-- Name: support_messages support_messages_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.support_messages
    ADD CONSTRAINT support_messages_pkey PRIMARY KEY (id);

--
-- Name: support_sessions support_sessions_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.support_sessions
    ADD CONSTRAINT support_sessions_pkey PRIMARY KEY (id);

--
-- Name: support_tickets support_tickets_number_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.support_tickets
    ADD CONSTRAINT support_tickets_number_key UNIQUE (number);

--
-- Name: support_tickets support_tickets_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.support_tickets
    ADD CONSTRAINT support_tickets_pkey PRIMARY KEY (id);

--
-- Name: tokens tokens_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.tokens
    ADD CONSTRAINT tokens_pkey PRIMARY KEY (id);

--
-- Name: tokens tokens_token_hash_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.tokens
    ADD CONSTRAINT tokens_token_hash_key UNIQUE (token_hash);

--
-- Name: transaction_status transaction_status_name_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.transaction_status
    ADD CONSTRAINT transaction_status_name_key UNIQUE (name);

--
-- Name: transaction_status transaction_status_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.transaction_status
    ADD CONSTRAINT transaction_status_pkey PRIMARY KEY (id);

--
-- Name: transactions transactions_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.transactions
    ADD CONSTRAINT transactions_pkey PRIMARY KEY (id);

--
-- Name: users users_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (id);

--
-- Name: widgets widgets_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.widgets
    ADD CONSTRAINT widgets_pkey PRIMARY KEY (id);

--
-- Name: ai_conversations_guest_key_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ai_conversations_guest_key_idx ON public.ai_conversations USING btree (guest_key) WHERE (guest_key IS NOT NULL);

--
-- Name: ai_conversations_user_id_updated_at_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ai_conversations_user_id_updated_at_idx ON public.ai_conversations USING btree (user_id, updated_at DESC);

--
-- Name: ai_feedback_user_id_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ai_feedback_user_id_idx ON public.ai_feedback USING btree (user_id);

--
-- Name: ai_messages_conversation_id_id_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ai_messages_conversation_id_id_idx ON public.ai_messages USING btree (conversation_id, id);

--
-- Name: ai_product_cache_expires_at_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ai_product_cache_expires_at_idx ON public.ai_product_cache USING btree (expires_at);

--
-- Name: INDEX ai_product_cache_expires_at_idx; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON INDEX public.ai_product_cache_expires_at_idx IS 'For the job that deletes what has expired.';

--
-- Name: ai_product_cache_widget_id_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ai_product_cache_widget_id_idx ON public.ai_product_cache USING btree (widget_id);

--
-- Name: customers_lower_email_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX customers_lower_email_idx ON public.customers USING btree (lower(email));

--
-- Name: orders_customer_id_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX orders_customer_id_idx ON public.orders USING btree (customer_id);

--
-- Name: orders_status_id_created_at_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX orders_status_id_created_at_idx ON public.orders USING btree (status_id, created_at DESC);

--
-- Name: orders_transaction_id_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX orders_transaction_id_idx ON public.orders USING btree (transaction_id);

--
-- Name: orders_widget_id_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX orders_widget_id_idx ON public.orders USING btree (widget_id);

--
-- Name: sessions_expiry_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX sessions_expiry_idx ON public.sessions USING btree (expiry);

--
-- Name: INDEX sessions_expiry_idx; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON INDEX public.sessions_expiry_idx IS 'For the clean-up of expired sessions.';

--
-- Name: support_messages_author_id_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX support_messages_author_id_idx ON public.support_messages USING btree (author_id);

--
-- Name: support_messages_ticket_id_id_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX support_messages_ticket_id_id_idx ON public.support_messages USING btree (ticket_id, id);

--
-- Name: support_sessions_connected_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX support_sessions_connected_idx ON public.support_sessions USING btree (connected_at) WHERE (disconnected_at IS NULL);

--
-- Name: support_sessions_ticket_id_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX support_sessions_ticket_id_idx ON public.support_sessions USING btree (ticket_id);

--
-- Name: support_sessions_user_id_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX support_sessions_user_id_idx ON public.support_sessions USING btree (user_id);

--
-- Name: support_tickets_ai_conversation_id_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX support_tickets_ai_conversation_id_idx ON public.support_tickets USING btree (ai_conversation_id);

--
-- Name: support_tickets_assigned_to_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX support_tickets_assigned_to_idx ON public.support_tickets USING btree (assigned_to);

--
-- Name: support_tickets_lower_requester_email_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX support_tickets_lower_requester_email_idx ON public.support_tickets USING btree (lower(requester_email));

--
-- Name: support_tickets_order_id_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX support_tickets_order_id_idx ON public.support_tickets USING btree (order_id);

--
-- Name: support_tickets_queue_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX support_tickets_queue_idx ON public.support_tickets USING btree (status, created_at) WHERE (status <> 'closed'::text);

--
-- Name: INDEX support_tickets_queue_idx; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON INDEX public.support_tickets_queue_idx IS 'What there is to do, oldest first; closed tickets only grow and stay out of it.';

--
-- Name: support_tickets_user_id_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX support_tickets_user_id_idx ON public.support_tickets USING btree (user_id);

--
-- Name: tokens_expiry_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX tokens_expiry_idx ON public.tokens USING btree (expiry);

--
-- Name: INDEX tokens_expiry_idx; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON INDEX public.tokens_expiry_idx IS 'For the job that deletes expired tokens.';

--
-- Name: tokens_user_id_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX tokens_user_id_idx ON public.tokens USING btree (user_id);

--
-- Name: transactions_payment_intent_key; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX transactions_payment_intent_key ON public.transactions USING btree (payment_intent) WHERE (payment_intent <> ''::text);

--
-- Name: transactions_transaction_status_id_created_at_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX transactions_transaction_status_id_created_at_idx ON public.transactions USING btree (transaction_status_id, created_at DESC);

--
-- Name: users_lower_email_key; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX users_lower_email_key ON public.users USING btree (lower(email));

--
-- Name: users_staff_role_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX users_staff_role_idx ON public.users USING btree (role) WHERE (role <> 'user'::text);

--
-- Name: INDEX users_staff_role_idx; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON INDEX public.users_staff_role_idx IS 'Staff only: they are few, and plain users are never listed by role.';

--
-- Name: widgets_on_sale_inventory_level_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX widgets_on_sale_inventory_level_idx ON public.widgets USING btree (inventory_level) WHERE ((archived_at IS NULL) AND (NOT is_recurring));

--
-- Name: INDEX widgets_on_sale_inventory_level_idx; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON INDEX public.widgets_on_sale_inventory_level_idx IS 'For the list of what runs out. Recurring widgets are services and have no stock.';

--
-- Name: widgets_on_sale_name_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX widgets_on_sale_name_idx ON public.widgets USING btree (name) WHERE (archived_at IS NULL);

--
-- Name: widgets_plan_id_key; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX widgets_plan_id_key ON public.widgets USING btree (plan_id) WHERE (plan_id <> ''::text);

--
-- Name: ai_conversations ai_conversations_keep_timestamps; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER ai_conversations_keep_timestamps BEFORE UPDATE ON public.ai_conversations FOR EACH ROW EXECUTE FUNCTION public.keep_row_timestamps();

--
-- Name: ai_feedback ai_feedback_keep_timestamps; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER ai_feedback_keep_timestamps BEFORE UPDATE ON public.ai_feedback FOR EACH ROW EXECUTE FUNCTION public.keep_row_timestamps();

--
-- Name: ai_user_preferences ai_user_preferences_keep_timestamps; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER ai_user_preferences_keep_timestamps BEFORE UPDATE ON public.ai_user_preferences FOR EACH ROW EXECUTE FUNCTION public.keep_row_timestamps();

--
-- Name: customers customers_keep_timestamps; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER customers_keep_timestamps BEFORE UPDATE ON public.customers FOR EACH ROW EXECUTE FUNCTION public.keep_row_timestamps();

--
-- Name: orders orders_keep_timestamps; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER orders_keep_timestamps BEFORE UPDATE ON public.orders FOR EACH ROW EXECUTE FUNCTION public.keep_row_timestamps();

--
-- Name: support_tickets support_tickets_keep_timestamps; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER support_tickets_keep_timestamps BEFORE UPDATE ON public.support_tickets FOR EACH ROW EXECUTE FUNCTION public.keep_row_timestamps();

--
-- Name: transactions transactions_keep_timestamps; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER transactions_keep_timestamps BEFORE UPDATE ON public.transactions FOR EACH ROW EXECUTE FUNCTION public.keep_row_timestamps();

--
-- Name: users users_keep_timestamps; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER users_keep_timestamps BEFORE UPDATE ON public.users FOR EACH ROW EXECUTE FUNCTION public.keep_row_timestamps();

--
-- Name: widgets widgets_keep_timestamps; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER widgets_keep_timestamps BEFORE UPDATE ON public.widgets FOR EACH ROW EXECUTE FUNCTION public.keep_row_timestamps();

--
-- Name: ai_conversations ai_conversations_user_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ai_conversations
    ADD CONSTRAINT ai_conversations_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

--
-- Name: ai_feedback ai_feedback_message_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ai_feedback
    ADD CONSTRAINT ai_feedback_message_id_fkey FOREIGN KEY (message_id) REFERENCES public.ai_messages(id) ON DELETE CASCADE;

--
-- Name: ai_feedback ai_feedback_user_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ai_feedback
    ADD CONSTRAINT ai_feedback_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

--
-- Name: ai_messages ai_messages_conversation_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ai_messages
    ADD CONSTRAINT ai_messages_conversation_id_fkey FOREIGN KEY (conversation_id) REFERENCES public.ai_conversations(id) ON DELETE CASCADE;

--
-- Name: ai_product_cache ai_product_cache_widget_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ai_product_cache
    ADD CONSTRAINT ai_product_cache_widget_id_fkey FOREIGN KEY (widget_id) REFERENCES public.widgets(id) ON DELETE CASCADE;

--
-- Name: ai_user_preferences ai_user_preferences_user_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ai_user_preferences
    ADD CONSTRAINT ai_user_preferences_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

--
-- Name: orders orders_customer_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.orders
    ADD CONSTRAINT orders_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES public.customers(id) ON DELETE RESTRICT;

--
-- Name: orders orders_status_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.orders
    ADD CONSTRAINT orders_status_id_fkey FOREIGN KEY (status_id) REFERENCES public.statuses(id) ON DELETE RESTRICT;

--
-- Name: orders orders_transaction_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.orders
    ADD CONSTRAINT orders_transaction_id_fkey FOREIGN KEY (transaction_id) REFERENCES public.transactions(id) ON DELETE RESTRICT;

--
-- Name: orders orders_widget_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.orders
    ADD CONSTRAINT orders_widget_id_fkey FOREIGN KEY (widget_id) REFERENCES public.widgets(id) ON DELETE RESTRICT;

--
-- Name: support_messages support_messages_author_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.support_messages
    ADD CONSTRAINT support_messages_author_id_fkey FOREIGN KEY (author_id) REFERENCES public.users(id) ON DELETE SET NULL;

--
-- Name: support_messages support_messages_ticket_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.support_messages
    ADD CONSTRAINT support_messages_ticket_id_fkey FOREIGN KEY (ticket_id) REFERENCES public.support_tickets(id) ON DELETE CASCADE;

--
-- Name: support_sessions support_sessions_ticket_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.support_sessions
    ADD CONSTRAINT support_sessions_ticket_id_fkey FOREIGN KEY (ticket_id) REFERENCES public.support_tickets(id) ON DELETE CASCADE;

--
-- Name: support_sessions support_sessions_user_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.support_sessions
    ADD CONSTRAINT support_sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

--
-- Name: support_tickets support_tickets_ai_conversation_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.support_tickets
    ADD CONSTRAINT support_tickets_ai_conversation_id_fkey FOREIGN KEY (ai_conversation_id) REFERENCES public.ai_conversations(id) ON DELETE SET NULL;

--
-- Name: support_tickets support_tickets_assigned_to_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.support_tickets
    ADD CONSTRAINT support_tickets_assigned_to_fkey FOREIGN KEY (assigned_to) REFERENCES public.users(id) ON DELETE SET NULL;

--
-- Name: support_tickets support_tickets_order_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.support_tickets
    ADD CONSTRAINT support_tickets_order_id_fkey FOREIGN KEY (order_id) REFERENCES public.orders(id) ON DELETE SET NULL;

--
-- Name: support_tickets support_tickets_user_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.support_tickets
    ADD CONSTRAINT support_tickets_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE SET NULL;

--
-- Name: tokens tokens_user_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.tokens
    ADD CONSTRAINT tokens_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

--
-- Name: transactions transactions_transaction_status_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.transactions
    ADD CONSTRAINT transactions_transaction_status_id_fkey FOREIGN KEY (transaction_status_id) REFERENCES public.transaction_status(id) ON DELETE RESTRICT;
