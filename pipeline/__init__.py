"""The DAG and what it is configured by; runners at the top level bind it to a platform."""
