"""The pipeline on Google Cloud: compiled, checked, submitted and watched."""
