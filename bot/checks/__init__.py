"""`faro check`: what reads well and still would mislead a resident. One file, one kind of fault; every problem with file, line and a code."""
