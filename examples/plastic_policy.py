"""Evolve a network whose weights change while it acts: python examples/plastic_policy.py"""

import copy

import numpy as np

from neuroloom.core import EnvSet
from neuroloom.core.reversal_bandit_env import ReversalBanditEnv
from neuroloom.evolve import NEATPolicy

# Two arms; one pays, and in the midst of an episode the other begins to. When a choice is due, what the last one
# brought is no longer to be seen, so a network that stays as it is gets half of the 40 trials at most.
BANDIT = "neuroloom/ReversalBandit-v0"
train, fresh = EnvSet(BANDIT, np.arange(200)), EnvSet(BANDIT, np.arange(1000, 1100))

policy = NEATPolicy(population=100, generations=20, plasticity="hebbian", random_state=0)
genome = policy.fit(train).best_genome_
print(genome, f"after {len(policy.history_)} generations")

still = copy.copy(policy)
still.best_genome_ = genome.frozen()
print(f"100 new episodes: mean return {policy.score(fresh):.1f} (38.5 can be had on average)")
print(f"the same weights, frozen: mean return {still.score(fresh):.1f} (20 is half)")

# one episode, step by step: what the network chose, what that paid, and the weight that moves most on the way
env, brain = ReversalBanditEnv(), genome.start()
observation, _ = env.reset(seed=1000)
chosen, paid, weights, ended = "", "", [], False
while not ended:
    outputs = brain.activate((observation - policy.mean_) / policy.scale_)
    due = observation[0] == 1
    observation, reward, ended, *_ = env.step(int(outputs.argmax()))
    if due:
        chosen += "LR"[int(outputs.argmax())]
        paid += "+" if reward else "."
        weights.append([own[0] for own in brain.weights.values()])
moves = np.array(weights)
most = np.ptp(moves, axis=0).argmax()
conn = genome.connections[most]
print("the arm that pays", "".join("LR"[arm] for arm in env.trials.pays[0].argmax(axis=1)))
print("chosen           ", chosen)
print("paid             ", paid)
print(f"weight {conn.source} -> {conn.target}:", *(f"{w:.1f}" for w in moves[::3, most]))
