"""Write down the defaults of every method with its version: ``python -m tests.conformance.record_defaults``."""

import json

from neuroloom.methods import registry
from tests.conformance.test_defaults import RECORD, current

found = {m.key: current(m.key) for m in registry().values() if m.room != "other"}
RECORD.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")
print(f"wrote {RECORD}")
