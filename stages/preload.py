"""Imported by the fork server alone: what libraries build on first use, once for all stages.

transformers' table of renamed weights takes 0.3 s of a processor to build, py3langid's model 0.8 s
to read.
"""

from transformers.conversion_mapping import get_checkpoint_conversion_mapping

from stages.rewards import detector

get_checkpoint_conversion_mapping("llama")  # builds the table of all architectures
detector.identifier()
