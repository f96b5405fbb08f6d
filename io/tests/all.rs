//! Tests of the package from outside, in one binary.

mod beside_etcd;
mod connections;
mod differential;
mod etcd_feeds;
mod etcd_operations;
mod etcd_server;
mod http2;
mod in_process;
mod kubelet_streams;
mod recording;
mod serving;
mod store_kill;
