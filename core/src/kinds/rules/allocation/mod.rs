//! What services take: addresses, which are objects, and ports, which are bits of one.

pub(super) mod address;
pub(super) mod ip_ranges;
pub(super) mod port_operation;
