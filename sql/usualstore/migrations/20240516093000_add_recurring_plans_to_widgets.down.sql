-- Removes subscriptions; which widgets were recurring is lost.
DROP INDEX widgets_plan_id_key;

ALTER TABLE widgets
    DROP CONSTRAINT widgets_plan_id_matches_is_recurring,
    DROP COLUMN plan_id,
    DROP COLUMN is_recurring;
