"""What keeps the repository right: generated pages and guards. Not part of the program."""
