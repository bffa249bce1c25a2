"""From files to clips with genres and splits. No TensorFlow, no TFX."""
