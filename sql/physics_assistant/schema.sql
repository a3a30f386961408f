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
-- Name: agent_calls; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.agent_calls (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    interaction_id uuid NOT NULL,
    message_id uuid,
    agent text NOT NULL,
    tool text,
    parameters jsonb DEFAULT '{}'::jsonb NOT NULL,
    result jsonb,
    status text DEFAULT 'running'::text NOT NULL,
    error text,
    finished_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    updated_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT agent_calls_agent_shape CHECK (((agent ~ '^[a-z][a-z0-9_-]*$'::text) AND (char_length(agent) <= 100))),
    CONSTRAINT agent_calls_error_matches_status CHECK (((status = 'failed'::text) = (error IS NOT NULL))),
    CONSTRAINT agent_calls_finished_after_creation CHECK ((finished_at >= created_at)),
    CONSTRAINT agent_calls_finished_at_matches_status CHECK (((status = 'running'::text) = (finished_at IS NULL))),
    CONSTRAINT agent_calls_parameters_is_object CHECK ((jsonb_typeof(parameters) = 'object'::text)),
    CONSTRAINT agent_calls_status_known CHECK ((status = ANY (ARRAY['running'::text, 'succeeded'::text, 'failed'::text, 'cancelled'::text]))),
    CONSTRAINT agent_calls_tool_present CHECK (((tool ~ '\S'::text) AND (char_length(tool) <= 200)))
);

--
-- Name: TABLE agent_calls; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.agent_calls IS 'Calls of agents and their tools; created_at is when a call began.';

--
-- Name: COLUMN agent_calls.message_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.agent_calls.message_id IS 'The message that asked for it; NULL where none did, and once that is deleted.';

--
-- Name: COLUMN agent_calls.tool; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.agent_calls.tool IS 'The MCP tool; NULL where the agent answered by itself.';

--
-- Name: COLUMN agent_calls.parameters; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.agent_calls.parameters IS 'What the tool was given, by the names of its arguments; nothing that tells who asked.';

--
-- Name: COLUMN agent_calls.error; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.agent_calls.error IS 'What went wrong, of a failed call alone.';

--
-- Name: COLUMN agent_calls.finished_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.agent_calls.finished_at IS 'Set it with clock_timestamp(), as created_at is: now() is when the transaction began.';

--
-- Name: file_uploads; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.file_uploads (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid,
    interaction_id uuid,
    purpose text NOT NULL,
    file_name text NOT NULL,
    media_type text NOT NULL,
    size_bytes bigint NOT NULL,
    sha256 bytea NOT NULL,
    storage_key text NOT NULL,
    status text DEFAULT 'uploaded'::text NOT NULL,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT file_uploads_file_name_shape CHECK (((file_name ~ '\S'::text) AND (file_name !~ '[/\\]'::text) AND (char_length(file_name) <= 255))),
    CONSTRAINT file_uploads_media_type_shape CHECK ((media_type ~ '^[a-z]+/[a-z0-9.+-]+$'::text)),
    CONSTRAINT file_uploads_metadata_is_object CHECK ((jsonb_typeof(metadata) = 'object'::text)),
    CONSTRAINT file_uploads_purpose_known CHECK ((purpose = ANY (ARRAY['diagram'::text, 'problem'::text, 'other'::text]))),
    CONSTRAINT file_uploads_sha256_length CHECK ((octet_length(sha256) = 32)),
    CONSTRAINT file_uploads_size_bytes_not_negative CHECK ((size_bytes >= 0)),
    CONSTRAINT file_uploads_status_known CHECK ((status = ANY (ARRAY['uploaded'::text, 'processed'::text, 'rejected'::text]))),
    CONSTRAINT file_uploads_storage_key_present CHECK ((storage_key ~ '\S'::text))
);

--
-- Name: TABLE file_uploads; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.file_uploads IS 'What is known of an uploaded file; the row is deleted after the file, never before.';

--
-- Name: COLUMN file_uploads.user_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.file_uploads.user_id IS 'NULL once the account is deleted. The row stays until the file is deleted: nothing else knows where that is.';

--
-- Name: COLUMN file_uploads.file_name; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.file_uploads.file_name IS 'As the user called it, without folders; for people alone, never a path to open.';

--
-- Name: COLUMN file_uploads.storage_key; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.file_uploads.storage_key IS 'Where the file is, as the program that keeps it names the place.';

