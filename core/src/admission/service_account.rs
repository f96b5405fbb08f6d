//! ServiceAccount: every pod has a service account that exists, and gets its token and its image pull secrets.
//! k8s: plugin/pkg/admission/serviceaccount/admission.go

use super::chain::{AdmissionPlugin, Opinion, Said};
use super::service_account_secrets as secrets;
use super::{AdmissionAttributes, AdmissionOperation};
use crate::codec::json;
use crate::kinds::{Objects, references};
use crate::question::{self, Question, Reply};
use crate::status::Failure;
use crate::store::{Op, Range};
use crate::value::{Map, Text, Value, names, object};
use crate::world::World;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// The service account of a pod that names none.
const DEFAULT: &str = "default";
const VOLUME_PREFIX: &str = "kube-api-access-";
const MOUNT_PATH: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
const MIRROR: &str = "kubernetes.io/config.mirror";
const NAME: &[&str] = &["spec", "serviceAccountName"];

/// The length of the random part of the volume's name.
const SUFFIX_LEN: usize = 5;

/// The sources of the volume with the token, the authority's certificate and the namespace.
const TOKEN_VOLUME: &str = r#"{"defaultMode":420,"sources":[
    {"serviceAccountToken":{"expirationSeconds":3607,"path":"token"}},
    {"configMap":{"items":[{"key":"ca.crt","path":"ca.crt"}],"name":"kube-root-ca.crt"}},
    {"downwardAPI":{"items":[{"fieldRef":{"apiVersion":"v1","fieldPath":"metadata.namespace"},
        "path":"namespace"}]}}]}"#;

/// Whether a service account is there.
enum Sought {
    Here(Value),
    /// Only the store can tell.
    Unknown(Opinion),
    /// Why there is none.
    Absent(String),
}

pub(super) const PLUGIN: AdmissionPlugin =
    AdmissionPlugin { mutate: admit, validate, ..AdmissionPlugin::IDLE };

fn admit(
    world: &World,
    attributes: &AdmissionAttributes<'_>,
    pod: &mut Value,
    found: Option<Reply>,
    _said: &mut Said,
) -> Result<Opinion, Failure> {
    if !is_new_pod(attributes) || pod.field("spec").and_then(Value::as_map).is_none() {
        return Ok(Opinion::Admitted);
    }
    if object::annotation(pod, MIRROR).is_some() {
        return mirror(attributes, pod).map(|()| Opinion::Admitted);
    }
    if pod.text_at(NAME).is_empty() {
        pod.set_at(NAME, DEFAULT.into());
        // The deprecated field is always the same, also for those who are asked about the pod before it is stored.
        pod.set_at(&["spec", "serviceAccount"], DEFAULT.into());
    }
    let account = match seek(world, attributes, pod.text_at(NAME), found)? {
        Sought::Here(account) => account,
        Sought::Unknown(opinion) => return Ok(opinion),
        Sought::Absent(why) => return Err(attributes.forbidden(pod, &why)),
    };
    let own = |object: &Value, path: &[&str]| object.at(path).and_then(Value::as_bool);
    let mounts = own(pod, &["spec", "automountServiceAccountToken"])
        .or_else(|| own(&account, &["automountServiceAccountToken"]));
    if mounts.unwrap_or(true) {
        mount(attributes, pod);
    }
    take_pull_secrets(&account, pod);
    secrets::check(&account, pod).map_err(|why| attributes.forbidden(pod, &why))?;
    Ok(Opinion::Admitted)
}

fn validate(
    world: &World,
    attributes: &AdmissionAttributes<'_>,
    pod: &Value,
    found: Option<Reply>,
    _said: &mut Said,
) -> Result<Opinion, Failure> {
    let is_pod = attributes.resource.group.is_empty() && attributes.resource.plural == "pods";
    let is_debugged = is_pod
        && attributes.operation == AdmissionOperation::Update
        && attributes.subresource == "ephemeralcontainers";
    if !is_new_pod(attributes) && !is_debugged {
        return Ok(Opinion::Admitted);
    }
    if !is_debugged && object::annotation(pod, MIRROR).is_some() {
        return mirror(attributes, pod).map(|()| Opinion::Admitted);
    }
    let name = pod.text_at(NAME);
    if name.is_empty() {
        let (namespace, name) = (attributes.namespace, object::name(pod));
        let why = format!("no service account specified for pod {namespace}/{name}");
        return Err(attributes.forbidden(pod, &why));
    }
    let account = match seek(world, attributes, name, found)? {
        Sought::Here(account) => account,
        Sought::Unknown(opinion) => return Ok(opinion),
        Sought::Absent(why) => return Err(attributes.forbidden(pod, &why)),
    };
    let checked = match is_debugged {
        true => secrets::check_ephemeral(&account, pod),
        false => secrets::check(&account, pod),
    };
    checked.map_err(|why| attributes.forbidden(pod, &why))?;
    Ok(Opinion::Admitted)
}

fn is_new_pod(attributes: &AdmissionAttributes<'_>) -> bool {
    attributes.is_of("", "pods") && attributes.operation == AdmissionOperation::Create
}

