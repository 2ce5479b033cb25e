"""The typed config of every kind of stage. No torch here: the plan composes these in a second.

Fields marked `placement()` say where and how fast a stage runs, never what it produces: they are
outside the fingerprint. Numbers live in `conf/`; a field without a default must be set there.
"""

from __future__ import annotations

from stages.configs.algorithms import (
    Algorithm,
    Critic,
    Probe,
    Rationalisation,
)
from stages.configs.common import (
    Lora,
    Optimizer,
    Parallel,
    Precision,
    Rollout,
    Sampling,
    Server,
    StageConfig,
    TrainingVerifiers,
    Verifiers,
    outside_file,
    placement,
)
from stages.configs.data import (
    CleanConfig,
    ConversationsConfig,
    DatasetConfig,
    Difficulty,
    Diversity,
    GeneralConfig,
    MixtureConfig,
    MixturePart,
    ProblemsConfig,
    ReasoningGymConfig,
    SelectConfig,
    Thinking,
    Trivial,
)
from stages.configs.distillation import (
    OnPolicyDistillConfig,
)
from stages.configs.evaluation import (
    EvaluateConfig,
)
from stages.configs.generative import (
    GenerativeJudge,
)
from stages.configs.health import (
    Health,
    HealthRule,
)
from stages.configs.models import (
    Corpus,
    ModelContext,
    ModelShape,
    PretrainConfig,
    PretrainedConfig,
    ServedModelConfig,
)
from stages.configs.prompts import (
    Prompt,
)
from stages.configs.reward_models import (
    Judge,
    Judging,
    PreferencesConfig,
    RewardModelConfig,
)
from stages.configs.rl import (
    Curriculum,
    DynamicSampling,
    LengthSwitch,
    RewardTerm,
    RLConfig,
    Validation,
)
from stages.configs.sampling import (
    Adaptive,
    Majority,
    ReviewedConfig,
    Rewrite,
    SampleConfig,
)
from stages.configs.sft import (
    SFTConfig,
)

__all__ = [
    "Adaptive",
    "Algorithm",
    "CleanConfig",
    "ConversationsConfig",
    "Corpus",
    "Critic",
    "Curriculum",
    "DatasetConfig",
    "Difficulty",
    "Diversity",
    "DynamicSampling",
    "EvaluateConfig",
    "GeneralConfig",
    "GenerativeJudge",
    "Health",
    "HealthRule",
    "Judge",
    "Judging",
    "LengthSwitch",
    "Lora",
    "Majority",
    "MixtureConfig",
    "MixturePart",
    "ModelContext",
    "ModelShape",
    "OnPolicyDistillConfig",
    "Optimizer",
    "Parallel",
    "Precision",
    "PreferencesConfig",
    "PretrainConfig",
    "PretrainedConfig",
    "Probe",
    "ProblemsConfig",
    "Prompt",
    "RLConfig",
    "Rationalisation",
    "ReasoningGymConfig",
    "ReviewedConfig",
    "RewardModelConfig",
    "RewardTerm",
    "Rewrite",
    "Rollout",
    "SFTConfig",
    "SampleConfig",
    "Sampling",
    "SelectConfig",
    "ServedModelConfig",
    "Server",
    "StageConfig",
    "Thinking",
    "TrainingVerifiers",
    "Trivial",
    "Validation",
    "Verifiers",
    "outside_file",
    "placement",
]
