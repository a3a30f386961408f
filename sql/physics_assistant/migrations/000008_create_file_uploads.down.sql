-- Removes what is known of the uploaded files; the files stay where they are, and nothing leads to them any more.
DROP TABLE file_uploads;
