-- Removes the verdicts on the assistant.
DROP TABLE ai_feedback;
