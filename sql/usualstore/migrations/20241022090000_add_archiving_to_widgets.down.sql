-- Puts everything back on sale; what had been archived is lost.
DROP INDEX widgets_on_sale_inventory_level_idx;
DROP INDEX widgets_on_sale_name_idx;

ALTER TABLE widgets
    DROP COLUMN archived_at;
