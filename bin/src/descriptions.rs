//! Descriptions of built-in types for OpenAPI, from the schemas that a published crate derives. They are collected when
//! the first document is asked for.

use k8s_openapi::List;
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
use std::collections::HashMap;
use std::sync::LazyLock;

/// Descriptions by the published name of a type and the name of a field, which is empty for the type itself.
type Descriptions = HashMap<String, HashMap<String, String>>;

static DESCRIPTIONS: LazyLock<Descriptions> = LazyLock::new(collect);

/// What a type is for, or a field of it; an empty field stands for the type itself.
pub(crate) fn describe(type_name: &str, field: &str) -> Option<&'static str> {
    DESCRIPTIONS.get(type_name)?.get(field).map(String::as_str)
}

/// All other types are found through the fields of these.
macro_rules! add {
    ($generator:expr; kinds: $($kind:ty),+; others: $($other:ty),+ $(,)?) => {
        $(
            $generator.subschema_for::<$kind>();
            $generator.subschema_for::<List<$kind>>();
        )+
        $($generator.subschema_for::<$other>();)+
    };
}

fn collect() -> Descriptions {
    let mut generator = SchemaGenerator::default();
    add!(
        generator;
        kinds: admissionregistration::MutatingAdmissionPolicy,
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
        storage::VolumeAttributesClass;
        others: authentication::SelfSubjectReview,
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
    let described = |schema: &Value| Some(schema.get("description")?.as_str()?.to_owned());
    let of_type = |schema: &Value| {
        let fields = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
        let fields = fields.filter_map(|(name, schema)| Some((name.clone(), described(schema)?)));
        described(schema).map(|text| (String::new(), text)).into_iter().chain(fields).collect()
    };
    generator.take_definitions(true).iter().map(|(name, schema)| (name.clone(), of_type(schema))).collect()
}

#[cfg(test)]
mod tests {
    use super::describe;
    use steersman_core::kinds::Registry;

    #[test]
    fn kinds_and_their_fields_are_described() {
        let texts = [
            ("io.k8s.api.core.v1.Pod", ""),
            ("io.k8s.api.core.v1.PodSpec", "containers"),
            ("io.k8s.api.core.v1.ConfigMap", "metadata"),
            ("io.k8s.api.core.v1.ConfigMapList", "metadata"),
            ("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta", "name"),
            ("io.k8s.apimachinery.pkg.apis.meta.v1.Time", ""),
            ("io.k8s.apimachinery.pkg.api.resource.Quantity", ""),
            ("io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIService", "spec"),
        ];
        for (name, field) in texts {
            assert!(describe(name, field).is_some_and(|text| text.len() > 10), "{name} {field}");
        }
        assert_eq!(describe("io.k8s.api.core.v1.Pod", "none"), None);
        assert_eq!(describe("none", ""), None);
    }

    #[test]
    fn nothing_is_collected_before_it_is_asked_for() {
        let registry = Registry::builtin().described_by(describe);
        assert!(registry.describe.is_some());
    }
}
