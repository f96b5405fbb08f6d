//! Drives the core against a fake etcd.

pub mod driver;
pub mod etcd;
