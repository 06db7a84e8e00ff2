"""Evolve a network that balances a pole, and watch it: python examples/cartpole.py"""

import gymnasium
import numpy as np

from neuroloom.core import EnvSet
from neuroloom.evolve import NEATPolicy

train = EnvSet("CartPole-v1", np.arange(50))
policy = NEATPolicy(population=100, generations=50, early_stopping=True, random_state=0).fit(train)
print(policy.best_genome_, f"after {len(policy.history_)} generations")

returns = policy.predict(EnvSet("CartPole-v1", np.arange(1000, 1100)))
print(f"100 new starts: mean return {returns.mean():.1f}, worst {returns.min():.0f} (500 is the most)")

env = gymnasium.make("CartPole-v1")
observation, _ = env.reset(seed=1000)
for step in range(200):
    observation, *_ = env.step(policy.act(observation[None])[0])
    if step % 20 == 0:
        place, lean = round(float(observation[0]) * 12), "/" if observation[2] > 0 else "\\"
        print(f"{step:4d} |" + " " * (30 + place) + lean)