--
-- Name: interactions; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.interactions (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid,
    session_id uuid,
    kind text NOT NULL,
    topic text,
    duration_ms bigint,
    succeeded boolean,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    updated_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT interactions_duration_ms_not_negative CHECK ((duration_ms >= 0)),
    CONSTRAINT interactions_kind_known CHECK ((kind = ANY (ARRAY['chat'::text, 'agent'::text, 'tool'::text, 'upload'::text, 'quiz'::text, 'system'::text]))),
    CONSTRAINT interactions_metadata_is_object CHECK ((jsonb_typeof(metadata) = 'object'::text)),
    CONSTRAINT interactions_topic_shape CHECK (((topic ~ '^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$'::text) AND (char_length(topic) <= 100)))
);

--
-- Name: TABLE interactions; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.interactions IS 'Log of all that was done with agents and tools.';

--
-- Name: COLUMN interactions.user_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.interactions.user_id IS 'NULL for a visitor, and once the account is deleted.';

--
-- Name: COLUMN interactions.session_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.interactions.session_id IS 'NULL once the session is cleared away, which is long before the log is.';

--
-- Name: COLUMN interactions.topic; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.interactions.topic IS 'As in user_progress.';

--
-- Name: COLUMN interactions.succeeded; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.interactions.succeeded IS 'NULL while it goes on.';

--
-- Name: COLUMN interactions.metadata; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.interactions.metadata IS 'Nothing that tells who it was: it outlives the account.';

--
-- Name: messages; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.messages (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    interaction_id uuid NOT NULL,
    user_id uuid,
    role text NOT NULL,
    kind text DEFAULT 'text'::text NOT NULL,
    body text NOT NULL,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    updated_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT messages_body_present CHECK (((body ~ '\S'::text) AND (char_length(body) <= 100000))),
    CONSTRAINT messages_kind_known CHECK ((kind = ANY (ARRAY['text'::text, 'latex'::text, 'image'::text, 'error'::text]))),
    CONSTRAINT messages_metadata_is_object CHECK ((jsonb_typeof(metadata) = 'object'::text)),
    CONSTRAINT messages_role_known CHECK ((role = ANY (ARRAY['user'::text, 'assistant'::text, 'tool'::text, 'system'::text])))
);

--
-- Name: TABLE messages; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.messages IS 'Messages of an interaction, in the order of (created_at, id).';

--
-- Name: COLUMN messages.user_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.messages.user_id IS 'Whose conversation it is, whoever speaks; NULL for a visitor. With the account goes the text, the interaction stays.';

--
-- Name: COLUMN messages.role; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.messages.role IS 'Who speaks.';

--
-- Name: COLUMN messages.kind; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.messages.kind IS 'How body is to be read; of an image, body is its description.';

--
-- Name: COLUMN messages.created_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.messages.created_at IS 'The time of the statement, not of the transaction: question and answer keep their order.';

--
-- Name: user_preferences; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.user_preferences (
    user_id uuid NOT NULL,
    language text DEFAULT 'en'::text NOT NULL,
    level text DEFAULT 'introductory'::text NOT NULL,
    preferences jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT user_preferences_language_shape CHECK ((language ~ '^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$'::text)),
    CONSTRAINT user_preferences_level_known CHECK ((level = ANY (ARRAY['introductory'::text, 'intermediate'::text, 'advanced'::text]))),
    CONSTRAINT user_preferences_preferences_is_object CHECK ((jsonb_typeof(preferences) = 'object'::text))
);

--
-- Name: TABLE user_preferences; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.user_preferences IS 'Settings of a user and of how that user learns, at most one row for each.';

--
-- Name: COLUMN user_preferences.language; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_preferences.language IS 'Language tag such as en or pt-BR.';

--
-- Name: COLUMN user_preferences.preferences; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_preferences.preferences IS 'Everything else that can be set, by name; what is missing has its default in the program.';

--
-- Name: user_progress; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.user_progress (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid NOT NULL,
    topic text NOT NULL,
    progress numeric(5,2) DEFAULT 0 NOT NULL,
    problems_attempted bigint DEFAULT 0 NOT NULL,
    problems_solved bigint DEFAULT 0 NOT NULL,
    last_practised_at timestamp with time zone,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT user_progress_metadata_is_object CHECK ((jsonb_typeof(metadata) = 'object'::text)),
    CONSTRAINT user_progress_problems_add_up CHECK (((problems_solved >= 0) AND (problems_solved <= problems_attempted))),
    CONSTRAINT user_progress_progress_is_percent CHECK (((progress >= (0)::numeric) AND (progress <= (100)::numeric))),
    CONSTRAINT user_progress_topic_shape CHECK (((topic ~ '^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$'::text) AND (char_length(topic) <= 100)))
);

