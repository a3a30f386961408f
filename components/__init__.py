"""What a stack declares. One component, one module, one Args class; nothing here talks to a server while it is imported."""
