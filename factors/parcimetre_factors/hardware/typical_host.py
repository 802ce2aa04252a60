"""A virtual machine's estimated share of a typical host, for as long as its own host does not report."""

from __future__ import annotations

from ..explanation.term import Term, leaf, product, quotient
from ..tables.factor_set import FactorSet
from .description import Cpu, Disk, Hardware, Memory

THREADS_PER_CORE = 2
SHARE_ERROR = "share.error"


def typical_host(factors: FactorSet) -> Hardware:
    """The host that stands for an unknown one."""
    size = {name: factors.get(f"typical_host.{name}").value for name in
            ("processors", "cores", "modules", "module_gb", "disk_gb")}  # fmt: skip
    cores = int(size["cores"])
    return Hardware(
        category="server",
        cpus=(Cpu(None, int(size["processors"]), cores, cores * THREADS_PER_CORE),),
        memory=(Memory(size["module_gb"], int(size["modules"])),),
        disks=(Disk("ssd", size["disk_gb"]),),
    )


def host_share(hardware: Hardware, factors: FactorSet) -> Term:
    """Share of the typical host that a virtual machine occupies: of threads or of memory, the greater.

    At most the whole host.
    """
    host = typical_host(factors)
    ours = {"threads": _threads(hardware), "gigabytes of memory": _memory_gb(hardware)}
    theirs = {"threads": _threads(host), "gigabytes of memory": _memory_gb(host)}
    name = max(ours, key=lambda key: ours[key] / theirs[key])
    share = quotient(
        f"share of the host's {name}",
        "1",
        (
            leaf(f"{name} of the virtual machine", min(ours[name], theirs[name]), "1", "measured"),
            leaf(f"{name} of a typical host", theirs[name], "1", "policy"),
        ),
    )
    error = leaf("error of the estimate", factors.get(SHARE_ERROR).value, "1", "factor", factor=SHARE_ERROR)
    return product(
        "share of a typical host", "1", (share, error), tier="estimate",
        note="The true host does not report: a typical one stands for it.",
    )  # fmt: skip


def _threads(hardware: Hardware) -> float:
    return float(sum(cpu.units * (cpu.threads or cpu.cores or 1) for cpu in hardware.cpus) or 1)


def _memory_gb(hardware: Hardware) -> float:
    return sum(module.units * module.gb for module in hardware.memory)
