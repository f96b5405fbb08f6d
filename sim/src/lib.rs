//! Drives the core against a fake etcd, and replays what a production server was given.

pub mod driver;
pub mod etcd;
pub mod replay;
