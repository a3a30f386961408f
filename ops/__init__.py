"""What people run by hand: `python -m ops GROUP COMMAND`, or `make ops ARGS="GROUP COMMAND"`. Nothing imports this package.

Modules that define commands import little, so that `--help` and a typing error answer at once; what does the work is imported
by the command that needs it.
"""
