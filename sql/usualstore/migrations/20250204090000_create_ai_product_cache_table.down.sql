-- Removes the cached recommendations; the assistant works them out again.
DROP TABLE ai_product_cache;
