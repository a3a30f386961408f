-- Removes the support desk with all that was written there.
DROP TABLE support_messages;
DROP TABLE support_tickets;
