"""What a stack declares. One component, one module, one Args class; nothing here talks to a server while it is imported.

The program and the providers of its dynamic resources run for seconds, and most of that is imports. None of what these make is garbage:
looking for it each time that 700 objects were made would take a third of the time.
"""

import atexit
import gc

gc.freeze()
gc.set_threshold(50_000)
atexit.register(gc.freeze)
