"""Gets the Pulumi CLI onto a machine and runs it against this project's stacks.

Standard library only, except where a docstring says so: it runs before anything slow should be imported.
"""
