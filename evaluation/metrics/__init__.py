"""TFMA metrics that TFMA does not have, one a file."""
