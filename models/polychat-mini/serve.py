"""Serve one GGUF file with llama.cpp, for `evaluate.py`.

python serve.py FILE.gguf [--port 18770]
"""

import argparse
import threading

import xllamacpp


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file")
    parser.add_argument("--port", type=int, default=18770)
    args = parser.parse_args()
    params = xllamacpp.CommonParams()
    params.model.path = args.file
    params.use_jinja = True
    params.n_ctx = 8192  # shared by four requests, 2048 each
    params.n_parallel = 4
    params.port = args.port
    params.verbosity = 0
    server = xllamacpp.Server(params)
    print(server.listening_address)
    threading.Event().wait()


if __name__ == "__main__":
    main()
