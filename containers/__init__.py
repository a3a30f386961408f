"""Containers of one engine, Docker's or Podman's: found, looked at, started, asked. Knows nothing of Pulumi."""
