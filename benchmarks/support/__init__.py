"""What several benchmarks need: processes and their CPU time, a mock engine, a client that counts chunks."""
