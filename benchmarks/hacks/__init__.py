"""Policies that never compute, for each verifier: what RL would find if it were paid for.

A module has the name of a verifier (`maths` of `math`) and

    answers(question, reference, metadata) -> Iterator[str]
                 one answer for each of its policies, in the same order for every row; "" where a
                 policy has nothing to say
    POLICIES     their names, where it has any
    GUESSES      those of them that only guess, as "always 1" does, where it has any

No policy looks at the reference for the right answer. `make bench-hacks` (__main__.py) tries them
on real data and prints what they are paid.
"""
