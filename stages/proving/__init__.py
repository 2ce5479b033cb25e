"""Rows that prove themselves before anything is learnt from them.

    outcome.py   what becomes of a row
    proof.py     what is asked of a row, and what follows from the verdicts
    ledger.py    what became of the rows of an input, kept beside it: nothing is proved twice
    refusals.py  how many rows of a source were refused, and when that is too many
    proved.py    which rows were proved how, so that RL need not ask again

docs/proved_rows.md has the policy and the measured numbers.
"""
