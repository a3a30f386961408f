-- Diagrams and problems that users upload: where each file is, and what it is. The files themselves are elsewhere.
CREATE TABLE file_uploads (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    user_id uuid,
    interaction_id uuid,
    purpose text NOT NULL,
    file_name text NOT NULL,
    media_type text NOT NULL,
    size_bytes bigint NOT NULL,
    sha256 bytea NOT NULL,
    storage_key text NOT NULL,
    status text NOT NULL DEFAULT 'uploaded',
    metadata jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT file_uploads_pkey PRIMARY KEY (id),
    CONSTRAINT file_uploads_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE SET NULL,
    CONSTRAINT file_uploads_interaction_id_fkey FOREIGN KEY (interaction_id) REFERENCES interactions (id) ON DELETE SET NULL,
    CONSTRAINT file_uploads_storage_key_key UNIQUE (storage_key),
    CONSTRAINT file_uploads_purpose_known CHECK (purpose IN ('diagram', 'problem', 'other')),
    CONSTRAINT file_uploads_file_name_shape CHECK (file_name ~ '\S' AND file_name !~ '[/\\]' AND char_length(file_name) <= 255),
    CONSTRAINT file_uploads_media_type_shape CHECK (media_type ~ '^[a-z]+/[a-z0-9.+-]+$'),
    CONSTRAINT file_uploads_size_bytes_not_negative CHECK (size_bytes >= 0),
    CONSTRAINT file_uploads_sha256_length CHECK (octet_length(sha256) = 32),
    CONSTRAINT file_uploads_storage_key_present CHECK (storage_key ~ '\S'),
    CONSTRAINT file_uploads_status_known CHECK (status IN ('uploaded', 'processed', 'rejected')),
    CONSTRAINT file_uploads_metadata_is_object CHECK (jsonb_typeof(metadata) = 'object')
);

CREATE INDEX file_uploads_user_id_created_at_id_idx ON file_uploads (user_id, created_at, id);
CREATE INDEX file_uploads_interaction_id_idx ON file_uploads (interaction_id);
CREATE INDEX file_uploads_sha256_idx ON file_uploads (sha256);
CREATE INDEX file_uploads_metadata_idx ON file_uploads USING gin (metadata jsonb_path_ops);

CREATE TRIGGER file_uploads_keep_timestamps
    BEFORE UPDATE ON file_uploads
    FOR EACH ROW EXECUTE FUNCTION keep_row_timestamps();

COMMENT ON TABLE file_uploads IS 'What is known of an uploaded file; the row is deleted after the file, never before.';
COMMENT ON COLUMN file_uploads.user_id IS
    'NULL once the account is deleted. The row stays until the file is deleted: nothing else knows where that is.';
COMMENT ON COLUMN file_uploads.file_name IS 'As the user called it, without folders; for people alone, never a path to open.';
COMMENT ON COLUMN file_uploads.storage_key IS 'Where the file is, as the program that keeps it names the place.';
COMMENT ON INDEX file_uploads_sha256_idx IS 'Finds a file that was uploaded before.';
