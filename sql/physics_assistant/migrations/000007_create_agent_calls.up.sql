-- Which agents and MCP tools were called, with what, and what came of it.
CREATE TABLE agent_calls (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    interaction_id uuid NOT NULL,
    message_id uuid,
    agent text NOT NULL,
    tool text,
    parameters jsonb NOT NULL DEFAULT '{}',
    result jsonb,
    status text NOT NULL DEFAULT 'running',
    error text,
    finished_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT agent_calls_pkey PRIMARY KEY (id),
    CONSTRAINT agent_calls_interaction_id_fkey FOREIGN KEY (interaction_id) REFERENCES interactions (id) ON DELETE CASCADE,
    CONSTRAINT agent_calls_message_id_fkey FOREIGN KEY (message_id) REFERENCES messages (id) ON DELETE SET NULL,
    CONSTRAINT agent_calls_agent_shape CHECK (agent ~ '^[a-z][a-z0-9_-]*$' AND char_length(agent) <= 100),
    CONSTRAINT agent_calls_tool_present CHECK (tool ~ '\S' AND char_length(tool) <= 200),
    CONSTRAINT agent_calls_parameters_is_object CHECK (jsonb_typeof(parameters) = 'object'),
    CONSTRAINT agent_calls_status_known CHECK (status IN ('running', 'succeeded', 'failed', 'cancelled')),
    CONSTRAINT agent_calls_finished_at_matches_status CHECK ((status = 'running') = (finished_at IS NULL)),
    CONSTRAINT agent_calls_finished_after_creation CHECK (finished_at >= created_at),
    CONSTRAINT agent_calls_error_matches_status CHECK ((status = 'failed') = (error IS NOT NULL))
);

CREATE INDEX agent_calls_interaction_id_created_at_id_idx ON agent_calls (interaction_id, created_at, id);
CREATE INDEX agent_calls_message_id_idx ON agent_calls (message_id);
CREATE INDEX agent_calls_agent_created_at_id_idx ON agent_calls (agent, created_at, id);
CREATE INDEX agent_calls_running_idx ON agent_calls (created_at) WHERE status = 'running';
CREATE INDEX agent_calls_parameters_idx ON agent_calls USING gin (parameters jsonb_path_ops);

CREATE TRIGGER agent_calls_keep_timestamps
    BEFORE UPDATE ON agent_calls
    FOR EACH ROW EXECUTE FUNCTION keep_row_timestamps();

COMMENT ON TABLE agent_calls IS 'Calls of agents and their tools; created_at is when a call began.';
COMMENT ON COLUMN agent_calls.message_id IS 'The message that asked for it; NULL where none did, and once that is deleted.';
COMMENT ON COLUMN agent_calls.tool IS 'The MCP tool; NULL where the agent answered by itself.';
COMMENT ON COLUMN agent_calls.parameters IS 'What the tool was given, by the names of its arguments; nothing that tells who asked.';
COMMENT ON COLUMN agent_calls.finished_at IS
    'Set it with clock_timestamp(), as created_at is: now() is when the transaction began.';
COMMENT ON COLUMN agent_calls.error IS 'What went wrong, of a failed call alone.';
COMMENT ON INDEX agent_calls_running_idx IS 'Calls that began and did not end, oldest first; it stays small.';
