-- Removes the settings of users; all are back at the defaults.
DROP TABLE user_preferences;
