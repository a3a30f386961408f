-- Accounts, with the function that keeps the timestamps of every table of this schema.

-- clock_timestamp() instead of now(), so that a second change in one transaction shows as well.
CREATE FUNCTION keep_row_timestamps() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = ''
AS $function$
BEGIN
    NEW.created_at := OLD.created_at;
    NEW.updated_at := pg_catalog.clock_timestamp();
    RETURN NEW;
END;
$function$;

COMMENT ON FUNCTION keep_row_timestamps() IS
    'Before an update: puts the time into updated_at and takes back any change of created_at.';

CREATE TABLE users (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    email text NOT NULL,
    display_name text NOT NULL,
    password_hash text NOT NULL,
    role text NOT NULL DEFAULT 'student',
    is_active boolean NOT NULL DEFAULT TRUE,
    last_login_at timestamptz,
    metadata jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT users_pkey PRIMARY KEY (id),
    CONSTRAINT users_email_shape CHECK (email ~ '^[^@\s]+@[^@\s]+\.[^@\s.]+$' AND char_length(email) <= 254),
    CONSTRAINT users_display_name_present CHECK (display_name ~ '\S' AND char_length(display_name) <= 100),
    CONSTRAINT users_password_hash_shape
        CHECK (password_hash ~ '^\$[a-z0-9-]+\$\S+$' AND char_length(password_hash) BETWEEN 60 AND 255),
    CONSTRAINT users_role_known CHECK (role IN ('student', 'teacher', 'admin')),
    CONSTRAINT users_metadata_is_object CHECK (jsonb_typeof(metadata) = 'object')
);

CREATE UNIQUE INDEX users_lower_email_key ON users (lower(email));
CREATE INDEX users_created_at_id_idx ON users (created_at, id);
CREATE INDEX users_metadata_idx ON users USING gin (metadata jsonb_path_ops);

CREATE TRIGGER users_keep_timestamps
    BEFORE UPDATE ON users
    FOR EACH ROW EXECUTE FUNCTION keep_row_timestamps();

COMMENT ON TABLE users IS 'Accounts that can sign in, with their profiles.';
COMMENT ON COLUMN users.email IS 'As typed by the owner; search for it with lower(email), which is unique.';
COMMENT ON COLUMN users.password_hash IS
    'Salted hash as bcrypt prints it, 60 characters; longer ones of later schemes fit, a clear password does not.';
COMMENT ON COLUMN users.is_active IS 'A closed account keeps its rows and cannot sign in.';
COMMENT ON COLUMN users.metadata IS 'Profile data that no query depends on, such as school and year.';
COMMENT ON INDEX users_created_at_id_idx IS 'For lists by pages: the next page starts after the last (created_at, id).';
COMMENT ON INDEX users_metadata_idx IS 'Serves containment (@>) alone, in less room than the usual operator class.';
