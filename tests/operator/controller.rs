//! A small controller, as an operator's author might write it: it gives every ticket one receipt.
//!
//! A ticket is a ConfigMap with the label `app=ticket`. Its receipt is another ConfigMap that the ticket
//! owns; the receipt's name is noted on the ticket. The controller knows nothing but a `kube::Client`, so
//! that it runs against a cluster, against the server in process, and against a simulated cluster alike.
//! It spawns nothing and draws nothing: on one thread it does the same things in the same order.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures::{Stream, StreamExt, stream};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, ObjectMeta, Patch, PatchParams, PostParams};
use kube::runtime::reflector::{self, ObjectRef, Store};
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Client, Error, Resource, ResourceExt};
use serde_json::json;

/// The annotation of a ticket that names its receipt.
pub(crate) const RECEIPT: &str = "example.com/receipt";
/// When something failed, it is tried again so much later.
const RETRY: Duration = Duration::from_secs(1);
/// How often the hasty version asks for one receipt before it gives up for now.
const ATTEMPTS: u32 = 3;

/// Two ways to write it. They do the same as long as every reply arrives and every cache is fresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    /// Assumes that a request without an answer had no effect, and that an object which its cache does not have does
    /// not exist. Both are sometimes wrong, and the ticket then gets two receipts.
    Hasty,
    /// Derives the receipt's name from the ticket, so that the server refuses to create it twice. Only the server can
    /// know whether it exists.
    Careful,
}

struct Controller {
    config_maps: Api<ConfigMap>,
    tickets: Store<ConfigMap>,
    receipts: Store<ConfigMap>,
    version: Version,
}

/// What a watch reports, as the loop needs it: a ticket has changed, or the cache is being filled (at first, and
/// whenever the watch could not be resumed), or is complete. While it is being filled it still holds the old content,
/// so handling tickets must wait until it is complete.
enum Said {
    Look(String),
    Incomplete(&'static str),
    Complete(&'static str),
    Nothing,
}

/// Runs the controller on one namespace, for ever.
pub(crate) async fn run(client: Client, namespace: &str, version: Version) {
    let config_maps: Api<ConfigMap> = Api::namespaced(client, namespace);
    let (tickets, ticket_writer) = reflector::store();
    let (receipts, receipt_writer) = reflector::store();
    let watched = |label: &str| watcher(config_maps.clone(), watcher::Config::default().labels(label));
    let ticket_events = reflector::reflector(ticket_writer, watched("app=ticket"));
    let receipt_events = reflector::reflector(receipt_writer, watched("app=receipt"));
    let events = stream::select(
        said("tickets", ticket_events, |ticket| Some(ticket.name_any())),
        said("receipts", receipt_events, |receipt| owner(receipt).map(|(name, _)| name)),
    );
    Controller { config_maps, tickets, receipts, version }.follow(Box::pin(events)).await;
}

fn said(
    cache: &'static str,
    events: impl Stream<Item = Result<Event<ConfigMap>, watcher::Error>>,
    ticket_of: impl Fn(&ConfigMap) -> Option<String>,
) -> impl Stream<Item = Result<Said, watcher::Error>> {
    events.map(move |event| {
        event.map(|event| match event {
            Event::Apply(object) | Event::InitApply(object) | Event::Delete(object) => {
                ticket_of(&object).map_or(Said::Nothing, Said::Look)
            }
            Event::Init => Said::Incomplete(cache),
            Event::InitDone => Said::Complete(cache),
        })
    })
}

/// Name and uid of the ticket that a receipt belongs to.
pub(crate) fn owner(receipt: &ConfigMap) -> Option<(String, String)> {
    receipt.owner_references().first().map(|owner| (owner.name.clone(), owner.uid.clone()))
}

impl Controller {
    async fn follow(self, mut events: impl Stream<Item = Result<Said, watcher::Error>> + Unpin) {
        let mut due = BTreeSet::new();
        let mut incomplete = BTreeSet::from(["tickets", "receipts"]);
        loop {
            let wait_to_retry = incomplete.is_empty() && !due.is_empty();
            tokio::select! {
                biased;
                event = events.next() => match event {
                    Some(Ok(Said::Look(ticket))) => { due.insert(ticket); }
                    Some(Ok(Said::Incomplete(cache))) => { incomplete.insert(cache); }
                    Some(Ok(Said::Complete(cache))) => { incomplete.remove(cache); }
                    Some(Ok(Said::Nothing)) => {}
                    // The watch goes on by itself.
                    Some(Err(_)) => tokio::time::sleep(RETRY).await,
                    None => return,
                },
                () = tokio::time::sleep(RETRY), if wait_to_retry => {}
            }
            if !incomplete.is_empty() {
                continue;
            }
            for name in std::mem::take(&mut due) {
                if self.reconcile(&name).await.is_err() {
                    due.insert(name);
                }
            }
        }
    }

    async fn reconcile(&self, name: &str) -> Result<(), Error> {
        let namespace = self.config_maps.namespace().unwrap_or_default();
        let Some(ticket) = self.tickets.get(&ObjectRef::new(name).within(namespace)) else { return Ok(()) };
        if ticket.annotations().contains_key(RECEIPT) {
            return Ok(());
        }
        let receipt = match self.version {
            Version::Hasty => self.hasty_receipt(&ticket).await?,
            Version::Careful => self.careful_receipt(&ticket).await?,
        };
        let note = json!({ "metadata": { "annotations": { RECEIPT: receipt } } });
        match self.config_maps.patch(name, &PatchParams::default(), &Patch::Merge(note)).await {
            Err(Error::Api(status)) if status.is_not_found() => Ok(()),
            other => other.map(|_| ()),
        }
    }

    /// Looks into the cache, and asks again when there is no good answer.
    async fn hasty_receipt(&self, ticket: &ConfigMap) -> Result<String, Error> {
        let uid = ticket.uid().unwrap_or_default();
        let is_its = |receipt: &Arc<ConfigMap>| owner(receipt).is_some_and(|(_, owner)| owner == uid);
        // A cache has no order of its own: the first by name is the same one every time.
        let receipts = self.receipts.state().into_iter().filter(is_its);
        if let Some(name) = receipts.map(|receipt| receipt.name_any()).min() {
            return Ok(name);
        }
        let mut receipt = receipt_for(ticket);
        receipt.metadata.generate_name = Some("receipt-".into());
        let mut attempt = 1;
        loop {
            match self.config_maps.create(&PostParams::default(), &receipt).await {
                Ok(created) => return Ok(created.name_any()),
                Err(_) if attempt < ATTEMPTS => attempt += 1,
                Err(error) => return Err(error),
            }
        }
    }

    /// Only this ticket's receipt can have this name. If it exists already, an earlier request has created it,
    /// whether or not its answer arrived.
    async fn careful_receipt(&self, ticket: &ConfigMap) -> Result<String, Error> {
        let name = format!("receipt-{}", ticket.uid().unwrap_or_default());
        let mut receipt = receipt_for(ticket);
        receipt.metadata.name = Some(name.clone());
        match self.config_maps.create(&PostParams::default(), &receipt).await {
            Err(Error::Api(status)) if status.is_already_exists() => Ok(name),
            other => other.map(|_| name),
        }
    }
}

fn receipt_for(ticket: &ConfigMap) -> ConfigMap {
    ConfigMap {
        metadata: ObjectMeta {
            labels: Some(BTreeMap::from([("app".into(), "receipt".into())])),
            owner_references: ticket.controller_owner_ref(&()).map(|owner| vec![owner]),
            ..ObjectMeta::default()
        },
        ..ConfigMap::default()
    }
}
