"""The one export: every model leaves with the same signatures."""

from __future__ import annotations

import tensorflow as tf
import tensorflow_transform as tft

from models import audio, features
from models.family import ClipScorer
from pipeline.config import AudioConfig


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
    - `predict_wav`: `wav`, the bytes of PCM16 WAV files of any rate and channel count;
    - `transform_features`: `examples`, to `picture`, `windows`, `statistics` and `label`.

    The first two give `classes`, string [batch, n_classes], the genres, and `scores`, float32
    [batch, n_classes], which sum to 1. A model that is not servable from audio alone has no
    `predict_wav`, and its Examples need `fma_features`, too: for the scores only those.

    Args:
        directory: where to write.
        scorer: the fitted model.
        feature: the transformed feature that it takes.
        servable: whether audio alone is enough to compute that feature.
        transform_output: Transform's output, whose graph is built in.
        config: how a clip is cut.
    """
    exported = _Servable(transform_output.transform_features_layer(), scorer)
    genres = tf.constant(transform_output.vocabulary_by_name(features.GENRE_VOCABULARY))
    source = features.AUDIO if servable else features.FMA_FEATURES

    def predict(values: tf.Tensor, genre: tf.Tensor) -> dict[str, tf.Tensor]:
        packed = exported.transform({source: values, features.GENRE: genre})[feature]
        scores = scorer.clip_scores(packed)
        classes = tf.tile(genres[tf.newaxis, :], [tf.shape(scores)[0], 1])
        return {"classes": classes, "scores": scores}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def serving_default(examples: tf.Tensor) -> dict[str, tf.Tensor]:
        raw = _parse(examples, source)
        return predict(raw[source], raw[features.GENRE])

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
        transformed = exported.transform(_parse(examples, features.AUDIO, source))
        wanted = {features.PICTURE, features.WINDOWS, features.STATISTICS, features.LABEL, feature}
        return {key: transformed[key] for key in sorted(wanted)}

    signatures = {"serving_default": serving_default, "transform_features": transform_features}
    if servable:
        signatures["predict_wav"] = predict_wav
    tf.saved_model.save(exported, directory, signatures=signatures)


def _parse(examples: tf.Tensor, *needed: str) -> dict[str, tf.Tensor]:
    spec = {key: tf.io.FixedLenFeature([], tf.string) for key in needed}
    # Unknown when serving; the label is then -1.
    spec[features.GENRE] = tf.io.FixedLenFeature([], tf.string, default_value="")
    return tf.io.parse_example(examples, spec)