/// The service account of this name. One that the cache does not hold is asked for in the store.
fn seek(
    world: &World,
    attributes: &AdmissionAttributes<'_>,
    name: &str,
    found: Option<Reply>,
) -> Result<Sought, Failure> {
    let namespace = attributes.namespace;
    let looked = format!("error looking up service account {namespace}/{name}: ");
    let gone = || Failure::internal("service accounts are not served");
    let resource = world.registry.find("", "v1", "serviceaccounts").ok_or_else(gone)?;
    let storage = resource.storage.ok_or_else(gone)?;
    let collection = world.collection(storage).ok_or_else(gone)?;
    if let Some(stored) = found {
        let Some(kv) = question::ranged(stored)?.kvs.pop() else {
            return Ok(Sought::Absent(format!(
                "{looked}{}",
                format_args!("serviceaccount {} not found", crate::value::quoted(name))
            )));
        };
        let entry = world.decode(storage, kv).ok_or_else(gone)?;
        return Ok(Sought::Here(entry.map_err(|why| Failure::unreadable(&why.0))?.to_value()));
    }
    let problems = names::path_segment(name, false);
    if !problems.is_empty() {
        let problems = problems.join(" ");
        let quoted = crate::value::quoted(name);
        return Ok(Sought::Absent(format!("{looked}invalid resource name {quoted}: [{problems}]")));
    }
    if let Some(account) = world.get("", "serviceaccounts", namespace, name) {
        return Ok(Sought::Here(account));
    }
    let key = collection.keys.key(namespace, name);
    let op = Op::Range(Range { key, ..Range::default() });
    Ok(Sought::Unknown(Opinion::Needs(Question::Store(collection.feed, op))))
}

/// A mirror pod, which shows what a kubelet runs on its own, can refer to nothing that the server hands out.
fn mirror(attributes: &AdmissionAttributes<'_>, pod: &Value) -> Result<(), Failure> {
    let refuse = |why: &str| Err(attributes.forbidden(pod, why));
    if !pod.text_at(NAME).is_empty() {
        return refuse("a mirror pod may not reference service accounts");
    }
    if references::secrets(pod).next().is_some() {
        return refuse("a mirror pod may not reference secrets");
    }
    let volumes = secrets::list(pod, &["spec", "volumes"]);
    let mut sources = volumes.iter().flat_map(|volume| secrets::list(volume, &["projected", "sources"]));
    if sources.any(|source| source.field("serviceAccountToken").is_some_and(|token| !token.is_null())) {
        return refuse("a mirror pod may not use ServiceAccountToken volume projections");
    }
    Ok(())
}

/// Mounts the token where a container has nothing mounted at its path.
fn mount(attributes: &AdmissionAttributes<'_>, pod: &mut Value) {
    const VOLUMES: &[&str] = &["spec", "volumes"];
    let held = secrets::list(pod, VOLUMES);
    let known =
        held.iter().map(|volume| volume.text_at(&["name"])).find(|name| name.starts_with(VOLUME_PREFIX));
    let known: Option<Text> = known.map(Into::into);
    let is_held = known.is_some();
    let name = known.unwrap_or_else(|| {
        let suffix = attributes.rng.fork("token-volume", 0).name_suffix(SUFFIX_LEN);
        format!("{VOLUME_PREFIX}{suffix}").into()
    });
    let mut is_mounted = false;
    for list in ["initContainers", "containers"] {
        let spec = pod.field_mut("spec");
        let containers = spec.and_then(|spec| spec.field_mut(list)).and_then(Value::as_list_mut);
        for container in containers.into_iter().flatten() {
            let mounts = secrets::list(container, &["volumeMounts"]);
            if mounts.iter().any(|mount| mount.text_at(&["mountPath"]) == MOUNT_PATH) {
                continue;
            }
            let mounts: Vec<Value> = mounts.iter().cloned().chain([volume_mount(&name)]).collect();
            container.set("volumeMounts", Value::list(mounts));
            is_mounted = true;
        }
    }
    if is_held || !is_mounted {
        return;
    }
    let Ok(source) = json::parse(TOKEN_VOLUME.as_bytes()) else { return };
    let mut volume = Map::new();
    volume.insert("name", Value::Str(name));
    volume.insert("projected", source.value);
    let volumes = secrets::list(pod, VOLUMES).iter().cloned().chain([volume.into()]).collect();
    pod.set_at(VOLUMES, Value::list(volumes));
}

fn volume_mount(name: &Text) -> Value {
    let mut mount = Map::new();
    mount.insert("name", Value::Str(name.clone()));
    mount.insert("readOnly", Value::Bool(true));
    mount.insert("mountPath", MOUNT_PATH.into());
    mount.into()
}

/// A pod without image pull secrets gets those of its service account.
fn take_pull_secrets(account: &Value, pod: &mut Value) {
    const PLACE: &[&str] = &["spec", "imagePullSecrets"];
    let given = secrets::list(account, &["imagePullSecrets"]);
    if !secrets::list(pod, PLACE).is_empty() || given.is_empty() {
        return;
    }
    let named = given.iter().map(|reference| {
        let mut kept = Map::new();
        kept.insert("name", Value::str(reference.text_at(&["name"])));
        kept.into()
    });
    pod.set_at(PLACE, Value::list(named.collect()));
}
