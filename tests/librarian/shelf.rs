//! The custom resource of the operator that is tested: a shelf with books. Its definition is made from these types.

use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

/// What is to stand on a shelf.
#[derive(CustomResource, KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[kube(
    group = "library.example.com",
    version = "v1",
    kind = "Shelf",
    plural = "shelves",
    shortname = "sh",
    namespaced,
    status = "ShelfStatus",
    printcolumn = r#"{"name":"Books","type":"integer","jsonPath":".status.books"}"#
)]
#[x_kube(validation = ("self.books.size() <= self.capacity", "more books than the shelf holds"))]
pub(crate) struct ShelfSpec {
    #[schemars(range(min = 1, max = 100))]
    pub(crate) capacity: i32,
    #[serde(default)]
    #[schemars(length(max = 100))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["title".into()]))]
    pub(crate) books: Vec<Book>,
}

/// A book, which its title tells from the others of a shelf.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Book {
    #[schemars(length(min = 1, max = 60), pattern("^[a-z]+$"))]
    pub(crate) title: String,
    #[schemars(length(max = 60))]
    pub(crate) author: String,
}

/// What the operator has found.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ShelfStatus {
    pub(crate) books: i32,
    pub(crate) observed_generation: i64,
}
