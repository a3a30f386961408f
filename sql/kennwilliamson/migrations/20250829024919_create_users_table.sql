-- Accounts, with the two functions that every table of this schema uses: keys that sort by time, and kept timestamps.

-- PostgreSQL 18 has a function of its own for such keys, 15 has not. One under another name serves both, so that
-- the schema is the same on either. The body is bound when it is created: no search_path can redirect it.
-- Of a random version-4 UUID only the last 19 digits stay: 12 random bits, then the variant and 62 random bits.
-- In front come the milliseconds since 1970 in 12 digits, and the 7 of the version.
CREATE FUNCTION time_ordered_uuid() RETURNS uuid
    LANGUAGE sql
    VOLATILE
    PARALLEL SAFE
RETURN (
    pg_catalog.lpad(
        pg_catalog.to_hex(
            pg_catalog.floor(EXTRACT(EPOCH FROM pg_catalog.clock_timestamp()) * 1000)::bigint
        ),
        12,
        '0'
    )
    || '7'
    || pg_catalog.substr(pg_catalog.gen_random_uuid()::text, 16)
)::uuid;

COMMENT ON FUNCTION time_ordered_uuid() IS
    'UUID of version 7 (RFC 9562): ordered by the millisecond it was made in, random within it.';

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
    id uuid NOT NULL DEFAULT time_ordered_uuid(),
    email text NOT NULL,
    display_name text NOT NULL,
    password_hash text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT users_pkey PRIMARY KEY (id),
    CONSTRAINT users_email_shape CHECK (email ~ '^[^@\s]+@[^@\s]+\.[^@\s.]+$' AND char_length(email) <= 254),
    CONSTRAINT users_display_name_present CHECK (display_name ~ '\S' AND char_length(display_name) <= 100),
    CONSTRAINT users_password_hash_shape CHECK (password_hash ~ '^\$[a-z0-9-]+\$\S{20,}$')
);

CREATE UNIQUE INDEX users_lower_email_key ON users (lower(email));

CREATE TRIGGER users_keep_timestamps
    BEFORE UPDATE ON users
    FOR EACH ROW EXECUTE FUNCTION keep_row_timestamps();

COMMENT ON TABLE users IS 'Accounts that can sign in.';
COMMENT ON COLUMN users.email IS 'As typed by the owner; search for it with lower(email), which is unique.';
COMMENT ON COLUMN users.password_hash IS
    'Salted hash as argon2 and bcrypt print it, $scheme$...; the check refuses a clear password stored by mistake.';
