"""Which machines and accelerators fit together: Vertex AI's published tables for custom training.

Only what the API would refuse after minutes is refused here at once; a machine type that is not in
the tables below is left to the API.
"""

from __future__ import annotations

# GPUs that are attached to an N1 machine, and how many of them.
_ON_N1 = {
    "NVIDIA_TESLA_P4": (1, 2, 4),
    "NVIDIA_TESLA_P100": (1, 2, 4),
    "NVIDIA_TESLA_T4": (1, 2, 4),
    "NVIDIA_TESLA_V100": (1, 2, 4, 8),
}
# Machines that are made with their GPUs: by prefix the GPU, by name how many.
_BUILT_IN = {
    "a2-highgpu-": "NVIDIA_TESLA_A100",
    "a2-megagpu-": "NVIDIA_TESLA_A100",
    "a2-ultragpu-": "NVIDIA_A100_80GB",
    "a3-highgpu-": "NVIDIA_H100_80GB",
    "a3-megagpu-": "NVIDIA_H100_MEGA_80GB",
    "a3-ultragpu-": "NVIDIA_H200_141GB",
    "g2-standard-": "NVIDIA_L4",
}
_L4_BY_VCPUS = {4: 1, 8: 1, 12: 1, 16: 1, 24: 2, 32: 1, 48: 4, 96: 8}
# TPU v2 and v3: a host of eight cores.
CLOUD_TPU = "cloud-tpu"
_ON_CLOUD_TPU = {"TPU_V2": 8, "TPU_V3": 8}
# TPU v5e: the chips of one host are part of the machine type, and the topology follows from it.
_V5E_TOPOLOGY = {
    "ct5lp-hightpu-1t": "1x1",
    "ct5lp-hightpu-4t": "2x2",
    "ct5lp-hightpu-8t": "2x4",
}
ACCELERATORS = tuple(sorted({*_ON_N1, *_BUILT_IN.values(), *_ON_CLOUD_TPU}))


def tpu_topology(machine_type: str) -> str:
    """Returns the topology of a TPU v5e host, or nothing for any other machine."""
    return _V5E_TOPOLOGY.get(machine_type, "")


def is_tpu(machine_type: str) -> bool:
    """Returns whether the machine is the host of a TPU."""
    return machine_type == CLOUD_TPU or machine_type.startswith("ct")


def misfit(machine_type: str, accelerator_type: str, count: int) -> str | None:
    """Returns why a machine cannot have these accelerators, or None where it can."""
    if accelerator_type and accelerator_type not in ACCELERATORS:
        return f"accelerator_type must be one of {', '.join(ACCELERATORS)}, got {accelerator_type}"
    if bool(accelerator_type) != bool(count):
        return f"accelerator_count must be {'1 or more' if accelerator_type else '0'}, got {count}"
    if machine_type.startswith("ct5lp-"):
        return _v5e_misfit(machine_type, accelerator_type)
    if machine_type == CLOUD_TPU or accelerator_type in _ON_CLOUD_TPU:
        return _cloud_tpu_misfit(machine_type, accelerator_type, count)
    for prefix, built_in in _BUILT_IN.items():
        if machine_type.startswith(prefix):
            return _built_in_misfit(machine_type, accelerator_type, count, built_in)
    if not accelerator_type:
        return None
    if accelerator_type not in _ON_N1:
        families = " or ".join(f"{p}*" for p, gpu in _BUILT_IN.items() if gpu == accelerator_type)
        return f"{accelerator_type} needs a machine type {families}, got {machine_type}"
    if not machine_type.startswith("n1-"):
        return f"{accelerator_type} needs a machine type n1-*, got {machine_type}"
    if count not in (counts := _ON_N1[accelerator_type]):
        return f"accelerator_count of {accelerator_type} must be in {counts}, got {count}"
    return None


def _v5e_misfit(machine_type: str, accelerator_type: str) -> str | None:
    if machine_type not in _V5E_TOPOLOGY:
        return f"machine_type must be one of {', '.join(_V5E_TOPOLOGY)}, got {machine_type}"
    if accelerator_type:
        return f"{machine_type} has its TPU v5e built in: leave accelerator_type out"
    return None


def _cloud_tpu_misfit(machine_type: str, accelerator_type: str, count: int) -> str | None:
    if machine_type != CLOUD_TPU:
        return f"{accelerator_type} needs the machine type {CLOUD_TPU}, got {machine_type}"
    if accelerator_type not in _ON_CLOUD_TPU:
        return f"{CLOUD_TPU} needs accelerator_type TPU_V2 or TPU_V3, got {accelerator_type!r}"
    if count != _ON_CLOUD_TPU[accelerator_type]:
        return (
            f"accelerator_count of {accelerator_type} must be 8, the cores of one host, got {count}"
        )
    return None


def _built_in_misfit(
    machine_type: str, accelerator_type: str, count: int, built_in: str
) -> str | None:
    if accelerator_type != built_in:
        return f"{machine_type} needs accelerator_type {built_in}, got {accelerator_type!r}"
    size = machine_type.rpartition("-")[2].removesuffix("g")
    if not size.isdecimal():
        return None
    number = int(size)
    expected = _L4_BY_VCPUS.get(number) if built_in == "NVIDIA_L4" else number
    if expected and count != expected:
        return f"accelerator_count of {machine_type} must be {expected}, got {count}"
    return None
