"""What the Keras networks share: from a job to a fitted scorer."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import keras
import tensorflow as tf

from models import input_fn
from models.devices import training_strategy
from models.family import Fitted, Job
from models.fitting import Stage, fit_stages
from pipeline.config import AudioConfig, TrainConfig

# What every network reads of TrainConfig.
SETTINGS = ("epochs", "batch_size", "learning_rate", "patience")


@dataclasses.dataclass(frozen=True)
class Network:
    """One kind of network.

    Attributes:
        feature: the transformed feature that it takes.
        default_batch_size: inputs a replica and step.
        build_model: the untrained network for so many classes; it gives logits.
        stages: the stages of its training, in order.
        expand: a clip's packed feature and its label as a dataset of (input, label).
        clip_scores: float32 [batch, n_classes] that sum to 1, from packed features [batch].
    """

    feature: str
    default_batch_size: int
    build_model: Callable[[int, AudioConfig, TrainConfig], keras.Model]
    stages: Callable[[TrainConfig], list[Stage]]
    expand: Callable[[tf.Tensor, tf.Tensor, AudioConfig], tf.data.Dataset]
    clip_scores: Callable[[keras.Model, tf.Tensor, AudioConfig], tf.Tensor]


class NetworkScorer(tf.Module):
    """A trained network and how a clip is scored with it."""

    def __init__(self, network: Network, model: keras.Model, audio: AudioConfig):
        super().__init__()
        self.model = model
        self._network = network
        self._audio = audio

    def clip_scores(self, packed: tf.Tensor) -> tf.Tensor:
        """Returns float32 [batch, n_classes] from packed features, string [batch]."""
        return self._network.clip_scores(self.model, packed, self._audio)


def train_network(job: Job, network: Network) -> Fitted:
    """Returns the network with the weights of its best epoch."""
    train = job.train
    keras.backend.clear_session()
    keras.utils.set_random_seed(train.seed)
    tf.config.experimental.enable_op_determinism()
    strategy = training_strategy()

    def expand(packed: tf.Tensor, label: tf.Tensor) -> tf.data.Dataset:
        return network.expand(packed, label, job.audio)

    batch_size = (train.batch_size or network.default_batch_size) * strategy.num_replicas_in_sync
    with strategy.scope():
        model = network.build_model(job.n_classes, job.audio, train)
    curves = fit_stages(
        model,
        network.stages(train),
        training=input_fn.training_batches(
            job.train_files,
            network.feature,
            expand,
            batch_size=batch_size,
            seed=train.seed,
            drop_remainder=isinstance(strategy, tf.distribute.TPUStrategy),
        ),
        validation=input_fn.evaluation_batches(
            job.eval_files, network.feature, expand, batch_size=batch_size
        ),
        strategy=strategy,
        patience=train.patience,
        checkpoint_dir=job.checkpoint_dir,
        log_dir=job.log_dir,
    )
    # A copy made here, outside of the strategy and never compiled, is what a CPU can serve and
    # what leaves the optimizer's state behind.
    servable = network.build_model(
        job.n_classes, job.audio, dataclasses.replace(train, mobilenet_weights="none")
    )
    servable.set_weights(model.get_weights())
    return Fitted(
        scorer=NetworkScorer(network, servable, job.audio),
        feature=network.feature,
        n_parameters=servable.count_params(),
        hyperparameters={"batch_size": batch_size},
        curves=curves,
    )
