"""Pure: hypervisors by what the firmware that they show to their guests says."""

from __future__ import annotations

_WORDS = (
    ("vmware", "vmware"), ("virtualbox", "virtualbox"), ("innotek", "virtualbox"), ("xen", "xen"),
    ("openstack", "openstack"), ("google compute engine", "gce"), ("amazon ec2", "ec2"),
    ("parallels", "parallels"), ("bochs", "bochs"), ("bhyve", "bhyve"), ("qemu", "qemu"), ("kvm", "kvm"),
)  # fmt: skip


def is_metal(product: str | None) -> bool:
    """Whether a cloud's machine is a whole one ("c5.metal")."""
    return (product or "").lower().endswith(".metal")


def named(maker: str | None, product: str | None) -> str | None:
    """The hypervisor that maker and product name; None for hardware."""
    maker, product = (maker or "").lower(), (product or "").lower()
    if is_metal(product):
        return None
    if maker == "microsoft corporation" and product == "virtual machine":
        return "hyper-v"
    return next((name for word, name in _WORDS if word in maker or word in product), None)
