-- Subscriptions: a widget can be billed again and again, under a plan at the card processor.
-- The plan is an empty string where there is none, because the program scans it into a Go string.
ALTER TABLE widgets
    ADD COLUMN is_recurring boolean NOT NULL DEFAULT FALSE,
    ADD COLUMN plan_id text NOT NULL DEFAULT '',
    ADD CONSTRAINT widgets_plan_id_matches_is_recurring CHECK (is_recurring = (plan_id <> ''));

CREATE UNIQUE INDEX widgets_plan_id_key ON widgets (plan_id) WHERE plan_id <> '';

COMMENT ON COLUMN widgets.plan_id IS
    'Plan at the card processor: set for a recurring widget, empty for all others. A plan belongs to one widget.';
