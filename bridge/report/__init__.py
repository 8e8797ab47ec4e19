"""The way to the job: cut, encode, send, classify, repeat."""