--
-- Name: TABLE user_progress; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.user_progress IS 'Progress of a user in one topic of physics; it goes with the account.';

--
-- Name: COLUMN user_progress.topic; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_progress.topic IS 'Lower-case words from wide to narrow, with dots: mechanics.kinematics.';

--
-- Name: COLUMN user_progress.progress; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_progress.progress IS 'Per cent, 0 to 100.';

--
-- Name: COLUMN user_progress.metadata; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_progress.metadata IS 'Achievements and the like.';

--
-- Name: user_sessions; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.user_sessions (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid NOT NULL,
    token_hash bytea NOT NULL,
    client_address inet,
    user_agent text,
    last_seen_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    revoked_at timestamp with time zone,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT user_sessions_expires_after_creation CHECK ((expires_at > created_at)),
    CONSTRAINT user_sessions_metadata_is_object CHECK ((jsonb_typeof(metadata) = 'object'::text)),
    CONSTRAINT user_sessions_revoked_after_creation CHECK ((revoked_at >= created_at)),
    CONSTRAINT user_sessions_token_hash_is_sha256 CHECK ((octet_length(token_hash) = 32)),
    CONSTRAINT user_sessions_user_agent_length CHECK ((char_length(user_agent) <= 1000))
);

--
-- Name: TABLE user_sessions; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.user_sessions IS 'Sessions of accounts. One is valid until expires_at unless revoked_at is set; it goes with its account.';

--
-- Name: COLUMN user_sessions.token_hash; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_sessions.token_hash IS 'SHA-256 of the token: whoever reads this table cannot sign in with it.';

--
-- Name: COLUMN user_sessions.revoked_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_sessions.revoked_at IS 'When it was ended before its time, by signing out or by an administrator.';

--
-- Name: users; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.users (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    email text NOT NULL,
    display_name text NOT NULL,
    password_hash text NOT NULL,
    role text DEFAULT 'student'::text NOT NULL,
    is_active boolean DEFAULT true NOT NULL,
    last_login_at timestamp with time zone,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT users_display_name_present CHECK (((display_name ~ '\S'::text) AND (char_length(display_name) <= 100))),
    CONSTRAINT users_email_shape CHECK (((email ~ '^[^@\s]+@[^@\s]+\.[^@\s.]+$'::text) AND (char_length(email) <= 254))),
    CONSTRAINT users_metadata_is_object CHECK ((jsonb_typeof(metadata) = 'object'::text)),
    CONSTRAINT users_password_hash_shape CHECK (((password_hash ~ '^\$[a-z0-9-]+\$\S+$'::text) AND ((char_length(password_hash) >= 60) AND (char_length(password_hash) <= 255)))),
    CONSTRAINT users_role_known CHECK ((role = ANY (ARRAY['student'::text, 'teacher'::text, 'admin'::text])))
);

--
-- Name: TABLE users; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.users IS 'Accounts that can sign in, with their profiles.';

--
-- Name: COLUMN users.email; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.users.email IS 'As typed by the owner; search for it with lower(email), which is unique.';

--
-- Name: COLUMN users.password_hash; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.users.password_hash IS 'Salted hash as bcrypt prints it, 60 characters; longer ones of later schemes fit, a clear password does not.';

--
-- Name: COLUMN users.is_active; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.users.is_active IS 'A closed account keeps its rows and cannot sign in.';

--
-- Name: COLUMN users.metadata; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.users.metadata IS 'Profile data that no query depends on, such as school and year.';

--
-- Name: agent_calls agent_calls_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.agent_calls
    ADD CONSTRAINT agent_calls_pkey PRIMARY KEY (id);

--
-- Name: file_uploads file_uploads_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.file_uploads
    ADD CONSTRAINT file_uploads_pkey PRIMARY KEY (id);

--
-- Name: file_uploads file_uploads_storage_key_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.file_uploads
    ADD CONSTRAINT file_uploads_storage_key_key UNIQUE (storage_key);

--
-- Name: interactions interactions_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.interactions
    ADD CONSTRAINT interactions_pkey PRIMARY KEY (id);

--
-- Name: messages messages_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.messages
    ADD CONSTRAINT messages_pkey PRIMARY KEY (id);

--
-- Name: user_preferences user_preferences_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.user_preferences
    ADD CONSTRAINT user_preferences_pkey PRIMARY KEY (user_id);

--
-- Name: user_progress user_progress_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.user_progress
    ADD CONSTRAINT user_progress_pkey PRIMARY KEY (id);

