//! Whether a client's object belongs where its request puts it, and what is removed from it at once.

use crate::answer::Warnings;
use crate::authorization::Target;
use crate::kinds::owners;
use crate::status::Failure;
use crate::value::{Value, object};
use alloc::format;

/// Checks that the namespace in a body is the path's, and sets it when the body has none. An object of the whole
/// cluster loses the namespace that its body gives it.
/// k8s: staging/src/k8s.io/apiserver/pkg/registry/rest/meta.go EnsureObjectNamespaceMatchesRequestNamespace
pub(in crate::job) fn place(target: &Target, value: &mut Value) -> Result<(), Failure> {
    let namespaced = target.resource().namespaced();
    let held = object::namespace(value);
    if held.is_empty() {
        if namespaced {
            object::set_namespace(value, target.namespace());
        }
        return Ok(());
    }
    if !namespaced {
        object::set_namespace(value, "");
    } else if held != target.namespace() {
        let why = "the namespace of the provided object does not match the namespace sent on the request";
        return Err(Failure::bad_request(why));
    }
    Ok(())
}

/// Checks that the name in a body is the path's.
/// k8s: staging/src/k8s.io/apiserver/pkg/endpoints/handlers/rest.go checkName
pub(in crate::job) fn check_name(target: &Target, value: &Value) -> Result<(), Failure> {
    let (name, url) = (object::name(value), target.name());
    if name == url {
        return Ok(());
    }
    if name.is_empty() {
        return Err(nameless(url));
    }
    let why = format!("the name of the object ({name}) does not match the name on the URL ({url})");
    Err(Failure::bad_request(why))
}

/// The error for an object without a name.
pub(in crate::job) fn nameless(url: &str) -> Failure {
    Failure::bad_request(format!(
        "the name of the object ({url} based on URL) was undeterminable: name must be provided"
    ))
}

/// Removes repeated owner references and adds a warning about them. For a patch this is done after the patch was
/// applied, which upstream does after mutating admission.
pub(in crate::job) fn drop_repeated_owners(value: &mut Value, of_patch: bool, warnings: &mut Warnings) {
    let repeated = owners::remove_repeated_owner_references(value);
    if !repeated.is_empty() {
        warnings.add(&owners::repeated_owner_references_warning(&repeated, of_patch));
    }
}
