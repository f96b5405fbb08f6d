//! Drives the core against a fake etcd.

pub mod etcd;
