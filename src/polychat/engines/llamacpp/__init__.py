"""llama.cpp: GGUF models on CPUs and GPUs, served by its own HTTP server in a child process."""
