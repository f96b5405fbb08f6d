//! The configurations of plugins, as `--admission-control-config-file` gives them.
//! k8s: staging/src/k8s.io/apiserver/pkg/admission/config.go, and config.go of each plugin

use super::configured_servers::{image_policy, webhook_users};
use crate::codec::json;
use crate::config::{
    AdmissionOptions, EventLimit, EventLimitType, LevelVersion, LimitedResource, LimitedScope, PodSecurity,
};
use crate::kinds::rules::pod::validate_tolerations;
use crate::kinds::validation::{Errors, Located};
use crate::value::{Map, Text, Value, quoted};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// One plugin's part of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginSource {
    pub name: Text,
    /// The configuration itself; null when it is in another file.
    pub configuration: Value,
    /// Another file; empty for none. It is relative to the folder of the first one.
    pub path: Text,
}

/// The parts of the file.
///
/// # Errors
/// What is wrong with it.
pub fn sources(file: &Value) -> Result<Vec<PluginSource>, String> {
    const VERSIONS: [&str; 2] = ["apiserver.config.k8s.io/v1", "apiserver.k8s.io/v1alpha1"];
    expect(file, &VERSIONS, &["AdmissionConfiguration"])?;
    known(file, "", &["apiVersion", "kind", "plugins"])?;
    let plugins = file.field("plugins").and_then(Value::as_list).unwrap_or_default();
    let source = |(index, plugin): (usize, &Value)| {
        known(plugin, &format!("plugins[{index}]."), &["name", "path", "configuration"])?;
        Ok(PluginSource {
            name: plugin.text_at(&["name"]).into(),
            configuration: plugin.field("configuration").cloned().unwrap_or_default(),
            path: plugin.text_at(&["path"]).into(),
        })
    };
    plugins.iter().enumerate().map(source).collect()
}

/// Takes the configuration of a plugin. Null is that of a plugin without one.
///
/// # Errors
/// What is wrong with it.
pub fn configure(options: &mut AdmissionOptions, plugin: &str, configuration: &Value) -> Result<(), String> {
    let plugins = &mut options.plugins;
    if !configuration.is_null() && plugin != "PodSecurity" {
        plugins.given.push((plugin.into(), json::to_string(configuration).into()));
    }
    match plugin {
        "ResourceQuota" if !configuration.is_null() => plugins.limited_resources = limited(configuration)?,
        "EventRateLimit" => plugins.event_limits = event_limits(configuration)?,
        "PodNodeSelector" => {
            let map = configuration.field("podNodeSelectorPluginConfig").and_then(Value::as_map);
            let pairs = map.into_iter().flat_map(Map::iter);
            let pairs = pairs.map(|(name, held)| (name.clone(), held.as_str().unwrap_or_default().into()));
            plugins.node_selectors = pairs.collect();
        }
        "PodTolerationRestriction" if !configuration.is_null() => {
            const VERSIONS: [&str; 1] = ["podtolerationrestriction.admission.k8s.io/v1alpha1"];
            expect(configuration, &VERSIONS, &["Configuration"])?;
            plugins.default_tolerations = tolerations(configuration, "default")?;
            plugins.allowed_tolerations = tolerations(configuration, "whitelist")?;
        }
        "PodSecurity" if !configuration.is_null() => options.pod_security = pod_security(configuration)?,
        "ImagePolicyWebhook" => plugins.image_policy = Some(image_policy(configuration)?),
        "MutatingAdmissionWebhook" if !configuration.is_null() => {
            plugins.mutating_users = webhook_users(configuration)?;
        }
        "ValidatingAdmissionWebhook" if !configuration.is_null() => {
            plugins.validating_users = webhook_users(configuration)?;
        }
        _ if configuration.is_null() => {}
        "ResourceQuota" | "PodTolerationRestriction" | "PodSecurity" => {}
        _ => return Err(String::from("this plugin takes no configuration yet")),
    }
    Ok(())
}

/// The error for a document of another kind.
/// k8s: staging/src/k8s.io/apimachinery/pkg/runtime/error.go
fn expect(document: &Value, versions: &[&str], kinds: &[&str]) -> Result<(), String> {
    let (version, kind) = (document.text_at(&["apiVersion"]), document.text_at(&["kind"]));
    let shown = || json::to_string(document);
    if kind.is_empty() {
        return Err(format!("Object 'Kind' is missing in '{}'", shown()));
    }
    if version.is_empty() {
        return Err(format!("Object 'apiVersion' is missing in '{}'", shown()));
    }
    if versions.contains(&version) && kinds.contains(&kind) {
        return Ok(());
    }
    Err(format!("no kind {} is registered for version {}", quoted(kind), quoted(version)))
}

fn known(document: &Value, place: &str, fields: &[&str]) -> Result<(), String> {
    let held = document.as_map().into_iter().flat_map(Map::iter);
    match held.map(|(name, _)| name).find(|name| !fields.contains(&name.as_str())) {
        Some(name) => Err(format!("strict decoding error: unknown field \"{place}{name}\"")),
        None => Ok(()),
    }
}

/// Problems as one sentence.
fn summary(errors: Errors) -> Result<(), String> {
    if errors.is_empty() { Ok(()) } else { Err(errors.summary()) }
}

fn texts(value: Option<&Value>) -> Vec<String> {
    let items = value.and_then(Value::as_list).unwrap_or_default();
    items.iter().filter_map(Value::as_str).map(String::from).collect()
}

