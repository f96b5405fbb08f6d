//! The rows of who may do what, and of how the API is extended and guarded.

use super::*;

const BASE_AUTHENTICATION: Row = Row { group: "authentication.k8s.io", ..BASE };

pub(super) const AUTHENTICATION: &[Row] = &[
    Row {
        kind: "SelfSubjectReview",
        plural: "selfsubjectreviews",
        singular: "selfsubjectreview",
        scope: Scope::Cluster,
        verbs: CREATE,
        type_name: "authentication.v1.SelfSubjectReview",
        rules: &rules::plain::VIRTUAL,
        columns: &GENERIC,
        ..BASE_AUTHENTICATION
    },
    Row {
        kind: "TokenReview",
        plural: "tokenreviews",
        singular: "tokenreview",
        scope: Scope::Cluster,
        verbs: CREATE,
        type_name: "authentication.v1.TokenReview",
        rules: &rules::plain::VIRTUAL,
        columns: &GENERIC,
        ..BASE_AUTHENTICATION
    },
];

const BASE_AUTHORIZATION: Row = Row { group: "authorization.k8s.io", ..BASE };

pub(super) const AUTHORIZATION: &[Row] = &[
    Row {
        kind: "LocalSubjectAccessReview",
        plural: "localsubjectaccessreviews",
        singular: "localsubjectaccessreview",
        verbs: CREATE,
        type_name: "authorization.v1.LocalSubjectAccessReview",
        rules: &rules::plain::VIRTUAL,
        columns: &GENERIC,
        ..BASE_AUTHORIZATION
    },
    Row {
        kind: "SelfSubjectAccessReview",
        plural: "selfsubjectaccessreviews",
        singular: "selfsubjectaccessreview",
        scope: Scope::Cluster,
        verbs: CREATE,
        type_name: "authorization.v1.SelfSubjectAccessReview",
        rules: &rules::plain::VIRTUAL,
        columns: &GENERIC,
        ..BASE_AUTHORIZATION
    },
    Row {
        kind: "SelfSubjectRulesReview",
        plural: "selfsubjectrulesreviews",
        singular: "selfsubjectrulesreview",
        scope: Scope::Cluster,
        verbs: CREATE,
        type_name: "authorization.v1.SelfSubjectRulesReview",
        rules: &rules::plain::VIRTUAL,
        columns: &GENERIC,
        ..BASE_AUTHORIZATION
    },
    Row {
        kind: "SubjectAccessReview",
        plural: "subjectaccessreviews",
        singular: "subjectaccessreview",
        scope: Scope::Cluster,
        verbs: CREATE,
        type_name: "authorization.v1.SubjectAccessReview",
        rules: &rules::plain::VIRTUAL,
        columns: &GENERIC,
        ..BASE_AUTHORIZATION
    },
];

const BASE_CERTIFICATES: Row = Row { group: "certificates.k8s.io", ..BASE };

pub(super) const CERTIFICATES: &[Row] = &[Row {
    kind: "CertificateSigningRequest",
    plural: "certificatesigningrequests",
    singular: "certificatesigningrequest",
    scope: Scope::Cluster,
    short: &["csr"],
    prefix: "certificatesigningrequests",
    type_name: "certificates.v1.CertificateSigningRequest",
    storage_version_hash: "95fRKMXA+00=",
    subs: &[
        sub("approval", SubKind::Window, "CertificateSigningRequest", None, WINDOW),
        status("CertificateSigningRequest"),
    ],
    rules: &rules::certificatesigningrequest::RULES,
    fields: fields::CERTIFICATE_SIGNING_REQUEST,
    columns: &columns::CERTIFICATE_SIGNING_REQUEST,
    ..BASE_CERTIFICATES
}];

const BASE_RBAC: Row = Row { group: "rbac.authorization.k8s.io", ..BASE };

