"""vLLM: checkpoints on GPUs, and on CPUs with its CPU build, served by its own HTTP server.

`launch.py` is where to begin. What its answers need to be the published API's is in `dialect.py`.
"""
