"""What watches a training: the time left, curves, a target, a file to go on from."""

import json
import math
import time
from pathlib import Path

import h5py
import keras
import matplotlib.pyplot as plt
from IPython import get_ipython
from IPython.display import display

from resnets.atomic_files import replacing
from resnets_utils import DataError, plot_history


class Progress(keras.callbacks.Callback):
    """Print a line per epoch: losses, accuracies, and how many minutes are left.

    The first step builds TensorFlow's graph, and the first look at validation images another one.
    That happens once, so it is left out of the estimate.
    """

    def __init__(self, new_graphs: bool = True):
        """Take whether graphs are still to be built."""
        super().__init__()
        self.opening = "building the graph" if new_graphs else "first step"

    def on_train_begin(self, logs=None):
        """Start the clock."""
        self.start, self.building = time.monotonic(), 0.0
        self.steps, self.looks = 0, 0

    def on_epoch_begin(self, epoch, logs=None):
        """Open the epoch's line."""
        self.epoch = epoch
        self.name = f"\repoch {epoch + 1:2}/{self.params['epochs']}: "
        print(f"{self.name}{'' if self.steps else self.opening}", end="", flush=True)

    def on_train_batch_end(self, batch, logs=None):
        """Say how much of the epoch is done, and from the third step on what is left."""
        self.steps += 1
        if self.steps == 1:
            self.building = time.monotonic() - self.start
        steps = self.params["steps"]
        done = f"{(batch + 1) / steps:4.0%}"
        if self.steps > 2:
            epochs = self.params["epochs"] - self.epoch - 1
            done += f", {self.left(epochs * steps + steps - batch - 1)} left"
        print(f"{self.name}{done:18}", end="", flush=True)

    def on_test_batch_begin(self, batch, logs=None):
        """Start the clock of a look at validation images."""
        self.look = time.monotonic()

    def on_test_batch_end(self, batch, logs=None):
        """Note what the first one took."""
        self.looks += 1
        if self.looks == 1:
            self.building += time.monotonic() - self.look

    def on_epoch_end(self, epoch, logs=None):
        """Replace the line by the epoch's results."""
        steps = (self.params["epochs"] - epoch - 1) * self.params["steps"]
        results = [f"{name} {value:.3f}" for name, value in (logs or {}).items()]
        if self.steps > 1 or not steps:
            results.append(f"{self.left(steps)} left")
        print(f"{self.name}{', '.join(results):18}", flush=True)

    def left(self, steps: int) -> str:
        """Return the time that so many more steps will take, as minutes:seconds."""
        working = time.monotonic() - self.start - self.building
        seconds = round(working / max(self.steps - 1, 1) * steps)
        return f"{seconds // 60}:{seconds % 60:02}"


class Curves(keras.callbacks.Callback):
    """In a notebook, draw loss and accuracy while the training runs, in one place."""

    def __init__(self, earlier: dict[str, list[float]], title: str = ""):
        """Take the values of epochs before an interruption, and the plot's title."""
        super().__init__()
        self.values = {name: list(values) for name, values in earlier.items()}
        self.title, self.shown = title, None

    def on_epoch_end(self, epoch, logs=None):
        """Replace the plot by one with the new epoch."""
        for name, value in (logs or {}).items():
            self.values.setdefault(name, []).append(value)
        if get_ipython() is None:
            return  # a terminal shows the progress lines alone
        axes = plot_history(self.values, self.title)
        if self.shown is None:
            self.shown = display(axes[0].figure, display_id=True)
        else:
            self.shown.update(axes[0].figure)
        plt.close(axes[0].figure)


class StopAtTarget(keras.callbacks.Callback):
    """End the training after the first epoch whose validation accuracy reaches a target."""

    def __init__(self, target: float):
        """Take the target, 0 to 1."""
        super().__init__()
        self.target = target

    def on_epoch_end(self, epoch, logs=None):
        """Compare, and stop."""
        if logs["val_accuracy"] >= self.target:
            print(f"Target reached: {logs['val_accuracy']:.1%} on the validation images.")
            self.model.stop_training = True


class Checkpoint(keras.callbacks.Callback):
    """Keep weights, optimiser and curves in a file, so that a training can go on from there."""

    def __init__(self, path: str | Path, settings: dict):
        """Take the file's name, ending in .weights.h5, and what a later run must agree with."""
        super().__init__()
        self.path, self.settings = Path(path), settings
        self.history: dict[str, list[float]] = {}
        if not self.path.name.endswith(".weights.h5"):
            raise ValueError(f"checkpoint {self.path}: give a name that ends in .weights.h5.")

    def resume(self, model: keras.Model) -> int:
        """Load the file, if there is one; return the number of epochs that are done.

        Raises:
            DataError: The file is of another training, or can't be read.
        """
        if not self.path.exists():
            return 0
        remedy = "Delete it to begin anew, or give another name."
        try:
            with h5py.File(self.path) as file:
                kept = json.loads(file.attrs["training"])
        except (OSError, KeyError, ValueError) as error:
            raise DataError(f"{self.path} is not a checkpoint of a training. {remedy}") from error
        for name, value in self.settings.items():
            if kept["settings"].get(name) != value:
                raise DataError(
                    f"{self.path} is of another training: its {name} is "
                    f"{kept['settings'].get(name)}, this one's is {value}. {remedy}"
                )
        model.optimizer.build(model.trainable_variables)
        try:
            model.load_weights(self.path)
        except ValueError as error:
            raise DataError(f"{self.path} is of another network. {remedy}") from error
        self.history = kept["history"]
        return len(self.history["loss"])

    def on_epoch_end(self, epoch, logs=None):
        """Write the file under a temporary name and move it: there is always a whole one."""
        for name, value in logs.items():
            self.history.setdefault(name, []).append(float(value))
        variables = [*self.model.variables, *self.model.optimizer.variables]
        needed = sum(4 * math.prod(v.shape) + 4096 for v in variables)  # a table of each, too
        try:
            with replacing(self.path, needed) as new:
                self.model.save_weights(new)
                with h5py.File(new, "a") as file:
                    kept = {"settings": self.settings, "history": self.history}
                    file.attrs["training"] = json.dumps(kept)
        except (OSError, RuntimeError) as error:  # HDF5 reports a full disk as RuntimeError
            print(f"\nThe checkpoint {self.path} was not written: {error}. The training goes on.")
