//! An operator as its author would write it with kube-rs: it keeps a catalogue (a ConfigMap) for each shelf, says in
//! the shelf's status how many books there are, and removes the catalogue before the shelf goes. It knows nothing of
//! Steersman.

use super::shelf::{Shelf, ShelfStatus};
use futures::StreamExt;
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, DeleteParams, ObjectMeta, Patch, PatchParams};
use kube::core::TypeMeta;
use kube::runtime::controller::{Action, Controller};
use kube::runtime::finalizer::{Event, finalizer};
use kube::runtime::wait::{await_condition, conditions};
use kube::runtime::watcher;
use kube::{Client, CustomResourceExt, Error, Resource, ResourceExt};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// The name under which the operator applies.
pub(crate) const MANAGER: &str = "librarian";
/// What keeps a shelf until its catalogue is gone.
const FINALIZER: &str = "library.example.com/catalogue";
/// When something has failed, it is tried again so much later.
const RETRY: Duration = Duration::from_millis(200);

type Failed = kube::runtime::finalizer::Error<Error>;

/// Applies the definition of shelves, and waits until they are served.
///
/// # Errors
/// What the server refuses.
pub(crate) async fn install(client: &Client) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
    let name = Shelf::crd_name();
    definitions.patch(name, &PatchParams::apply(MANAGER).force(), &Patch::Apply(Shelf::crd())).await?;
    await_condition(definitions, name, conditions::is_crd_established()).await?;
    Ok(())
}

/// Runs the operator, for ever.
pub(crate) async fn run(client: Client) {
    let shelves: Api<Shelf> = Api::all(client.clone());
    let catalogues: Api<ConfigMap> = Api::all(client.clone());
    let config = watcher::Config::default();
    Controller::new(shelves, config.clone())
        .owns(catalogues, config)
        .run(reconcile, |_, _: &Failed, _| Action::requeue(RETRY), Arc::new(client))
        .for_each(|_| std::future::ready(()))
        .await;
}

pub(crate) fn catalogue_name(shelf: &str) -> String {
    format!("{shelf}-catalogue")
}

async fn reconcile(shelf: Arc<Shelf>, client: Arc<Client>) -> Result<Action, Failed> {
    let namespace = shelf.namespace().unwrap_or_default();
    let shelves: Api<Shelf> = Api::namespaced(Client::clone(&client), &namespace);
    finalizer(&shelves, FINALIZER, shelf, |event| async {
        let catalogues: Api<ConfigMap> = Api::namespaced(Client::clone(&client), &namespace);
        match event {
            Event::Apply(shelf) => keep(&shelves, &catalogues, &shelf).await,
            Event::Cleanup(shelf) => clear(&catalogues, &shelf).await,
        }
    })
    .await
}

async fn keep(shelves: &Api<Shelf>, catalogues: &Api<ConfigMap>, shelf: &Shelf) -> Result<Action, Error> {
    let name = shelf.name_any();
    let books = shelf.spec.books.iter().map(|book| (book.title.clone(), book.author.clone()));
    let metadata = ObjectMeta {
        name: Some(catalogue_name(&name)),
        owner_references: shelf.controller_owner_ref(&()).map(|owner| vec![owner]),
        ..ObjectMeta::default()
    };
    let catalogue =
        ConfigMap { metadata, data: Some(books.collect::<BTreeMap<_, _>>()), ..ConfigMap::default() };
    let parameters = PatchParams::apply(MANAGER).force();
    catalogues.patch(&catalogue_name(&name), &parameters, &Patch::Apply(&catalogue)).await?;
    let status = ShelfStatus {
        books: i32::try_from(shelf.spec.books.len()).unwrap_or(i32::MAX),
        observed_generation: shelf.meta().generation.unwrap_or_default(),
    };
    let TypeMeta { api_version, kind } = TypeMeta::resource::<Shelf>();
    let patch = json!({ "apiVersion": api_version, "kind": kind, "status": status });
    shelves.patch_status(&name, &parameters, &Patch::Apply(patch)).await?;
    Ok(Action::await_change())
}

async fn clear(catalogues: &Api<ConfigMap>, shelf: &Shelf) -> Result<Action, Error> {
    match catalogues.delete(&catalogue_name(&shelf.name_any()), &DeleteParams::default()).await {
        Err(Error::Api(status)) if status.is_not_found() => {}
        other => drop(other?),
    }
    Ok(Action::await_change())
}
