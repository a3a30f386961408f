-- Removes the catalogue.
DROP TABLE widgets;
