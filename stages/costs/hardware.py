"""A machine as `r1 plan --cost` sees it: what its devices can do, what is reached of that, a price.

The numbers are `hardware` of the composed config (conf/hardware) with those of `hardware.file` over
them. Units stand in the keys: TFLOP/s, GB (1e9 bytes), GB/s, seconds. What cannot be is refused
with its key and its file.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import ConfigDict, Field, FiniteFloat, TypeAdapter, ValidationError

from pipeline.errors import UsageError

SECTION = "hardware"
FILE = "file"  # the key that names a file of one's own
GB = 1e9
Amount = Annotated[FiniteFloat, Field(gt=0)]
Cost = Annotated[FiniteFloat, Field(ge=0)]
Share = Annotated[FiniteFloat, Field(gt=0, le=1)]
Count = Annotated[int, Field(ge=1)]
STRICT = ConfigDict(extra="forbid")
#: Seconds in which an accelerator reads all of its memory, at least and at most. Those of the last
#: ten years take 0.02 to 0.08; TB/s in the place of GB/s would make it 20.
READS_ALL = (0.005, 0.5)
#: FLOPs for each byte that it reads meanwhile: 35 to 400; FLOP/s in the place of TFLOP/s, 1e14.
MATHS_A_BYTE = (10, 5000)
_PLAIN = "cpu"  # how a device that is no accelerator begins


@dataclass(frozen=True)
class Device:
    """A GPU, or a core of a CPU. tflops: dense peak by dtype. link_gb_s: to its neighbour, one way.

    matches: how nvidia-smi's name of it begins, after the maker's.
    """

    __pydantic_config__ = STRICT
    name: str
    tflops: Mapping[str, Amount]
    memory_gb: Amount
    bandwidth_gb_s: Amount
    link_gb_s: Amount
    matches: tuple[str, ...] = ()
    source: str = ""

    @property
    def accelerator(self) -> bool:
        return not self.name.lower().startswith(_PLAIN)

    def flops(self, dtype: str) -> float:
        """The peak in FLOP/s; of a dtype that is not listed, the slowest that is."""
        return float(self.tflops.get(dtype, min(self.tflops.values()))) * 1e12


@dataclass(frozen=True)
class Price:
    """Of one device and hour. hour None: there is no price, so there is no sum."""

    __pydantic_config__ = STRICT
    hour: Cost | None = None
    currency: str = "USD"
    source: str = ""


@dataclass(frozen=True)
class Efficiencies:
    """What a machine reaches of what it could, as measured: see conf/hardware/_machine.yaml.

    `training` is by kind of stage. Times are seconds, `rl_overhead` a factor.
    """

    __pydantic_config__ = STRICT
    training: Mapping[str, Share]
    moe: Share
    forward: Share
    bandwidth: Share
    decode_math: Share
    step_seconds: Cost
    link_seconds: Cost
    network_seconds: Cost
    sequence_tokens_s: Mapping[str, Amount]
    call_seconds: Cost
    update_seconds: Cost
    rl_overhead: Annotated[FiniteFloat, Field(ge=1)]
    start_seconds: Cost
    light_seconds: Cost
    row_seconds: Mapping[str, Cost]
    process_gb: Cost
    fragmented: Annotated[FiniteFloat, Field(ge=0, lt=1)]


@dataclass(frozen=True)
class Hardware:
    """`nodes` machines of `devices` each."""

    __pydantic_config__ = STRICT
    name: str
    devices: Count
    device: Device
    efficiencies: Efficiencies
    nodes: Count = 1
    network_gb_s: Amount = 50.0
    disk_gb: Amount | None = None
    price: Price = field(default_factory=Price)

    @property
    def total(self) -> int:
        """Devices of all machines."""
        return self.nodes * self.devices

    def to_yaml(self) -> str:
        """The text of a file that `hardware.file` reads."""
        said = dataclasses.asdict(self)
        said["device"]["matches"] = list(self.device.matches)
        own = said["efficiencies"]
        own |= {key: dict(own[key]) for key in ("training", "row_seconds", "sequence_tokens_s")}
        said["device"]["tflops"] = dict(self.device.tflops)
        return yaml.safe_dump(said, sort_keys=False, allow_unicode=True)


def of_root(root: Mapping[str, Any], choice: str = "") -> Hardware:
    """The machine of a composed config. choice: the file of conf/hardware that was chosen.

    Raises UsageError with the key and the file of what cannot be.
    """
    said = dict(root[SECTION])
    where = f"conf/{SECTION}/{choice}.yaml" if choice else f"`{SECTION}` of the configuration"
    path = said.pop(FILE, None)
    own = read_file(Path(path)) if path else {}
    if said["device"] is None and own.get("device") is None:
        from stages.costs.detect import at_hand

        given = {key: said[key] for key in ("devices",) if said[key] is not None}
        said = merged(merged(said, at_hand()), given)
    return of(merged(said, own), str(path) if path else where)


def read_file(path: Path) -> dict[str, Any]:
    """A file of hardware. Raises UsageError where there is none that can be read."""
    key = f"{SECTION}.{FILE}"
    try:
        found = yaml.safe_load(path.expanduser().read_text())
    except OSError as error:
        raise UsageError(f"{key}={path}: {error.strerror} (looked from {Path.cwd()})") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"{key}={path}: this is no YAML: {error}") from error
    if not isinstance(found, dict):
        raise UsageError(f"{key}={path}: expected keys and values as in conf/{SECTION}")
    return found


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """One mapping over another, section by section."""
    found = dict(below)
    for key, value in above.items():
        under = found.get(key)
        both = isinstance(value, Mapping) and isinstance(under, Mapping)
        found[key] = merged(under or {}, value) if both else value
    return found


def of(said: Mapping[str, Any], where: str) -> Hardware:
    """Typed, and possible. Raises one UsageError of all that is not."""
    try:
        found: Hardware = TypeAdapter(Hardware).validate_python(said)
    except ValidationError as error:
        wrong = [
            f"{'.'.join([SECTION, *map(str, one['loc'])])}: {one['msg'].lower()}, found "
            f"{_short(one['input'])}"
            for one in error.errors()
        ]
        raise UsageError(_listed(wrong, where)) from error
    if wrong := list(_implausible(found.device)):
        raise UsageError(_listed(wrong, where))
    return found


def _implausible(device: Device) -> Iterator[str]:
    """Numbers that are possible, and those of another unit."""
    if not device.accelerator:
        return
    key, seconds = f"{SECTION}.device", device.memory_gb / device.bandwidth_gb_s
    if not READS_ALL[0] <= seconds <= READS_ALL[1]:
        yield (
            f"{key}.bandwidth_gb_s: is {device.bandwidth_gb_s:g} beside memory_gb="
            f"{device.memory_gb:g}, so all memory would be read in {seconds:.2g} s, where GPUs "
            "take 0.02 to 0.08: give GB/s and GB (H100: 3350 and 80)"
        )
    for dtype, peak in device.tflops.items():
        maths = peak * 1e12 / (device.bandwidth_gb_s * GB)
        if dtype != "float32" and not MATHS_A_BYTE[0] <= maths <= MATHS_A_BYTE[1]:
            yield (
                f"{key}.tflops.{dtype}: is {peak:g}, which is {maths:.2g} FLOPs for each byte that "
                "memory gives, where GPUs have 35 to 400: give TFLOP/s (H100: 989 in bfloat16)"
            )


def _listed(wrong: list[str], where: str) -> str:
    return "\n".join([*wrong, f"(in {where}; docs/costs.md has an example)"])


def _short(value: Any) -> str:
    return repr(value) if not isinstance(value, Mapping) else f"a section of {len(value)} keys"
