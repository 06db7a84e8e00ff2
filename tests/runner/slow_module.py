"""Takes half a second and 60 MB to import."""

import time

time.sleep(0.5)
BALLAST = bytearray(b"x" * (60 * 2**20))
VALUE = 7
