"""The one export: every model leaves with the same three signatures."""

from __future__ import annotations

import tensorflow as tf
import tensorflow_transform as tft

from models import audio, features
from models.family import ClipScorer
from pipeline.config import AudioConfig

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
    transform_output: tft.TFTransformOutput,
    config: AudioConfig,
) -> None:
    """Writes a SavedModel that needs nothing but TensorFlow.

    Its signatures, for a batch of any size:

    - `serving_default`: `examples`, serialized raw Examples (only `audio` is needed);
    - `predict_wav`: `wav`, the bytes of PCM16 WAV files of any rate and channel count;
    - `transform_features`: `examples`, to `picture`, `windows`, `label` and `duration`, a class in
      words by which TFMA slices.

    The first two give `classes`, string [batch, n_classes], the genres, and `scores`, float32
    [batch, n_classes], which sum to 1.

    Args:
        directory: where to write.
        scorer: the fitted model.
        feature: the transformed feature that it takes.
        transform_output: Transform's output, whose graph is built in.
        config: how a clip is cut.
    """
    servable = _Servable(transform_output.transform_features_layer(), scorer)
    genres = tf.constant(transform_output.vocabulary_by_name(features.GENRE_VOCABULARY))

    def predict(pcm16: tf.Tensor, genre: tf.Tensor) -> dict[str, tf.Tensor]:
        packed = servable.transform({features.AUDIO: pcm16, features.GENRE: genre})[feature]
        scores = scorer.clip_scores(packed)
        classes = tf.tile(genres[tf.newaxis, :], [tf.shape(scores)[0], 1])
        return {"classes": classes, "scores": scores}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def serving_default(examples: tf.Tensor) -> dict[str, tf.Tensor]:
        raw = _parse(examples)
        return predict(raw[features.AUDIO], raw[features.GENRE])

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="wav")])
    def predict_wav(wav: tf.Tensor) -> dict[str, tf.Tensor]:
        pcm16 = tf.map_fn(
            lambda data: audio.encode_pcm16(audio.read_wav(data, config)),
            wav,
            parallel_iterations=1,
        )
        return predict(pcm16, tf.zeros_like(pcm16))

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def transform_features(examples: tf.Tensor) -> dict[str, tf.Tensor]:
        raw = _parse(examples)
        transformed = servable.transform(
            {key: raw[key] for key in (features.AUDIO, features.GENRE)}
        )
        wanted = (features.PICTURE, features.WINDOWS, features.LABEL)
        duration = duration_class(raw[features.DURATION_SECONDS])
        return {key: transformed[key] for key in wanted} | {features.DURATION_CLASS: duration}

    tf.saved_model.save(
        servable,
        directory,
        signatures={
            "serving_default": serving_default,
            "predict_wav": predict_wav,
            "transform_features": transform_features,
        },
    )


def duration_class(seconds: tf.Tensor) -> tf.Tensor:
    """Returns string [...], how long files of float32 [...] seconds are; below 0 is "unknown"."""
    bounds = tf.constant(_DURATION_BOUNDS_SECONDS)
    place = tf.searchsorted(bounds, tf.reshape(seconds, [-1]), side="right")
    return tf.reshape(tf.gather(tf.constant(_DURATION_CLASSES), place), tf.shape(seconds))


def _parse(examples: tf.Tensor) -> dict[str, tf.Tensor]:
    spec = {
        features.AUDIO: tf.io.FixedLenFeature([], tf.string),
        # Unknown when serving; the label is then -1.
        features.GENRE: tf.io.FixedLenFeature([], tf.string, default_value=""),
        features.DURATION_SECONDS: tf.io.FixedLenFeature([], tf.float32, default_value=-1.0),
    }
    return tf.io.parse_example(examples, spec)
