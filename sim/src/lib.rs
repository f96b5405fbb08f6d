//! Drives the core against a fake etcd.
