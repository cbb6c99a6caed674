"""A stream whose replica dies goes on at another one, from the text that the client has.

transcript.py keeps what the client was sent, said.py reads it, request.py asks for the rest, rejoin.py makes
the rest look as if it had come from the first replica.
"""
