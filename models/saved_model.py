"""The one export: every model leaves with the same signatures."""

from __future__ import annotations

import os

import tensorflow as tf
import tensorflow_transform as tft

from common.config import to_json
from dataset.config import AUDIO_CONFIG_NAME, AudioConfig
from features import example_keys, pcm
from features.preprocessing import FEATURES
from features.wav import read_wav
from models.spec import ClipScorer, pack, parts

# FMA's own clips are 30 s, give or take some frames of MP3; its whole tracks are minutes.
_DURATION_BOUNDS_SECONDS = (0.0, 10.0, 20.0, 29.0, 31.0, 120.0, 300.0)
_DURATION_CLASSES = (
    "unknown", "under 10 s", "10 to 20 s", "20 to 29 s", "about 30 s", "31 s to 2 min",
    "2 to 5 min", "over 5 min",
)  # fmt: skip


class _Servable(tf.Module):
    """Holds on to whatever the signatures use, so that the SavedModel does."""

    def __init__(self, transform: tf.Module, scorer: ClipScorer):
        super().__init__()
        self.transform = transform
        self.scorer = scorer


def export(
    directory: str,
    *,
    scorer: ClipScorer,
    feature: str,
    servable: bool,
    transform_output: tft.TFTransformOutput,
    config: AudioConfig,
) -> None:
    """Writes a SavedModel that needs nothing but TensorFlow.

    Its signatures, for a batch of any size:

    - `serving_default`: `examples`, serialized raw Examples (only `audio` is needed);
    - `predict_wav`: `wav`, the bytes of WAV files, see `features.wav`;
    - `transform_features`: `examples`, to `label` and the features that Transform computed;
    - `evaluation_features`: `examples`, to what TFMA needs and the Example lacks: `label` and
      `duration`, a class in words by which TFMA slices.

    Its attribute `score_features` is a function from transformed features to scores. Beside it is
    `AUDIO_CONFIG_NAME`, so that who serves it decodes as ingestion did.

    The first two give `classes`, string [batch, n_classes], the genres, and `scores`, float32
    [batch, n_classes], which sum to 1. A model that is not servable from audio alone has no
    `predict_wav`, and its Examples need `fma_features`, too: for the scores only those.

    Args:
        directory: where to write.
        scorer: the fitted model.
        feature: the transformed feature that it takes, see `models.spec.pack`.
        servable: whether audio alone is enough to compute that feature.
        transform_output: Transform's output, whose graph is built in.
        config: how a clip is cut.
    """
    exported = _Servable(transform_output.transform_features_layer(), scorer)
    genres = tf.constant(transform_output.vocabulary_by_name(example_keys.GENRE_VOCABULARY))
    source = example_keys.AUDIO if servable else example_keys.FMA_FEATURES

    keys = parts(feature)
    shape = [None] if len(keys) == 1 else [None, len(keys)]
    exported.score_features = tf.function(
        scorer.clip_scores, input_signature=[tf.TensorSpec(shape, tf.string)]
    )

    def predict(values: tf.Tensor, genre: tf.Tensor) -> dict[str, tf.Tensor]:
        packed = pack(exported.transform({source: values, example_keys.GENRE: genre}), feature)
        # Batch normalisation is among what TensorFlow cannot compute for no clips at all.
        scores = tf.cond(
            tf.shape(packed)[0] > 0,
            lambda: exported.score_features(packed),
            lambda: tf.zeros([0, genres.shape[0]]),
        )
        classes = tf.tile(genres[tf.newaxis, :], [tf.shape(scores)[0], 1])
        return {"classes": classes, "scores": scores}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def serving_default(examples: tf.Tensor) -> dict[str, tf.Tensor]:
        raw = _parse(examples, source)
        return predict(raw[source], raw[example_keys.GENRE])

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="wav")])
    def predict_wav(wav: tf.Tensor) -> dict[str, tf.Tensor]:
        pcm16 = tf.map_fn(
            lambda data: pcm.encode_pcm16(read_wav(data, config)),
            wav,
            parallel_iterations=1,
        )
        return predict(pcm16, tf.zeros_like(pcm16))

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def transform_features(examples: tf.Tensor) -> dict[str, tf.Tensor]:
        transformed = exported.transform(_parse(examples, example_keys.AUDIO, source))
        wanted = {*transformed} & {*FEATURES, example_keys.LABEL, *keys}
        return {key: transformed[key] for key in sorted(wanted)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def evaluation_features(examples: tf.Tensor) -> dict[str, tf.Tensor]:
        # Not from `transform_features`, which computes every feature of every clip.
        label = exported.transform(_parse(examples))[example_keys.LABEL]
        seconds = tf.io.FixedLenFeature([], tf.float32, default_value=-1.0)
        raw = tf.io.parse_example(examples, {example_keys.DURATION_SECONDS: seconds})
        duration = duration_class(raw[example_keys.DURATION_SECONDS])
        return {example_keys.LABEL: label, example_keys.DURATION_CLASS: duration}

    signatures = {
        "serving_default": serving_default,
        "transform_features": transform_features,
        "evaluation_features": evaluation_features,
    }
    if servable:
        signatures["predict_wav"] = predict_wav
    tf.saved_model.save(exported, directory, signatures=signatures)
    path = os.path.join(directory, AUDIO_CONFIG_NAME)
    tf.io.gfile.makedirs(os.path.dirname(path))
    with tf.io.gfile.GFile(path, "w") as file:
        file.write(to_json(config))


def duration_class(seconds: tf.Tensor) -> tf.Tensor:
    """Returns string [batch], how long files of float32 [batch] seconds are; below 0 "unknown"."""
    place = tf.searchsorted(tf.constant(_DURATION_BOUNDS_SECONDS), seconds, side="right")
    return tf.gather(tf.constant(_DURATION_CLASSES), place)


def _parse(examples: tf.Tensor, *needed: str) -> dict[str, tf.Tensor]:
    spec = {key: tf.io.FixedLenFeature([], tf.string) for key in needed}
    # Unknown when serving; the label is then -1.
    spec[example_keys.GENRE] = tf.io.FixedLenFeature([], tf.string, default_value="")
    return tf.io.parse_example(examples, spec)
