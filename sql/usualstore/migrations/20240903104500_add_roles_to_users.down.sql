-- Makes all accounts equal again; who was staff is lost.
DROP INDEX users_staff_role_idx;

ALTER TABLE users
    DROP CONSTRAINT users_role_known,
    DROP COLUMN role;
