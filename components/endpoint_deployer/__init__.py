"""Deployment of the pushed model to a Vertex AI endpoint."""
