"""What the tasks of the tiny world are for."""

TRAIN = "train"  # learnt from: by the bases' corpora, by RL, by people's work
SETTLING = "settling"  # presets are settled on these, and RL is watched by some
CLAIMS = "claims"  # claims are judged on these; no setting ever read them
SPLITS = (TRAIN, SETTLING, CLAIMS)
HELD_OUT_SHARES = {SETTLING: 0.2, CLAIMS: 0.2}  # of all tasks; the rest is trained on
