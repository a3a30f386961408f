-- Removes the chats with the assistant.
DROP TABLE ai_messages;
DROP TABLE ai_conversations;
