"""TensorFlow functions of a signal."""
