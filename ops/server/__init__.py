"""The everyday commands: start, stop, status, logs, shell, reset, env, upgrade."""
