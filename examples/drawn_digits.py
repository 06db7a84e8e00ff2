"""Handwritten digits that nobody wrote: a variational autoencoder and flow matching learn them and draw new ones.

python examples/drawn_digits.py [PICTURE.png] [EPOCHS]
"""

import sys

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits

from neuroloom.nets import VAE, CNNFeatures, FlowMatching, frechet_distance, precision_recall
from neuroloom.nets.sample_plots import plot_codes, plot_reconstructions, plot_samples

picture = sys.argv[1] if len(sys.argv) > 1 else "digits.png"
epochs = int(sys.argv[2]) if len(sys.argv) > 2 else 100

digits = load_digits()
X, y = digits.images[:, None] / 16, digits.target
here, there = slice(0, 900), slice(900, None)

plane = VAE(2, form="dense", normalize="none", epochs=epochs, random_state=0).fit(X[here])
vae = VAE(16, form="dense", normalize="none", epochs=epochs, random_state=0).fit(X[here])
flow = FlowMatching(batch_size=64, epochs=3 * epochs, random_state=0).fit(X[here])

seen = CNNFeatures((16, 32), 1, epochs=20, random_state=0).fit(
    X[here], y[here]
)  # our own net for the measures
print("drawn by        precision  recall  Fréchet distance")
for name, drawn in (("nobody: real", X[here]), ("VAE", vae.sample(900)), ("flow matching", flow.sample(900))):
    p, r = precision_recall(seen.transform(X[there]), seen.transform(drawn))
    print(f"{name:15} {p:9.2f} {r:7.2f} {frechet_distance(X[there], drawn, seen):17.1f}")

fig = plt.figure(figsize=(11, 6.4), layout="constrained")
left, right = fig.subfigures(1, 2, width_ratios=(1, 1.1))
a, b, c = left.subplots(3, 1, height_ratios=(1, 1.6, 1.6))
plot_reconstructions(vae, X[there][:12], a, limits=(0, 1))
a.set_title("above given, below what 16 numbers keep", fontsize=10)
plot_samples(vae.sample(48), b, columns=12, limits=(0, 1))
b.set_title("drawn by the variational autoencoder", fontsize=10)
plot_samples(flow.sample(48), c, columns=12, limits=(0, 1))
c.set_title("drawn by flow matching", fontsize=10)
plot_codes(plane.transform(X[there]), y[there], right.subplots())
right.suptitle("unseen digits as two numbers, learned without labels", fontsize=10)
fig.savefig(picture, dpi=110)
print(f"pictures: {picture}")
