-- Removes the sessions: everybody is signed out.
DROP TABLE user_sessions;
