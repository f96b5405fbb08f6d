//! Collects what built-in types and their fields are for, from the schemas that a published crate derives, and writes
//! it compressed where `src/descriptions.rs` takes it from. It also tells `src/version.rs` which commit is built.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::ZlibEncoder;
use k8s_openapi::api::{
    admissionregistration::v1 as admissionregistration, apps::v1 as apps,
    authentication::v1 as authentication, authorization::v1 as authorization,
    autoscaling::v1 as autoscaling_v1, autoscaling::v2 as autoscaling, batch::v1 as batch,
    certificates::v1 as certificates, coordination::v1 as coordination, core::v1 as core,
    discovery::v1 as discovery, events::v1 as events, flowcontrol::v1 as flowcontrol,
    networking::v1 as networking, node::v1 as node, policy::v1 as policy, rbac::v1 as rbac,
    resource::v1 as resource, scheduling::v1 as scheduling, storage::v1 as storage,
};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1 as apiextensions;
use k8s_openapi::apimachinery::pkg::apis::meta::v1 as meta;
use k8s_openapi::kube_aggregator::pkg::apis::apiregistration::v1 as apiregistration;
use k8s_openapi::schemars::SchemaGenerator;
use k8s_openapi::serde_json::Value;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-env=STEERSMAN_BUILT_COMMIT={}", commit().unwrap_or_default());
    let folder = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets it"));
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    for ((name, field), text) in collected() {
        let record = [name, field, text].join("\0");
        assert_eq!(record.matches('\0').count(), 2, "a text without zero bytes");
        encoder
            .write_all(record.as_bytes())
            .and_then(|()| encoder.write_all(b"\0"))
            .expect("memory takes it");
    }
    let compressed = encoder.finish().expect("memory takes it");
    std::fs::write(folder.join("descriptions.zlib"), compressed).expect("cargo's folder can be written");
}

/// The commit that is built: what `STEERSMAN_COMMIT` says, or else the one that is checked out, if this is a checkout.
/// The files of git are read, so that a build needs no git and gives the same program without a checkout.
fn commit() -> Option<String> {
    println!("cargo::rerun-if-env-changed=STEERSMAN_COMMIT");
    if let Some(told) = std::env::var("STEERSMAN_COMMIT").ok().filter(|told| !told.is_empty()) {
        return Some(told);
    }
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).parent()?.join(".git");
    // A further work tree has a file that says where its folder is.
    let folder = match std::fs::read_to_string(&place) {
        Ok(text) => PathBuf::from(text.strip_prefix("gitdir: ")?.trim()),
        Err(_) => place,
    };
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).ok()?;
        println!("cargo::rerun-if-changed={}", path.display());
        Some(text.trim().to_owned())
    };
    let head = read(folder.join("HEAD"))?;
    // It grows with each commit, also if that is kept in another file than the one before.
    read(folder.join("logs/HEAD"));
    let found = match head.strip_prefix("ref: ") {
        None => head,
        Some(branch) => {
            let common = read(folder.join("commondir")).map_or(folder.clone(), |path| folder.join(path));
            read(common.join(branch)).or_else(|| {
                let packed = read(common.join("packed-refs"))?;
                packed.lines().find_map(|line| line.strip_suffix(branch)).map(|id| id.trim().to_owned())
            })?
        }
    };
    let is_id = found.len() >= 40 && found.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_id.then_some(found)
}

/// All other types are found through the fields of these.
macro_rules! add {
    ($generator:expr; $($of:ty),+ $(,)?) => {
        $($generator.subschema_for::<$of>();)+
    };
}

/// Texts by the published name of a type and the name of a field, which is empty for the type itself.
fn collected() -> BTreeMap<(String, String), String> {
    let mut generator = SchemaGenerator::default();
    add!(
        generator;
        admissionregistration::MutatingAdmissionPolicy,
        admissionregistration::MutatingAdmissionPolicyBinding,
        admissionregistration::MutatingWebhookConfiguration,
        admissionregistration::ValidatingAdmissionPolicy,
        admissionregistration::ValidatingAdmissionPolicyBinding,
        admissionregistration::ValidatingWebhookConfiguration,
        apiextensions::CustomResourceDefinition,
        apiregistration::APIService,
        apps::ControllerRevision,
        apps::DaemonSet,
        apps::Deployment,
        apps::ReplicaSet,
        apps::StatefulSet,
        autoscaling::HorizontalPodAutoscaler,
        autoscaling_v1::HorizontalPodAutoscaler,
        batch::CronJob,
        batch::Job,
        certificates::CertificateSigningRequest,
        coordination::Lease,
        core::ComponentStatus,
        core::ConfigMap,
        core::Endpoints,
        core::Event,
        core::LimitRange,
        core::Namespace,
        core::Node,
        core::PersistentVolume,
        core::PersistentVolumeClaim,
        core::Pod,
        core::PodTemplate,
        core::ReplicationController,
        core::ResourceQuota,
        core::Secret,
        core::Service,
        core::ServiceAccount,
        discovery::EndpointSlice,
        events::Event,
        flowcontrol::FlowSchema,
        flowcontrol::PriorityLevelConfiguration,
        networking::IPAddress,
        networking::Ingress,
        networking::IngressClass,
        networking::NetworkPolicy,
        networking::ServiceCIDR,
        node::RuntimeClass,
        policy::PodDisruptionBudget,
        rbac::ClusterRole,
        rbac::ClusterRoleBinding,
        rbac::Role,
        rbac::RoleBinding,
        resource::DeviceClass,
        resource::ResourceClaim,
        resource::ResourceClaimTemplate,
        resource::ResourceSlice,
        scheduling::PriorityClass,
        storage::CSIDriver,
        storage::CSINode,
        storage::CSIStorageCapacity,
        storage::StorageClass,
        storage::VolumeAttachment,
        storage::VolumeAttributesClass,
        authentication::SelfSubjectReview,
        authentication::TokenRequest,
        authentication::TokenReview,
        authorization::LocalSubjectAccessReview,
        authorization::SelfSubjectAccessReview,
        authorization::SelfSubjectRulesReview,
        authorization::SubjectAccessReview,
        autoscaling_v1::Scale,
        core::Binding,
        meta::APIResourceList,
        meta::DeleteOptions,
        meta::MicroTime,
        meta::Patch,
        meta::Status,
        meta::WatchEvent<k8s_openapi::apimachinery::pkg::runtime::RawExtension>,
        policy::Eviction,
    );
    let mut found = BTreeMap::new();
    for (name, schema) in generator.take_definitions(true) {
        let fields = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
        let fields = fields.map(|(field, schema)| (field.as_str(), schema));
        for (field, schema) in [("", &schema)].into_iter().chain(fields) {
            if let Some(text) = schema.get("description").and_then(Value::as_str) {
                found.insert((name.clone(), field.to_owned()), text.to_owned());
                // The crate has no types of lists; these fields are described alike in all types that have them.
                if matches!(field, "apiVersion" | "kind") {
                    found.insert((format!("{name}List"), field.to_owned()), text.to_owned());
                }
            }
        }
    }
    found
}
