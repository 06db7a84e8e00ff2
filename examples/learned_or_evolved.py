"""Learned by gradient or evolved, in steps of the environment: python examples/learned_or_evolved.py [STEPS]"""

import sys

import numpy as np

from neuroloom.core import EnvSet
from neuroloom.evolve import NEATPolicy
from neuroloom.nets import PPOPolicy

steps = int(sys.argv[1]) if len(sys.argv) > 1 else 60_000
train, held = EnvSet("CartPole-v1", np.arange(50)), EnvSet("CartPole-v1", np.arange(1000, 1100))
learned = PPOPolicy(steps=steps, evaluations=12, early_stopping=True, random_state=0).fit(train)
evolved = NEATPolicy(population=60, generations=12, early_stopping=True, random_state=0).fit(train)
for name, policy in (("ppo", learned), ("neat", evolved)):
    print(f"{name}, {policy.n_parameters_} parameters:")
    for now in policy.history_:
        print(f"{now['env_steps']:10,.0f} steps  {'#' * round(now['score'] / 10):<50} {now['score']:.0f}")
    returns = policy.predict(held)
    print(f"           on 100 new starts: mean {returns.mean():.1f}, worst {returns.min():.0f}")
