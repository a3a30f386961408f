-- Recommendations that the assistant has worked out already: the same question again costs no call of the model.
CREATE TABLE ai_product_cache (
    cache_key bytea NOT NULL,
    position smallint NOT NULL,
    widget_id bigint NOT NULL,
    reason text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    CONSTRAINT ai_product_cache_pkey PRIMARY KEY (cache_key, position),
    CONSTRAINT ai_product_cache_cache_key_widget_id_key UNIQUE (cache_key, widget_id),
    CONSTRAINT ai_product_cache_widget_id_fkey FOREIGN KEY (widget_id) REFERENCES widgets (id) ON DELETE CASCADE,
    CONSTRAINT ai_product_cache_cache_key_length CHECK (octet_length(cache_key) = 32),
    CONSTRAINT ai_product_cache_position_positive CHECK (position > 0),
    CONSTRAINT ai_product_cache_expires_after_creation CHECK (expires_at > created_at)
);

CREATE INDEX ai_product_cache_widget_id_idx ON ai_product_cache (widget_id);
CREATE INDEX ai_product_cache_expires_at_idx ON ai_product_cache (expires_at);

COMMENT ON TABLE ai_product_cache IS 'Cached recommendations; may be emptied at any time.';
COMMENT ON COLUMN ai_product_cache.cache_key IS
    'SHA-256 of the normalised question with language and model, 32 raw bytes.';
COMMENT ON COLUMN ai_product_cache.position IS 'Place in the list of recommendations, best first, from 1.';
COMMENT ON INDEX ai_product_cache_expires_at_idx IS 'For the job that deletes what has expired.';
