-- Who may do what in the back office. Existing accounts get the least: they become plain users.
ALTER TABLE users
    ADD COLUMN role text NOT NULL DEFAULT 'user',
    ADD CONSTRAINT users_role_known CHECK (role IN ('admin', 'super_admin', 'supporter', 'user'));

CREATE INDEX users_staff_role_idx ON users (role) WHERE role <> 'user';

COMMENT ON COLUMN users.role IS
    'super_admin: all, and manages admins; admin: runs the shop; supporter: answers tickets; user: no back office.';
COMMENT ON INDEX users_staff_role_idx IS 'Staff only: they are few, and plain users are never listed by role.';