fn limited(document: &Value) -> Result<Vec<LimitedResource>, String> {
    const OLDER: [&str; 2] =
        ["resourcequota.admission.k8s.io/v1alpha1", "resourcequota.admission.k8s.io/v1beta1"];
    if document.text_at(&["kind"]) == "Configuration" {
        expect(document, &OLDER, &["Configuration"])?;
    } else {
        expect(document, &["apiserver.config.k8s.io/v1"], &["ResourceQuotaConfiguration"])?;
    }
    let root = Located::root(document);
    let mut errors = Errors::new();
    let items = root.member("limitedResources");
    for item in items.items() {
        let resource = item.member("resource");
        if resource.text().is_empty() {
            errors.required(&resource, "");
        }
    }
    summary(errors)?;
    let items = document.field("limitedResources").and_then(Value::as_list).unwrap_or_default();
    let scope = |scope: &Value| LimitedScope {
        scope: scope.text_at(&["scopeName"]).into(),
        operator: scope.text_at(&["operator"]).into(),
        values: texts(scope.field("values")),
    };
    let limited = |item: &Value| LimitedResource {
        api_group: item.text_at(&["apiGroup"]).into(),
        resource: item.text_at(&["resource"]).into(),
        match_contains: texts(item.field("matchContains")),
        match_scopes: {
            let scopes = item.field("matchScopes").and_then(Value::as_list).unwrap_or_default();
            scopes.iter().map(scope).collect()
        },
    };
    Ok(items.iter().map(limited).collect())
}

/// k8s: plugin/pkg/admission/eventratelimit/apis/eventratelimit/validation/validation.go
fn event_limits(document: &Value) -> Result<Vec<EventLimit>, String> {
    if !document.is_null() {
        expect(document, &["eventratelimit.admission.k8s.io/v1alpha1"], &["Configuration"])?;
    }
    let items = document.field("limits").and_then(Value::as_list).unwrap_or_default();
    let (mut limits, mut problems) = (Vec::new(), Vec::new());
    if items.is_empty() {
        problems.push(String::from("limits: Invalid value: null: must not be empty"));
    }
    for (index, item) in items.iter().enumerate() {
        let number = |field: &str| {
            let number = item.field(field).and_then(Value::as_int).unwrap_or(0);
            i32::try_from(number).unwrap_or(if number < 0 { i32::MIN } else { i32::MAX })
        };
        let word = item.text_at(&["type"]);
        let kind = EventLimitType::ALL.into_iter().find(|kind| kind.word() == word);
        if kind.is_none() {
            let words: Vec<_> = EventLimitType::ALL.iter().map(|kind| quoted(kind.word())).collect();
            let words = words.join(", ");
            let bad = quoted(word);
            problems
                .push(format!("limits[{index}].type: Unsupported value: {bad}: supported values: {words}"));
        }
        for field in ["burst", "qps"] {
            if number(field) <= 0 {
                let number = number(field);
                problems.push(format!("limits[{index}].{field}: Invalid value: {number}: must be positive"));
            }
        }
        let size = number("cacheSize");
        if kind != Some(EventLimitType::Server) && size < 0 {
            problems.push(format!("limits[{index}].cacheSize: Invalid value: {size}: must not be negative"));
        }
        let kind = kind.unwrap_or(EventLimitType::Server);
        limits.push(EventLimit { kind, qps: number("qps"), burst: number("burst"), cache_size: size });
    }
    match problems.as_slice() {
        [] => Ok(limits),
        [one] => Err(one.clone()),
        several => Err(format!("[{}]", several.join(", "))),
    }
}

fn tolerations(document: &Value, field: &'static str) -> Result<Vec<Value>, String> {
    let list = document.field(field).and_then(Value::as_list).unwrap_or_default();
    let mut errors = Errors::new();
    validate_tolerations(&Located::root(document).member(field), &mut errors);
    summary(errors).map_err(|why| format!("invalid config: [podtolerationrestriction.{why}]"))?;
    Ok(list.to_vec())
}

/// k8s: staging/src/k8s.io/pod-security-admission/admission/api/{load/load.go,v1/defaults.go,validation/validation.go}
fn pod_security(document: &Value) -> Result<PodSecurity, String> {
    const VERSIONS: [&str; 3] = [
        "pod-security.admission.config.k8s.io/v1",
        "pod-security.admission.config.k8s.io/v1beta1",
        "pod-security.admission.config.k8s.io/v1alpha1",
    ];
    expect(document, &VERSIONS, &["PodSecurityConfiguration"])?;
    known(document, "", &["apiVersion", "kind", "defaults", "exemptions"])?;
    let mut held = PodSecurity::default();
    let modes = [
        ("enforce", &mut held.defaults.enforce),
        ("audit", &mut held.defaults.audit),
        ("warn", &mut held.defaults.warn),
    ];
    for (mode, place) in modes {
        let word = |field: &str, default: &'static str| match document.text_at(&["defaults", field]) {
            "" => String::from(default),
            text => text.into(),
        };
        let version_of = format!("{mode}-version");
        let (level, version) = (word(mode, "privileged"), word(&version_of, "latest"));
        let parse = |level: &str, version: &str| LevelVersion::parse(&format!("{level}:{version}"));
        if parse(&level, "latest").is_none() {
            let why = "must be one of privileged, baseline, restricted";
            return Err(format!("defaults.{mode}: Invalid value: {}: {why}", quoted(&level)));
        }
        *place = parse(&level, &version).ok_or_else(|| {
            let why = "must be \"latest\" or \"v1.x\"";
            format!("defaults.{version_of}: Invalid value: {}: {why}", quoted(&version))
        })?;
    }
    let exempt =
        |field: &str| texts(document.at(&["exemptions", field])).into_iter().map(Text::from).collect();
    held.exempt_namespaces = exempt("namespaces");
    held.exempt_users = exempt("usernames");
    held.exempt_runtime_classes = exempt("runtimeClasses");
    Ok(held)
}
