"""What must not be in training data: repetitions, and anything of a benchmark.

    alphabet.py     classes and folding of characters
    units.py        texts as units (words, numbers, Chinese characters), hashed by the million
    whole.py        a whole text, normalised: for exact duplicates and short benchmark items
    texts.py        which texts a row holds
    benchmarks.py   the n-grams that identify benchmark items
    contamination.py  which rows share one, and with which item
    duplicates.py   exact and near duplicates
    paraphrases.py  an option: rows that say the same as an item in other words
    row_files.py    the rows of the stages on an edge, a batch at a time
    resemblance.py  how alike two samples are, from a sketch of each
    sweep.py        all rows past all rules
    report.py       hygiene.json and hygiene.md

docs/data_hygiene.md has the policy, the measured numbers and the limits.
"""
