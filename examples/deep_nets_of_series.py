"""Three deep nets of heart beats, what one is made of, what another attends to, and a third on a stream.

python examples/deep_nets_of_series.py [PICTURE.png] [EPOCHS]
"""

import sys

import matplotlib.pyplot as plt
import numpy as np

from neuroloom.nets import CNNClassifier, GRUClassifier, TransformerClassifier, summary
from neuroloom.tasks import open_task

picture = sys.argv[1] if len(sys.argv) > 1 else "attention.png"
epochs = int(sys.argv[2]) if len(sys.argv) > 2 else 40

task = open_task("ecg")
data = task.load(0)
split = task.split(data, 0, 0, 5)
X, y, X_test, y_test = data.X[split.train], data.y[split.train], data.X[split.test], data.y[split.test]

cnn = CNNClassifier((16, 32), epochs=epochs, random_state=0).fit(X, y)
print(f"CNN: accuracy {cnn.score(X_test, y_test):.2f}\n{summary(cnn).to_string(index=False)}\n")

gru = GRUClassifier(32, pooling="mean-max", learning_rate=0.01, epochs=2 * epochs, random_state=0).fit(X, y)
stream = gru.stream()
beats = [stream.push(X_test[0][:, at : at + 10]) for at in range(0, X_test.shape[2], 10)]
said = gru.classes_[np.concatenate(beats).argmax(1)]
print(f"GRU: accuracy {gru.score(X_test, y_test):.2f}; on a stream of one beat, part by part:")
print("  " + " ".join(str(said[at]) for at in range(9, len(said), 10)) + f", which is {y_test[0]}\n")

former = TransformerClassifier(32, 4, 2, patch=4, epochs=2 * epochs, random_state=0).fit(X, y)
seen = former.attention(X_test)[-1].mean(
    axis=(1, 2)
)  # of the last layer, over heads and the patches that look
print(f"Transformer: accuracy {former.score(X_test, y_test):.2f}; its attention is in {picture}")

fig, axes = plt.subplots(
    len(former.classes_), 1, figsize=(8, 2 * len(former.classes_)), layout="constrained", sharex=True
)
for ax, label in zip(axes, former.classes_, strict=True):
    row = int(np.flatnonzero(y_test == label)[0])
    ax.imshow(
        seen[row][None], aspect="auto", cmap="Oranges", extent=(0, X.shape[2], *ax.get_ylim()), alpha=0.8
    )
    ax.set(ylabel=str(label), yticks=[], ylim=(X_test[row, 0].min() - 0.2, X_test[row, 0].max() + 0.2))
    ax.images[0].set_extent((0, X.shape[2], *ax.get_ylim()))
    ax.plot(X_test[row, 0], color="#333", linewidth=1.2)
axes[0].set_title("What the Transformer attends to (darker: more)")
axes[-1].set_xlabel("step")
fig.savefig(picture, dpi=110)
