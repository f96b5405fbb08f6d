//! Binds the core to sockets, clocks, keys and stores.
