//! What is tried of the operator and its custom resource, the same on every server.

use super::controller::{self, catalogue_name};
use super::shelf::{Book, Shelf, ShelfSpec};
use super::webhook::{self, FORBIDDEN, SIZE};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::runtime::wait::{await_condition, conditions};
use kube::{Client, Error, ResourceExt};
use serde_json::json;
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// Longer than everything takes that is waited for.
const A_WHILE: Duration = Duration::from_secs(60);

/// The pause before something is asked again that takes a moment.
const PAUSE: Duration = Duration::from_millis(20);

/// Where the webhooks of the operator are.
pub(crate) struct Webhooks {
    /// Their address up to the path, `https://HOST:PORT`.
    pub(crate) base: String,
    /// Whom the server is to trust there, PEM; None where no certificate is asked for.
    pub(crate) ca_bundle: Option<ByteString>,
}

fn book(title: &str, author: &str) -> Book {
    Book { title: title.into(), author: author.into() }
}

/// Waits until a shelf is as a function says.
async fn until(shelves: &Api<Shelf>, name: &str, is_so: impl Fn(&Shelf) -> bool + Send) -> Shelf {
    let found = await_condition(shelves.clone(), name, |shelf: Option<&Shelf>| shelf.is_some_and(&is_so));
    timeout(A_WHILE, found).await.expect("in time").expect("a watch").expect("a shelf")
}

fn counted(books: i32) -> impl Fn(&Shelf) -> bool + Send {
    move |shelf| {
        let observed = shelf.status.as_ref().map(|status| (status.books, Some(status.observed_generation)));
        observed == Some((books, shelf.metadata.generation))
    }
}

/// The message of a refusal with this status code.
fn refusal(result: Result<Shelf, Error>, code: u16) -> String {
    match result {
        Err(Error::Api(status)) if status.code == code => status.message,
        other => panic!("{code} was expected: {other:?}"),
    }
}

/// Waits until the webhooks are asked, which is a moment after they were registered.
async fn until_checked(shelves: &Api<Shelf>) {
    let dry_run = PostParams { dry_run: true, ..PostParams::default() };
    let spec = ShelfSpec { capacity: 3, books: vec![book(FORBIDDEN, "nobody")] };
    let asking = async {
        while shelves.create(&dry_run, &Shelf::new("probe", spec.clone())).await.is_ok() {
            sleep(PAUSE).await;
        }
    };
    timeout(A_WHILE, asking).await.expect("in time");
}

/// Installs the definition and the webhooks, runs the operator, and has it keep two shelves until they are gone.
pub(crate) async fn visit(client: Client, namespace: &str, webhooks: &Webhooks) {
    // An operator that starts again applies its definition again.
    for _ in 0..2 {
        timeout(A_WHILE, controller::install(&client)).await.expect("in time").expect("a definition");
    }
    let registering = webhook::register(&client, &webhooks.base, webhooks.ca_bundle.as_ref());
    timeout(A_WHILE, registering).await.expect("in time").expect("configurations");
    let operator = tokio::spawn(controller::run(client.clone()));
    let shelves: Api<Shelf> = Api::namespaced(client.clone(), namespace);
    until_checked(&shelves).await;
    let catalogues: Api<ConfigMap> = Api::namespaced(client, namespace);

    let mut shelf = Shelf::new("poems", ShelfSpec { capacity: 3, books: vec![book("odes", "horace")] });
    shelves.create(&PostParams::default(), &shelf).await.expect("a shelf");
    let found = until(&shelves, "poems", counted(1)).await;
    assert_eq!(found.labels().get(SIZE).map(String::as_str), Some("small"));

    // Somebody else adds a book beside it, and may not change the one that is there.
    let added = |author: &str, title: &str| {
        let spec = json!({ "books": [{ "title": title, "author": author }] });
        Patch::Apply(json!({ "apiVersion": "library.example.com/v1", "kind": "Shelf", "spec": spec }))
    };
    let reader = PatchParams::apply("reader");
    shelves.patch("poems", &reader, &added("sappho", "fragments")).await.expect("one more book");
    let found = until(&shelves, "poems", counted(2)).await;
    assert_eq!(found.spec.books, [book("odes", "horace"), book("fragments", "sappho")]);
    let catalogue = catalogues.get(&catalogue_name("poems")).await.expect("a catalogue");
    assert_eq!(catalogue.data.expect("entries")["fragments"], "sappho");
    let conflict = refusal(shelves.patch("poems", &reader, &added("keats", "odes")).await, 409);
    assert!(conflict.contains("conflict with"), "{conflict}");

    let refused = refusal(shelves.patch("poems", &reader, &added("nobody", FORBIDDEN)).await, 400);
    let expected = "admission webhook \"shelves.library.example.com\" denied the request: a grimoire must not stand here";
    assert_eq!(refused, expected);

    shelf.metadata.name = Some("novels".into());
    shelf.spec.capacity = 0;
    let refused = refusal(shelves.create(&PostParams::default(), &shelf).await, 422);
    assert!(refused.contains("spec.capacity in body should be greater than or equal to 1"), "{refused}");
    shelf.spec = ShelfSpec { capacity: 2, books: vec![book("Emma", "austen")] };
    let refused = refusal(shelves.create(&PostParams::default(), &shelf).await, 422);
    assert!(refused.contains("spec.books[0].title in body should match '^[a-z]+$'"), "{refused}");
    shelf.spec.books[0].title = "emma".into();
    shelves.create(&PostParams::default(), &shelf).await.expect("another shelf");
    until(&shelves, "novels", counted(1)).await;

    // A status that is written by the operator alone does not change what is wanted.
    let listed = shelves.list(&ListParams::default()).await.expect("a list");
    assert_eq!(listed.items.iter().map(ResourceExt::name_any).collect::<Vec<_>>(), ["novels", "poems"]);
    for listed in listed.items {
        let uid = listed.uid().expect("a uid");
        shelves.delete(&listed.name_any(), &DeleteParams::default()).await.expect("a deletion");
        let name = listed.name_any();
        let gone = await_condition(shelves.clone(), &name, conditions::is_deleted(&uid));
        timeout(A_WHILE, gone).await.expect("in time").expect("a watch");
        let catalogue = catalogues.get_opt(&catalogue_name(&name)).await.expect("an answer");
        assert_eq!(catalogue, None, "the catalogue goes first");
    }
    operator.abort();
}