--
-- Name: user_progress user_progress_user_id_topic_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.user_progress
    ADD CONSTRAINT user_progress_user_id_topic_key UNIQUE (user_id, topic);

--
-- Name: CONSTRAINT user_progress_user_id_topic_key ON user_progress; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON CONSTRAINT user_progress_user_id_topic_key ON public.user_progress IS 'One row each; its index serves searches by user, too.';

--
-- Name: user_sessions user_sessions_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.user_sessions
    ADD CONSTRAINT user_sessions_pkey PRIMARY KEY (id);

--
-- Name: user_sessions user_sessions_token_hash_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.user_sessions
    ADD CONSTRAINT user_sessions_token_hash_key UNIQUE (token_hash);

--
-- Name: users users_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (id);

--
-- Name: agent_calls_agent_created_at_id_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX agent_calls_agent_created_at_id_idx ON public.agent_calls USING btree (agent, created_at, id);

--
-- Name: agent_calls_interaction_id_created_at_id_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX agent_calls_interaction_id_created_at_id_idx ON public.agent_calls USING btree (interaction_id, created_at, id);

--
-- Name: agent_calls_message_id_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX agent_calls_message_id_idx ON public.agent_calls USING btree (message_id);

--
-- Name: agent_calls_parameters_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX agent_calls_parameters_idx ON public.agent_calls USING gin (parameters jsonb_path_ops);

--
-- Name: agent_calls_running_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX agent_calls_running_idx ON public.agent_calls USING btree (created_at) WHERE (status = 'running'::text);

--
-- Name: INDEX agent_calls_running_idx; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON INDEX public.agent_calls_running_idx IS 'Calls that began and did not end, oldest first; it stays small.';

--
-- Name: file_uploads_interaction_id_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX file_uploads_interaction_id_idx ON public.file_uploads USING btree (interaction_id);

--
-- Name: file_uploads_metadata_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX file_uploads_metadata_idx ON public.file_uploads USING gin (metadata jsonb_path_ops);

--
-- Name: file_uploads_sha256_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX file_uploads_sha256_idx ON public.file_uploads USING btree (sha256);

--
-- Name: INDEX file_uploads_sha256_idx; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON INDEX public.file_uploads_sha256_idx IS 'Finds a file that was uploaded before.';

--
-- Name: file_uploads_user_id_created_at_id_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX file_uploads_user_id_created_at_id_idx ON public.file_uploads USING btree (user_id, created_at, id);

--
-- Name: interactions_created_at_id_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX interactions_created_at_id_idx ON public.interactions USING btree (created_at, id);

--
-- Name: interactions_metadata_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX interactions_metadata_idx ON public.interactions USING gin (metadata jsonb_path_ops);

--
-- Name: interactions_session_id_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX interactions_session_id_idx ON public.interactions USING btree (session_id);

--
-- Name: interactions_user_id_created_at_id_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX interactions_user_id_created_at_id_idx ON public.interactions USING btree (user_id, created_at, id);

--
-- Name: INDEX interactions_user_id_created_at_id_idx; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON INDEX public.interactions_user_id_created_at_id_idx IS 'The history of one user by pages: after the last (created_at, id).';

--
-- Name: messages_interaction_id_created_at_id_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX messages_interaction_id_created_at_id_idx ON public.messages USING btree (interaction_id, created_at, id);

--
-- Name: messages_metadata_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX messages_metadata_idx ON public.messages USING gin (metadata jsonb_path_ops);

--
-- Name: messages_user_id_created_at_id_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX messages_user_id_created_at_id_idx ON public.messages USING btree (user_id, created_at, id);

--
-- Name: user_preferences_preferences_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX user_preferences_preferences_idx ON public.user_preferences USING gin (preferences);

--
-- Name: INDEX user_preferences_preferences_idx; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON INDEX public.user_preferences_preferences_idx IS 'Of the usual operator class: who has set something at all (?) is asked as well as who has set it so (@>).';

--
-- Name: user_progress_metadata_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX user_progress_metadata_idx ON public.user_progress USING gin (metadata jsonb_path_ops);

--
-- Name: user_progress_topic_progress_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX user_progress_topic_progress_idx ON public.user_progress USING btree (topic, progress);

--
-- Name: user_sessions_expires_at_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX user_sessions_expires_at_idx ON public.user_sessions USING btree (expires_at);

--
-- Name: INDEX user_sessions_expires_at_idx; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON INDEX public.user_sessions_expires_at_idx IS 'For the job that deletes what has expired.';

--
-- Name: user_sessions_metadata_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX user_sessions_metadata_idx ON public.user_sessions USING gin (metadata jsonb_path_ops);

