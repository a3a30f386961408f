-- A widget that was ever ordered cannot be deleted, so it needs another way to leave the shelves.
ALTER TABLE widgets
    ADD COLUMN archived_at timestamptz;

CREATE INDEX widgets_on_sale_name_idx ON widgets (name) WHERE archived_at IS NULL;
CREATE INDEX widgets_on_sale_inventory_level_idx ON widgets (inventory_level)
    WHERE archived_at IS NULL AND NOT is_recurring;

COMMENT ON COLUMN widgets.archived_at IS 'When it was taken off sale; NULL while it is on sale.';
COMMENT ON INDEX widgets_on_sale_inventory_level_idx IS
    'For the list of what runs out. Recurring widgets are services and have no stock.';
