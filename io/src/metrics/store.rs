//! Metrics of stores in this process. What etcd measures, it tells itself.

use super::text::MetricsWriter;
use crate::store::StoreFigures;

/// Writes the figures of the stores, each with the number of its feed.
pub(super) fn write(out: &mut MetricsWriter, stores: impl Iterator<Item = (usize, StoreFigures)>) {
    let stores: Vec<(String, StoreFigures)> =
        stores.map(|(feed, figures)| (format!("etcd-{feed}"), figures)).collect();
    if stores.is_empty() {
        return;
    }
    // As upstream labels the size of a store.
    let id = "storage_cluster_id";
    type Read = fn(&StoreFigures) -> u64;
    let numbers: [(&str, &str, &str, Read); 7] = [
        (
            "steersman_store_queue_operations",
            "gauge",
            "Operations that wait for the next batch.",
            |figures| figures.queued_operations as u64,
        ),
        (
            "steersman_store_queue_bytes",
            "gauge",
            "Bytes of keys and values that wait for the next batch.",
            |figures| figures.queued_bytes as u64,
        ),
        ("steersman_store_log_bytes", "gauge", "Bytes of the log that a start would read.", |figures| {
            figures.log_bytes
        }),
        ("steersman_store_snapshot_bytes", "gauge", "Bytes of the newest snapshot.", |figures| {
            figures.snapshot_bytes
        }),
        (
            "steersman_store_snapshot_failures_total",
            "counter",
            "Snapshots that could not be written.",
            |figures| figures.snapshots_failed,
        ),
        (
            "steersman_store_full",
            "gauge",
            "1 if the disk had no room for the last write that adds data, else 0.",
            |figures| u64::from(figures.is_full),
        ),
        (
            "steersman_store_refused_operations_total",
            "counter",
            "Operations that were refused because the disk is full.",
            |figures| figures.refused_full,
        ),
    ];
    for (name, kind, help, read) in numbers {
        out.head(name, kind, help);
        for (cluster, figures) in &stores {
            out.sample(name, &[(id, cluster)], read(figures));
        }
    }
    type Pick = fn(&StoreFigures) -> &super::histogram::Histogram;
    let histograms: [(&str, &str, Pick); 4] = [
        (
            "steersman_store_sync_duration_seconds",
            "Time that the sync of a batch took, which all its writers wait for.",
            |figures| &figures.syncs,
        ),
        ("steersman_store_batch_operations", "Operations in a batch.", |figures| &figures.batch_operations),
        ("steersman_store_batch_bytes", "Bytes that were written of a batch.", |figures| {
            &figures.batch_bytes
        }),
        (
            "steersman_store_snapshot_duration_seconds",
            "Time that it took to write a snapshot, while writes went on.",
            |figures| &figures.snapshots,
        ),
    ];
    for (name, help, pick) in histograms {
        out.head(name, "histogram", help);
        for (cluster, figures) in &stores {
            out.histogram(name, &[(id, cluster)], pick(figures));
        }
    }
}
