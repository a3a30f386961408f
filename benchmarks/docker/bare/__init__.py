"""A Pulumi program: the containers of the stack dev, declared with pulumi-docker and nothing else."""
