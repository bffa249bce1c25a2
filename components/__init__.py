"""The custom TFX components."""
