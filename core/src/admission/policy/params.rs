//! The parameters of a binding.
//! k8s: staging/src/k8s.io/apiserver/pkg/admission/plugin/policy/generic/policy_dispatcher.go CollectParams

use crate::conversion::ObjectConverter;
use crate::kinds::Kind;
use crate::limits;
use crate::value::{Value, object};
use crate::world::World;
use crate::world::cache::Entry;
use crate::world::indexes::{ParamKind, ParamRef, PolicySet};
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// The resource of a policy's parameters.
///
/// # Errors
/// There is none of this kind.
pub(super) fn resource(world: &World, kind: &ParamKind) -> Result<Arc<Kind>, String> {
    let ParamKind { group, version, kind, .. } = kind;
    world.registry.of_kind(group, version, kind).next().cloned().ok_or_else(|| {
        format!("failed to find resource referenced by paramKind: '{group}/{version}, Kind={kind}'")
    })
}

/// Whether a policy that is bound has parameters that a webhook converts: then any write may have to wait for it.
pub(crate) fn converts_params(world: &World) -> bool {
    let is_converted = |ParamKind { group, version, kind, .. }: &ParamKind| {
        world.registry.of_kind(group, version, kind).next().is_some_and(|held| held.converter.is_some())
    };
    let policies = world.indexes().policies();
    // Every step of a request asks this, and few policies have parameters: these are found first.
    let converts = |policies: &PolicySet| {
        let mut with_params = policies.with_params();
        with_params.any(|(policy, kind)| is_converted(kind) && policies.is_bound(policy))
    };
    converts(&policies.validating) || converts(&policies.mutating)
}

/// The parameters that a binding names, in the version of the resource. `namespace` is that of the request.
///
/// # Errors
/// They cannot be told, or there are none and the binding refuses requests then.
pub(super) fn collect(
    world: &World,
    converter: &dyn ObjectConverter,
    (kind, resource): (&ParamKind, &Kind),
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
    let shown = |entry: &Arc<Entry>| {
        let entry = converter.entry(entry, resource).map_err(|_| unsynced(kind))?;
        Ok::<_, String>(shown(world, resource, entry.read_value(&world.forms)))
    };
    let mut params = Vec::new();
    match (reference.name.as_str(), &reference.selector) {
        ("", Some(selector)) => {
            let selector = selector.as_ref().map_err(String::clone)?;
            for entry in world.entries_of(&resource.group, &resource.plural, namespace) {
                let found = shown(entry)?;
                if selector.matches_labels(object::labels(&found)) {
                    params.push(found);
                }
                if params.len() > limits::POLICY_PARAMS {
                    break;
                }
            }
        }
        ("", None) => return Err("one of name or selector must be provided".into()),
        (name, None) => {
            let found = world.entry_named(&resource.group, &resource.plural, namespace, name);
            params.extend(found.map(shown).transpose()?);
        }
        (_, Some(_)) => return Err("paramRef.name and paramRef.selector are mutually exclusive".into()),
    }
    if params.len() > limits::POLICY_PARAMS {
        return Err(format!("more than {} params were found for policy binding", limits::POLICY_PARAMS));
    }
    if params.is_empty() && reference.denies_without {
        return Err("no params found for policy binding with `Deny` parameterNotFoundAction".into());
    }
    Ok(params)
}

/// Upstream's cache of parameters never fills while their converter fails.
fn unsynced(kind: &ParamKind) -> String {
    let ParamKind { api_version, kind, .. } = kind;
    format!(
        "paramKind kind `&ParamKind{{APIVersion:{api_version},Kind:{kind},}}` not yet synced to use for admission"
    )
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
