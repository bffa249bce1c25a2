"""The pipeline on Google Cloud: compiled, checked, priced, submitted and watched."""
