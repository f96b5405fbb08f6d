//! Questions to the authorizers.
//! k8s: staging/src/k8s.io/apiserver/pkg/cel/library/authz.go

use super::{Function, Result, asking, function};
use crate::cel::access::{Access, AccessCheck, AccessRuling, AccessTarget, AccessUser, native};
use crate::cel::eval::{CelValue, EvalError};
use crate::cel::variables::Variables;
use crate::value::{Text, names};
use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;

pub(super) const FUNCTIONS: &[Function] = &[
    function("path", |args| {
        let (Access::Authorizer(user), path) = of_text(args)? else { return Err(EvalError::no_overload()) };
        if path.trim().is_empty() {
            return Err(EvalError::new("path must not be empty"));
        }
        let target = AccessTarget::Path(path.clone());
        Ok(native(Access::Check(AccessCheck { user: user.clone(), verb: Text::default(), target })))
    }),
    function("group", |args| {
        let (Access::Authorizer(user), group) = of_text(args)? else { return Err(EvalError::no_overload()) };
        Ok(native(Access::Group(user.clone(), group.clone())))
    }),
    function("serviceAccount", service_account),
    function("resource", |args| {
        let (Access::Group(user, group), resource) = of_text(args)? else {
            return Err(EvalError::no_overload());
        };
        if resource.trim().is_empty() {
            return Err(EvalError::new("resource must not be empty"));
        }
        Ok(crate::cel::access::request_resource(user, group, resource, "", "", ""))
    }),
    function("subresource", |args| with(args, Part::Subresource)),
    function("namespace", |args| with(args, Part::Namespace)),
    function("name", |args| with(args, Part::Name)),
    function("fieldSelector", |args| with(args, Part::FieldSelector)),
    function("labelSelector", |args| with(args, Part::LabelSelector)),
    asking("check", check),
    function("allowed", |args| ruling(args).map(|ruling| CelValue::Bool(ruling.is_allowed))),
    function("reason", |args| ruling(args).map(|ruling| CelValue::Str(ruling.reason.clone()))),
    function("errored", |args| ruling(args).map(|ruling| CelValue::Bool(!ruling.error.is_empty()))),
    function("error", |args| ruling(args).map(|ruling| CelValue::Str(ruling.error.clone()))),
];

fn access(value: &CelValue) -> Result<&Access> {
    match value {
        CelValue::Native(held) => held.as_any().downcast_ref().ok_or_else(EvalError::no_overload),
        _ => Err(EvalError::no_overload()),
    }
}

fn of_text(args: &[CelValue]) -> Result<(&Access, &Text)> {
    match args {
        [target, CelValue::Str(text)] => Ok((access(target)?, text)),
        _ => Err(EvalError::no_overload()),
    }
}

fn service_account(args: &[CelValue]) -> Result<CelValue> {
    let [target, CelValue::Str(namespace), CelValue::Str(name)] = args else {
        return Err(EvalError::no_overload());
    };
    let Access::Authorizer(_) = access(target)? else { return Err(EvalError::no_overload()) };
    if !names::dns_subdomain(name, false).is_empty() {
        return Err(EvalError::new("Invalid service account name"));
    }
    if !names::dns_label(namespace, false).is_empty() {
        return Err(EvalError::new("Invalid service account namespace"));
    }
    let user = AccessUser {
        name: format!("system:serviceaccount:{namespace}:{name}").into(),
        groups: Vec::from([
            "system:serviceaccounts".into(),
            format!("system:serviceaccounts:{namespace}").into(),
        ]),
        ..AccessUser::default()
    };
    Ok(native(Access::Authorizer(Arc::new(user))))
}

/// A part of a question about a resource.
#[derive(Clone, Copy)]
enum Part {
    Subresource,
    Namespace,
    Name,
    FieldSelector,
    LabelSelector,
}

fn with(args: &[CelValue], part: Part) -> Result<CelValue> {
    let (Access::Check(held), text) = of_text(args)? else { return Err(EvalError::no_overload()) };
    let mut held = held.clone();
    let AccessTarget::Resource { subresource, namespace, name, field_selector, label_selector, .. } =
        &mut held.target
    else {
        return Err(EvalError::no_overload());
    };
    let to = match part {
        Part::Subresource => subresource,
        Part::Namespace => namespace,
        Part::Name => name,
        Part::FieldSelector => field_selector,
        Part::LabelSelector => label_selector,
    };
    *to = text.clone();
    Ok(native(Access::Check(held)))
}

fn check(args: &[CelValue], asked: &mut dyn Variables) -> Result<CelValue> {
    let (Access::Check(held), verb) = of_text(args)? else { return Err(EvalError::no_overload()) };
    let question = AccessCheck { verb: verb.clone(), ..held.clone() };
    match asked.decide(&question) {
        Some(ruling) => Ok(native(Access::Decision(ruling))),
        None => Err(EvalError::undecided(question)),
    }
}

fn ruling(args: &[CelValue]) -> Result<&AccessRuling> {
    match args {
        [decision] => match access(decision)? {
            Access::Decision(ruling) => Ok(ruling),
            Access::Authorizer(_) | Access::Group(..) | Access::Check(_) => Err(EvalError::no_overload()),
        },
        _ => Err(EvalError::no_overload()),
    }
}
