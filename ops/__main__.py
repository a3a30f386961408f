"""`python -m ops`."""

from ops.app import app

if __name__ == "__main__":
    app(prog_name="ops")
