"""What the dev stack costs beyond Docker, Pulumi and the migrations: `python -m benchmarks.docker`."""
