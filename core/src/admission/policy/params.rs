//! The parameters of a binding.
//! k8s: staging/src/k8s.io/apiserver/pkg/admission/plugin/policy/generic/policy_dispatcher.go CollectParams

use crate::kinds::{Kind, Objects};
use crate::limits;
use crate::value::{Value, object};
use crate::world::World;
use crate::world::indexes::{ParamKind, ParamRef};
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::ControlFlow;

/// The resource of a policy's parameters.
///
/// # Errors
/// There is none of this kind.
pub(super) fn resource(world: &World, kind: &ParamKind) -> Result<Arc<Kind>, String> {
    let is_it = |held: &&Arc<Kind>| {
        held.kind == kind.kind && held.group == kind.group && held.version == kind.version
    };
    world.registry.iter().find(is_it).cloned().ok_or_else(|| {
        let ParamKind { group, version, kind, .. } = kind;
        format!("failed to find resource referenced by paramKind: '{group}/{version}, Kind={kind}'")
    })
}

/// The parameters that a binding names, in the version of the resource. `namespace` is that of the request.
///
/// # Errors
/// They cannot be told, or there are none and the binding refuses requests then.
pub(super) fn collect(
    world: &World,
    resource: &Kind,
    reference: &ParamRef,
    namespace: &str,
) -> Result<Vec<Value>, String> {
    let namespace = match (resource.namespaced(), reference.namespace.as_str()) {
        (true, "") if namespace.is_empty() => {
            return Err(
                "cannot use namespaced paramRef in policy binding that matches cluster-scoped resources"
                    .into(),
            );
        }
        (true, "") => namespace,
        (true, named) => named,
        (false, "") => "",
        (false, _) => {
            return Err("paramRef.namespace must not be provided for a cluster-scoped `paramKind`".into());
        }
    };
    let mut params = Vec::new();
    match (reference.name.as_str(), &reference.selector) {
        ("", Some(selector)) => {
            let selector = selector.as_ref().map_err(String::clone)?;
            world.visit(&resource.group, &resource.plural, namespace, &mut |found| {
                if selector.matches_labels(object::labels(found)) {
                    params.push(found.clone());
                }
                match params.len() > limits::POLICY_PARAMS {
                    true => ControlFlow::Break(()),
                    false => ControlFlow::Continue(()),
                }
            });
        }
        ("", None) => return Err("one of name or selector must be provided".into()),
        (name, None) => params.extend(world.get(&resource.group, &resource.plural, namespace, name)),
        (_, Some(_)) => return Err("paramRef.name and paramRef.selector are mutually exclusive".into()),
    }
    if params.len() > limits::POLICY_PARAMS {
        return Err(format!("more than {} params were found for policy binding", limits::POLICY_PARAMS));
    }
    if params.is_empty() && reference.denies_without {
        return Err("no params found for policy binding with `Deny` parameterNotFoundAction".into());
    }
    Ok(params.into_iter().map(|found| shown(world, resource, found)).collect())
}

/// A parameter as expressions see it. Upstream's cache of built-in kinds does not hold who manages their fields.
/// k8s: pkg/controlplane/apiserver/config.go
fn shown(world: &World, resource: &Kind, found: Value) -> Value {
    let mut found = world.registry.from_stored(resource, found);
    if !resource.is_custom() {
        found.remove_at(&["metadata", "managedFields"]);
    }
    found
}
