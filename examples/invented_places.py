"""A character RNN learns the places that time zones are named after, and invents some at three temperatures.

python examples/invented_places.py [EPOCHS]
"""

import re
import sys
import zoneinfo

import numpy as np

from neuroloom.core.tokens import Alphabet
from neuroloom.nets import GRUTokenClassifier

epochs = int(sys.argv[1]) if len(sys.argv) > 1 else 25
LONGEST = 14  # letters

zones = {zone.split("/")[-1].replace("_", " ") for zone in zoneinfo.available_timezones() if "/" in zone}
places = sorted(place.lower() for place in zones if re.fullmatch("[A-Za-z ]{4,13}", place))
letters = Alphabet([*places, "^$"])  # begin and end

# After each beginning of a name comes a letter: that is what the network learns.
begun = [f"^{place}$"[:i] for place in places for i in range(1, len(place) + 2)]
after = [f"^{place}$"[i] for place in places for i in range(1, len(place) + 2)]
net = GRUTokenClassifier(
    96,
    embedding=24,
    pooling="last",
    dropout=0.2,
    token_dropout=0.0,
    batch_size=64,
    epochs=epochs,
    random_state=0,
)
net.fit(letters.encode([*begun, "^" * (LONGEST + 1)]), np.array([*after, "$"]))
print(f"{len(places)} places, {len(begun)} letters; loss {net.history_[0]['loss']:.2f} at first, "
      f"{net.history_[-1]['loss']:.2f} in the end")  # fmt: skip


def invented(count: int, temperature: float, draws: np.random.Generator) -> list[str]:
    """Write letter by letter: probabilities to the power of 1 / temperature, so that a low one plays safe."""
    names = ["^"] * count
    for _ in range(LONGEST - 1):
        p = net.predict_proba(letters.encode(names)) ** (1 / temperature)
        p = (p / p.sum(1, keepdims=True)).cumsum(1)
        chosen = net.classes_[(p < draws.random((count, 1))).sum(1).clip(max=len(net.classes_) - 1)]
        names = [name if "$" in name else name + letter for name, letter in zip(names, chosen, strict=True)]
    return [name.strip("^$").title() for name in names]


for temperature in (0.5, 1.0, 1.5):
    made = invented(12, temperature, np.random.default_rng(1))
    known = sum(name.lower() in places for name in made)
    print(f"temperature {temperature}: {', '.join(made)} ({known} are real)")