--
-- Name: user_sessions_user_id_created_at_id_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX user_sessions_user_id_created_at_id_idx ON public.user_sessions USING btree (user_id, created_at, id);

--
-- Name: users_created_at_id_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX users_created_at_id_idx ON public.users USING btree (created_at, id);

--
-- Name: INDEX users_created_at_id_idx; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON INDEX public.users_created_at_id_idx IS 'For lists by pages: the next page starts after the last (created_at, id).';

--
-- Name: users_lower_email_key; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX users_lower_email_key ON public.users USING btree (lower(email));

--
-- Name: users_metadata_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX users_metadata_idx ON public.users USING gin (metadata jsonb_path_ops);

--
-- Name: INDEX users_metadata_idx; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON INDEX public.users_metadata_idx IS 'Serves containment (@>) alone, in less room than the usual operator class.';

--
-- Name: agent_calls agent_calls_keep_timestamps; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER agent_calls_keep_timestamps BEFORE UPDATE ON public.agent_calls FOR EACH ROW EXECUTE FUNCTION public.keep_row_timestamps();

--
-- Name: file_uploads file_uploads_keep_timestamps; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER file_uploads_keep_timestamps BEFORE UPDATE ON public.file_uploads FOR EACH ROW EXECUTE FUNCTION public.keep_row_timestamps();

--
-- Name: interactions interactions_keep_timestamps; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER interactions_keep_timestamps BEFORE UPDATE ON public.interactions FOR EACH ROW EXECUTE FUNCTION public.keep_row_timestamps();

--
-- Name: messages messages_keep_timestamps; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER messages_keep_timestamps BEFORE UPDATE ON public.messages FOR EACH ROW EXECUTE FUNCTION public.keep_row_timestamps();

--
-- Name: user_preferences user_preferences_keep_timestamps; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER user_preferences_keep_timestamps BEFORE UPDATE ON public.user_preferences FOR EACH ROW EXECUTE FUNCTION public.keep_row_timestamps();

--
-- Name: user_progress user_progress_keep_timestamps; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER user_progress_keep_timestamps BEFORE UPDATE ON public.user_progress FOR EACH ROW EXECUTE FUNCTION public.keep_row_timestamps();

--
-- Name: user_sessions user_sessions_keep_timestamps; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER user_sessions_keep_timestamps BEFORE UPDATE ON public.user_sessions FOR EACH ROW EXECUTE FUNCTION public.keep_row_timestamps();

--
-- Name: users users_keep_timestamps; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER users_keep_timestamps BEFORE UPDATE ON public.users FOR EACH ROW EXECUTE FUNCTION public.keep_row_timestamps();

--
-- Name: agent_calls agent_calls_interaction_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.agent_calls
    ADD CONSTRAINT agent_calls_interaction_id_fkey FOREIGN KEY (interaction_id) REFERENCES public.interactions(id) ON DELETE CASCADE;

--
-- Name: agent_calls agent_calls_message_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.agent_calls
    ADD CONSTRAINT agent_calls_message_id_fkey FOREIGN KEY (message_id) REFERENCES public.messages(id) ON DELETE SET NULL;

--
-- Name: file_uploads file_uploads_interaction_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.file_uploads
    ADD CONSTRAINT file_uploads_interaction_id_fkey FOREIGN KEY (interaction_id) REFERENCES public.interactions(id) ON DELETE SET NULL;

--
-- Name: file_uploads file_uploads_user_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.file_uploads
    ADD CONSTRAINT file_uploads_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE SET NULL;

--
-- Name: interactions interactions_session_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.interactions
    ADD CONSTRAINT interactions_session_id_fkey FOREIGN KEY (session_id) REFERENCES public.user_sessions(id) ON DELETE SET NULL;

--
-- Name: interactions interactions_user_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.interactions
    ADD CONSTRAINT interactions_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE SET NULL;

--
-- Name: messages messages_interaction_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.messages
    ADD CONSTRAINT messages_interaction_id_fkey FOREIGN KEY (interaction_id) REFERENCES public.interactions(id) ON DELETE CASCADE;

--
-- Name: messages messages_user_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.messages
    ADD CONSTRAINT messages_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

--
-- Name: user_preferences user_preferences_user_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.user_preferences
    ADD CONSTRAINT user_preferences_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

--
-- Name: user_progress user_progress_user_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.user_progress
    ADD CONSTRAINT user_progress_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

--
-- Name: user_sessions user_sessions_user_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.user_sessions
    ADD CONSTRAINT user_sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;
