//! What expressions of policies and match conditions can name.
//! k8s: staging/src/k8s.io/apiserver/pkg/admission/plugin/cel/compile.go BuildRequestType, BuildNamespaceType,
//! createEnvForOpts

use crate::cel::{CelType, Env};
use alloc::boxed::Box;
use once_cell::race::OnceBox;

/// Which names an expression has beside those that all have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Declared {
    /// The object that a binding names.
    pub params: bool,
    /// What the caller may do.
    pub authorizer: bool,
    /// The types of objects and patches that a mutation makes.
    pub patches: bool,
}

/// The names of expressions that are asked about a request. A clone is cheap.
pub fn admission_env(declared: Declared) -> Env {
    let mut env = base().clone();
    if declared.params {
        env = env.with_variable("params", CelType::Dyn);
    }
    if declared.authorizer {
        env = env
            .with_variable("authorizer", CelType::opaque("kubernetes.authorization.Authorizer"))
            .with_variable(
                "authorizer.requestResource",
                CelType::opaque("kubernetes.authorization.ResourceCheck"),
            );
    }
    if declared.patches {
        env = env.with_patch_types();
    }
    env
}

/// The names that all have.
fn base() -> &'static Env {
    static BASE: OnceBox<Env> = OnceBox::new();
    BASE.get_or_init(|| {
        let env = request_types(Env::new())
            .with_variable("object", CelType::Dyn)
            .with_variable("oldObject", CelType::Dyn)
            .with_variable("request", object("kubernetes.AdmissionRequest"))
            .with_variable("namespaceObject", object("kubernetes.Namespace"));
        Box::new(namespace_types(env))
    })
}

fn object(name: &str) -> CelType {
    CelType::Object(name.into())
}

/// Adds a type of objects.
pub(super) fn with_fields(env: Env, name: &str, fields: &[(&str, CelType)]) -> Env {
    env.with_object(name, fields.iter().map(|(field, of)| ((*field).into(), of.clone())))
}

pub(super) fn texts() -> CelType {
    CelType::list(CelType::Str)
}

/// The values of the extra members of a user.
pub(super) fn extra() -> CelType {
    CelType::map(CelType::Str, texts())
}

fn request_types(env: Env) -> Env {
    let text = || CelType::Str;
    let (kind, resource) = ("kubernetes.GroupVersionKind", "kubernetes.GroupVersionResource");
    let env = with_fields(env, kind, &[("group", text()), ("version", text()), ("kind", text())]);
    let env = with_fields(env, resource, &[("group", text()), ("version", text()), ("resource", text())]);
    let user = [("username", text()), ("uid", text()), ("groups", texts()), ("extra", extra())];
    let env = with_fields(env, "kubernetes.UserInfo", &user);
    let request = [
        ("kind", object(kind)),
        ("resource", object(resource)),
        ("subResource", text()),
        ("requestKind", object(kind)),
        ("requestResource", object(resource)),
        ("requestSubResource", text()),
        ("name", text()),
        ("namespace", text()),
        ("operation", text()),
        ("userInfo", object("kubernetes.UserInfo")),
        ("dryRun", CelType::Bool),
        ("options", CelType::Dyn),
    ];
    with_fields(env, "kubernetes.AdmissionRequest", &request)
}

fn namespace_types(env: Env) -> Env {
    let text = || CelType::Str;
    let labels = || CelType::map(CelType::Str, CelType::Str);
    let env = with_fields(env, "kubernetes.NamespaceSpec", &[("finalizers", texts())]);
    let condition = [
        ("status", text()),
        ("type", text()),
        ("lastTransitionTime", CelType::Timestamp),
        ("message", text()),
        ("reason", text()),
    ];
    let env = with_fields(env, "kubernetes.NamespaceCondition", &condition);
    let conditions = CelType::list(object("kubernetes.NamespaceCondition"));
    let status = [("conditions", conditions), ("phase", text())];
    let env = with_fields(env, "kubernetes.NamespaceStatus", &status);
    let metadata = [
        ("name", text()),
        ("generateName", text()),
        ("namespace", text()),
        ("labels", labels()),
        ("annotations", labels()),
        // Upstream's spelling.
        ("UID", text()),
        ("creationTimestamp", CelType::Timestamp),
        ("deletionGracePeriodSeconds", CelType::Int),
        ("deletionTimestamp", CelType::Timestamp),
        ("generation", CelType::Int),
        ("resourceVersion", text()),
        ("finalizers", texts()),
    ];
    let env = with_fields(env, "kubernetes.NamespaceMetadata", &metadata);
    let namespace = [
        ("metadata", object("kubernetes.NamespaceMetadata")),
        ("spec", object("kubernetes.NamespaceSpec")),
        ("status", object("kubernetes.NamespaceStatus")),
    ];
    with_fields(env, "kubernetes.Namespace", &namespace)
}
