//! etcd's revisioned key-value machine without I/O: revisions, history, transactions, watches,
//! compaction, leases by given time.
