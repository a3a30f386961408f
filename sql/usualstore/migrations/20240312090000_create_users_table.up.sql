-- People who sign in to the shop. Buyers without an account are customers, not users.
CREATE TABLE users (
    id bigint GENERATED ALWAYS AS IDENTITY,
    first_name text NOT NULL,
    last_name text NOT NULL,
    email text NOT NULL,
    password_hash text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT users_pkey PRIMARY KEY (id),
    CONSTRAINT users_email_key UNIQUE (email),
    CONSTRAINT users_first_name_present CHECK (first_name ~ '\S'),
    CONSTRAINT users_last_name_present CHECK (last_name ~ '\S'),
    CONSTRAINT users_password_hash_shape CHECK (password_hash ~ '^\$[a-z0-9-]+\$\S{20,}$')
);

COMMENT ON TABLE users IS 'Accounts that can sign in.';
COMMENT ON COLUMN users.password_hash IS
    'Salted hash as bcrypt and argon2 print it, $scheme$...; the check refuses a clear password stored by mistake.';
