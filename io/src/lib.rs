//! Binds the core to sockets, clocks, keys and stores.

pub mod store;