pub(super) const RBAC: &[Row] = &[
    Row {
        kind: "ClusterRoleBinding",
        plural: "clusterrolebindings",
        singular: "clusterrolebinding",
        scope: Scope::Cluster,
        prefix: "clusterrolebindings",
        type_name: "rbac.v1.ClusterRoleBinding",
        storage_version_hash: "48tpQ8gZHFc=",
        rules: &rules::rbac::CLUSTER_BINDING,
        columns: &columns::ROLE_BINDING,
        ..BASE_RBAC
    },
    Row {
        kind: "ClusterRole",
        plural: "clusterroles",
        singular: "clusterrole",
        scope: Scope::Cluster,
        prefix: "clusterroles",
        type_name: "rbac.v1.ClusterRole",
        storage_version_hash: "bYE5ZWDrJ44=",
        rules: &rules::rbac::CLUSTER_ROLE,
        columns: &GENERIC,
        ..BASE_RBAC
    },
    Row {
        kind: "RoleBinding",
        plural: "rolebindings",
        singular: "rolebinding",
        prefix: "rolebindings",
        type_name: "rbac.v1.RoleBinding",
        storage_version_hash: "eGsCzGH6b1g=",
        rules: &rules::rbac::BINDING,
        columns: &columns::ROLE_BINDING,
        ..BASE_RBAC
    },
    Row {
        kind: "Role",
        plural: "roles",
        singular: "role",
        prefix: "roles",
        type_name: "rbac.v1.Role",
        storage_version_hash: "7FuwZcIIItM=",
        rules: &rules::rbac::ROLE,
        columns: &GENERIC,
        ..BASE_RBAC
    },
];

const BASE_ADMISSIONREGISTRATION: Row = Row { group: "admissionregistration.k8s.io", ..BASE };

pub(super) const ADMISSIONREGISTRATION: &[Row] = &[
    Row {
        kind: "MutatingAdmissionPolicy",
        plural: "mutatingadmissionpolicies",
        singular: "mutatingadmissionpolicy",
        scope: Scope::Cluster,
        categories: &["api-extensions"],
        prefix: "mutatingadmissionpolicies",
        type_name: "admissionregistration.v1.MutatingAdmissionPolicy",
        storage_version_hash: "LYmCf+UMVdg=",
        rules: &rules::admissionregistration::MUTATING_POLICY,
        columns: &columns::MUTATING_ADMISSION_POLICY,
        ..BASE_ADMISSIONREGISTRATION
    },
    Row {
        kind: "MutatingAdmissionPolicyBinding",
        plural: "mutatingadmissionpolicybindings",
        singular: "mutatingadmissionpolicybinding",
        scope: Scope::Cluster,
        categories: &["api-extensions"],
        prefix: "mutatingadmissionpolicybindings",
        type_name: "admissionregistration.v1.MutatingAdmissionPolicyBinding",
        storage_version_hash: "90V5FRZZ3Zg=",
        rules: &rules::admissionregistration::MUTATING_POLICY_BINDING,
        columns: &columns::ADMISSION_POLICY_BINDING,
        ..BASE_ADMISSIONREGISTRATION
    },
    Row {
        kind: "MutatingWebhookConfiguration",
        plural: "mutatingwebhookconfigurations",
        singular: "mutatingwebhookconfiguration",
        scope: Scope::Cluster,
        categories: &["api-extensions"],
        prefix: "mutatingwebhookconfigurations",
        type_name: "admissionregistration.v1.MutatingWebhookConfiguration",
        storage_version_hash: "Sqi0GUgDaX0=",
        rules: &rules::admissionregistration::MUTATING_WEBHOOKS,
        columns: &columns::WEBHOOK_CONFIGURATION,
        ..BASE_ADMISSIONREGISTRATION
    },
    Row {
        kind: "ValidatingAdmissionPolicy",
        plural: "validatingadmissionpolicies",
        singular: "validatingadmissionpolicy",
        scope: Scope::Cluster,
        categories: &["api-extensions"],
        prefix: "validatingadmissionpolicies",
        type_name: "admissionregistration.v1.ValidatingAdmissionPolicy",
        storage_version_hash: "6OxvlMmQ6is=",
        subs: &[status("ValidatingAdmissionPolicy")],
        rules: &rules::admissionregistration::VALIDATING_POLICY,
        columns: &columns::VALIDATING_ADMISSION_POLICY,
        ..BASE_ADMISSIONREGISTRATION
    },
    Row {
        kind: "ValidatingAdmissionPolicyBinding",
        plural: "validatingadmissionpolicybindings",
        singular: "validatingadmissionpolicybinding",
        scope: Scope::Cluster,
        categories: &["api-extensions"],
        prefix: "validatingadmissionpolicybindings",
        type_name: "admissionregistration.v1.ValidatingAdmissionPolicyBinding",
        storage_version_hash: "v9715VZqakg=",
        rules: &rules::admissionregistration::VALIDATING_POLICY_BINDING,
        columns: &columns::ADMISSION_POLICY_BINDING,
        ..BASE_ADMISSIONREGISTRATION
    },
    Row {
        kind: "ValidatingWebhookConfiguration",
        plural: "validatingwebhookconfigurations",
        singular: "validatingwebhookconfiguration",
        scope: Scope::Cluster,
        categories: &["api-extensions"],
        prefix: "validatingwebhookconfigurations",
        type_name: "admissionregistration.v1.ValidatingWebhookConfiguration",
        storage_version_hash: "B0wHjQmsGNk=",
        rules: &rules::admissionregistration::VALIDATING_WEBHOOKS,
        columns: &columns::WEBHOOK_CONFIGURATION,
        ..BASE_ADMISSIONREGISTRATION
    },
];

