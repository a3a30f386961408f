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

--
-- Name: time_ordered_uuid(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.time_ordered_uuid() RETURNS uuid
    LANGUAGE sql PARALLEL SAFE
    RETURN (((lpad(to_hex((floor((EXTRACT(epoch FROM clock_timestamp()) * (1000)::numeric)))::bigint), 12, '0'::text) || '7'::text) || substr((gen_random_uuid())::text, 16)))::uuid;

--
-- Name: FUNCTION time_ordered_uuid(); Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON FUNCTION public.time_ordered_uuid() IS 'UUID of version 7 (RFC 9562): ordered by the millisecond it was made in, random within it.';

SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: roles; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.roles (
    id uuid DEFAULT public.time_ordered_uuid() NOT NULL,
    name text NOT NULL,
    description text DEFAULT ''::text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT roles_name_shape CHECK (((name ~ '^[a-z][a-z0-9_]*$'::text) AND (char_length(name) <= 50)))
);

--
-- Name: TABLE roles; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.roles IS 'Roles that an account can have.';

--
-- Name: COLUMN roles.name; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.roles.name IS 'Lower-case word that the program asks for.';

--
-- Name: user_roles; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.user_roles (
    user_id uuid NOT NULL,
    role_id uuid NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL
);

--
-- Name: TABLE user_roles; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.user_roles IS 'Who has which role. A row goes with its account, and with its role.';

--
-- Name: COLUMN user_roles.created_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.user_roles.created_at IS 'When the role was given.';

--
-- Name: users; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.users (
    id uuid DEFAULT public.time_ordered_uuid() NOT NULL,
    email text NOT NULL,
    display_name text NOT NULL,
    password_hash text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT users_display_name_present CHECK (((display_name ~ '\S'::text) AND (char_length(display_name) <= 100))),
    CONSTRAINT users_email_shape CHECK (((email ~ '^[^@\s]+@[^@\s]+\.[^@\s.]+$'::text) AND (char_length(email) <= 254))),
    CONSTRAINT users_password_hash_shape CHECK ((password_hash ~ '^\$[a-z0-9-]+\$\S{20,}$'::text))
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

COMMENT ON COLUMN public.users.password_hash IS 'Salted hash as argon2 and bcrypt print it, $scheme$...; the check refuses a clear password stored by mistake.';

--
-- Name: roles roles_name_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.roles
    ADD CONSTRAINT roles_name_key UNIQUE (name);

--
-- Name: roles roles_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.roles
    ADD CONSTRAINT roles_pkey PRIMARY KEY (id);

--
-- Name: user_roles user_roles_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.user_roles
    ADD CONSTRAINT user_roles_pkey PRIMARY KEY (user_id, role_id);

--
-- Name: users users_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (id);

--
-- Name: user_roles_role_id_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX user_roles_role_id_idx ON public.user_roles USING btree (role_id);

--
-- Name: users_lower_email_key; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX users_lower_email_key ON public.users USING btree (lower(email));

--
-- Name: roles roles_keep_timestamps; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER roles_keep_timestamps BEFORE UPDATE ON public.roles FOR EACH ROW EXECUTE FUNCTION public.keep_row_timestamps();

--
-- Name: user_roles user_roles_keep_timestamps; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER user_roles_keep_timestamps BEFORE UPDATE ON public.user_roles FOR EACH ROW EXECUTE FUNCTION public.keep_row_timestamps();

--
-- Name: users users_keep_timestamps; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER users_keep_timestamps BEFORE UPDATE ON public.users FOR EACH ROW EXECUTE FUNCTION public.keep_row_timestamps();

--
-- Name: user_roles user_roles_role_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.user_roles
    ADD CONSTRAINT user_roles_role_id_fkey FOREIGN KEY (role_id) REFERENCES public.roles(id) ON DELETE CASCADE;

--
-- Name: user_roles user_roles_user_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.user_roles
    ADD CONSTRAINT user_roles_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;
