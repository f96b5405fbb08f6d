//! Many watches of one collection: what it costs to tell all of them of a change.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use steersman_io::load::{Connection, Events, LoadTarget};

/// How long the last event may take to arrive.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(60);
const DELIVERY_POLL: Duration = Duration::from_millis(2);

/// Open watches, on connections that they share or not. They end when this is dropped.
pub(super) struct OpenWatches {
    readers: Vec<tokio::task::JoinHandle<()>>,
    connections: Vec<Connection>,
    arrived: Arc<AtomicUsize>,
}

impl OpenWatches {
    /// Opens so many watches, and a connection for every `streams` of them.
    pub(super) async fn open(
        target: &LoadTarget,
        path: &str,
        count: usize,
        streams: usize,
    ) -> Result<Self, String> {
        let mut watchers =
            Self { readers: Vec::with_capacity(count), connections: Vec::new(), arrived: Arc::default() };
        for number in 0..count {
            if number % streams == 0 {
                watchers.connections.push(target.connect().await?);
            }
            let connection = watchers.connections.last_mut().ok_or("no connection")?;
            let events = connection.watch(path).await?;
            watchers.readers.push(tokio::spawn(read(events, Arc::clone(&watchers.arrived))));
        }
        Ok(watchers)
    }

    /// Returns when so many events have arrived at all watchers together.
    pub(super) async fn arrived(&self, count: usize) -> Result<(), String> {
        let deadline = Instant::now() + DELIVERY_TIMEOUT;
        loop {
            let arrived = self.arrived.load(Ordering::Relaxed);
            if arrived >= count {
                return Ok(());
            }
            if Instant::now() > deadline || self.readers.iter().any(|reader| reader.is_finished()) {
                return Err(format!("{arrived} of {count} watch events arrived"));
            }
            tokio::time::sleep(DELIVERY_POLL).await;
        }
    }
}

impl Drop for OpenWatches {
    fn drop(&mut self) {
        self.readers.iter().for_each(tokio::task::JoinHandle::abort);
    }
}

/// Counts events until the watch ends.
async fn read(mut events: Events, arrived: Arc<AtomicUsize>) {
    while let Ok(Some(count)) = events.next().await {
        arrived.fetch_add(count, Ordering::Relaxed);
    }
}
