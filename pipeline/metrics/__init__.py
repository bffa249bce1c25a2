"""TFMA metrics that TFMA does not have: a file each, beside what they share."""
