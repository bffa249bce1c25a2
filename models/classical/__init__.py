"""Models of scikit-learn, computed in TensorFlow."""
