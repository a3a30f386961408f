-- Removes the progress of all users.
DROP TABLE user_progress;
