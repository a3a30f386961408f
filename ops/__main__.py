"""`python -m ops`."""

import atexit
import gc

from ops.app import app

if __name__ == "__main__":
    # What a command leaves behind goes with its process. To look for garbage in it first takes longer than many a command's work.
    atexit.register(gc.freeze)
    app(prog_name="ops")
