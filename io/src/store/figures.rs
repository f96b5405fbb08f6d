//! What a store in this process measures of itself, for metrics.

use std::time::Duration;

use crate::metrics::histogram::Histogram;

/// Upper bounds of the time of a sync, seconds: those of etcd, whose alerts fit.
/// etcd: server/storage/wal/metrics.go
static SYNC_BOUNDS: &[f64] =
    &[0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1.024, 2.048, 4.096, 8.192];
/// Upper bounds of the time that a snapshot takes, seconds.
static SNAPSHOT_BOUNDS: &[f64] = &[0.01, 0.04, 0.16, 0.64, 2.56, 10.24, 40.96, 163.84];
/// Upper bounds of how many operations are in a batch.
static OPERATIONS_BOUNDS: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1000.0];
/// Upper bounds of how many bytes of a batch are written.
static BYTES_BOUNDS: &[f64] =
    &[256.0, 1024.0, 4096.0, 16_384.0, 65_536.0, 262_144.0, 1_048_576.0, 4_194_304.0, 16_777_216.0];

/// What was measured since the start, and how it is now.
#[derive(Clone, Debug)]
pub struct StoreFigures {
    /// Operations that wait for the next batch, and the bytes of their keys and values.
    pub(crate) queued_operations: usize,
    pub(crate) queued_bytes: usize,
    /// How long the log's syncs took, one for each batch.
    pub(crate) syncs: Histogram,
    /// How many operations were in a batch, and how many bytes of it were written.
    pub(crate) batch_operations: Histogram,
    pub(crate) batch_bytes: Histogram,
    /// How long it took to write a snapshot, while writes went on.
    pub(crate) snapshots: Histogram,
    pub(crate) snapshots_failed: u64,
    pub(crate) snapshot_bytes: u64,
    /// How many bytes of batches a start would read.
    pub(crate) log_bytes: u64,
    /// Operations that were refused because the disk is full, and whether the last write found it full.
    pub(crate) refused_full: u64,
    pub(crate) is_full: bool,
}

impl StoreFigures {
    pub(super) fn new() -> Self {
        Self {
            queued_operations: 0,
            queued_bytes: 0,
            syncs: Histogram::new(SYNC_BOUNDS),
            batch_operations: Histogram::new(OPERATIONS_BOUNDS),
            batch_bytes: Histogram::new(BYTES_BOUNDS),
            snapshots: Histogram::new(SNAPSHOT_BOUNDS),
            snapshots_failed: 0,
            snapshot_bytes: 0,
            log_bytes: 0,
            refused_full: 0,
            is_full: false,
        }
    }

    /// Counts a batch that was written. `synced` is None for a store that writes no files.
    pub(super) fn count_batch(&mut self, operations: usize, bytes: usize, synced: Option<Duration>) {
        self.batch_operations.observe_number(operations);
        self.batch_bytes.observe_number(bytes);
        if let Some(took) = synced {
            self.syncs.observe(took);
        }
    }
}
