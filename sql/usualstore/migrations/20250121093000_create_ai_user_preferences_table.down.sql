-- Removes the settings of the assistant.
DROP TABLE ai_user_preferences;
