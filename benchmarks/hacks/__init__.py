"""Policies that never compute, for each verifier: what RL would find if it were paid for.

A module has the verifier's name and `answers(question, reference, metadata)`, one answer for each
of its policies, always in the same order. No policy looks at the reference for the right answer.
"""
