"""A heavy import: with TOY_SLOW it goes on for as long as the runner lives."""

import os
import time

RUNNER = os.getppid()

while os.environ.get("TOY_SLOW") and os.getppid() == RUNNER:
    time.sleep(0.05)