const BASE_APIEXTENSIONS: Row = Row { group: "apiextensions.k8s.io", ..BASE };

pub(super) const APIEXTENSIONS: &[Row] = &[Row {
    kind: "CustomResourceDefinition",
    plural: "customresourcedefinitions",
    singular: "customresourcedefinition",
    scope: Scope::Cluster,
    short: &["crd", "crds"],
    categories: &["api-extensions"],
    prefix: "apiextensions.k8s.io/customresourcedefinitions",
    type_name: "apiextensions.v1.CustomResourceDefinition",
    storage_version_hash: "jfWCUB31mvA=",
    subs: &[status("CustomResourceDefinition")],
    rules: &rules::customresourcedefinition::RULES,
    columns: &GENERIC,
    ..BASE_APIEXTENSIONS
}];

const BASE_APIREGISTRATION: Row = Row { group: "apiregistration.k8s.io", ..BASE };

pub(super) const APIREGISTRATION: &[Row] = &[Row {
    kind: "APIService",
    plural: "apiservices",
    singular: "apiservice",
    scope: Scope::Cluster,
    categories: &["api-extensions"],
    prefix: "apiregistration.k8s.io/apiservices",
    type_name: "apiregistration.v1.APIService",
    storage_version_hash: "InPBPD7+PqM=",
    subs: &[status("APIService")],
    rules: &rules::apiservice::RULES,
    columns: &columns::API_SERVICE,
    ..BASE_APIREGISTRATION
}];

const BASE_FLOWCONTROL: Row = Row { group: "flowcontrol.apiserver.k8s.io", ..BASE };

pub(super) const FLOWCONTROL: &[Row] = &[
    Row {
        kind: "FlowSchema",
        plural: "flowschemas",
        singular: "flowschema",
        scope: Scope::Cluster,
        prefix: "flowschemas",
        type_name: "flowcontrol.v1.FlowSchema",
        storage_version_hash: "GJVAJZSZBIw=",
        subs: &[status("FlowSchema")],
        rules: &rules::flowcontrol::FLOW_SCHEMA,
        columns: &columns::FLOW_SCHEMA,
        ..BASE_FLOWCONTROL
    },
    Row {
        kind: "PriorityLevelConfiguration",
        plural: "prioritylevelconfigurations",
        singular: "prioritylevelconfiguration",
        scope: Scope::Cluster,
        prefix: "prioritylevelconfigurations",
        type_name: "flowcontrol.v1.PriorityLevelConfiguration",
        storage_version_hash: "Kir5PVfvNeI=",
        subs: &[status("PriorityLevelConfiguration")],
        rules: &rules::flowcontrol::PRIORITY_LEVEL,
        columns: &columns::PRIORITY_LEVEL_CONFIGURATION,
        ..BASE_FLOWCONTROL
    },
];
