"""Policies that never compute an answer, by the verifier that they are tried on."""
