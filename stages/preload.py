"""Imported by the fork server alone: what libraries build on first use, once for all stages.

transformers' table of renamed weights takes 0.3 s of a processor to build, py3langid's model 0.8 s
to read, the word lists of English 1 s.
"""

from transformers.conversion_mapping import get_checkpoint_conversion_mapping

from stages.language import detector, lexicon

get_checkpoint_conversion_mapping("llama")  # builds the table of all architectures
detector.identifier()
lexicon.evidence("en")
