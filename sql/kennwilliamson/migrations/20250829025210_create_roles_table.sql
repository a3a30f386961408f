-- What accounts may do: roles, and who has which. The program looks roles up by name.
CREATE TABLE roles (
    id uuid NOT NULL DEFAULT time_ordered_uuid(),
    name text NOT NULL,
    description text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT roles_pkey PRIMARY KEY (id),
    CONSTRAINT roles_name_key UNIQUE (name),
    CONSTRAINT roles_name_shape CHECK (name ~ '^[a-z][a-z0-9_]*$' AND char_length(name) <= 50)
);

CREATE TRIGGER roles_keep_timestamps
    BEFORE UPDATE ON roles
    FOR EACH ROW EXECUTE FUNCTION keep_row_timestamps();

INSERT INTO roles (name, description)
VALUES
    ('user', 'Signed-in visitor'),
    ('admin', 'Runs the site');

CREATE TABLE user_roles (
    user_id uuid NOT NULL,
    role_id uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT user_roles_pkey PRIMARY KEY (user_id, role_id),
    CONSTRAINT user_roles_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT user_roles_role_id_fkey FOREIGN KEY (role_id) REFERENCES roles (id) ON DELETE CASCADE
);

-- The primary key already serves searches by user.
CREATE INDEX user_roles_role_id_idx ON user_roles (role_id);

CREATE TRIGGER user_roles_keep_timestamps
    BEFORE UPDATE ON user_roles
    FOR EACH ROW EXECUTE FUNCTION keep_row_timestamps();

COMMENT ON TABLE roles IS 'Roles that an account can have.';
COMMENT ON COLUMN roles.name IS 'Lower-case word that the program asks for.';
COMMENT ON TABLE user_roles IS 'Who has which role. A row goes with its account, and with its role.';
COMMENT ON COLUMN user_roles.created_at IS 'When the role was given.';
