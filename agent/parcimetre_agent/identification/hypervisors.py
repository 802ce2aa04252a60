"""Recognise hypervisors by the firmware that they show to their guests."""

from __future__ import annotations

_WORDS = (
    ("vmware", "vmware"), ("virtualbox", "virtualbox"), ("innotek", "virtualbox"), ("xen", "xen"),
    ("openstack", "openstack"), ("google compute engine", "gce"), ("amazon ec2", "ec2"),
    ("parallels", "parallels"), ("bochs", "bochs"), ("bhyve", "bhyve"), ("qemu", "qemu"), ("kvm", "kvm"),
)  # fmt: skip


def is_metal(product: str | None) -> bool:
    """Whether a cloud's product is a whole machine (such as "c5.metal")."""
    return (product or "").lower().endswith(".metal")


def hypervisor_name(maker: str | None, product: str | None) -> str | None:
    """Return the name of the hypervisor that the firmware's maker and product state; None for hardware."""
    maker, product = (maker or "").lower(), (product or "").lower()
    if is_metal(product):
        return None
    if maker == "microsoft corporation" and product == "virtual machine":
        return "hyper-v"
    return next((name for word, name in _WORDS if word in maker or word in product), None)
