//! The rows of what runs and what it needs: apps, autoscaling, batch, policy, scheduling, coordination,
//! node, resource.

use super::*;

const BASE_APPS: Row = Row { group: "apps", ..BASE };

pub(super) const APPS: &[Row] = &[
    Row {
        kind: "ControllerRevision",
        plural: "controllerrevisions",
        singular: "controllerrevision",
        prefix: "controllerrevisions",
        type_name: "apps.v1.ControllerRevision",
        storage_version_hash: "85nkx63pcBU=",
        rules: &rules::controllerrevision::RULES,
        columns: &columns::CONTROLLER_REVISION,
        ..BASE_APPS
    },
    Row {
        kind: "DaemonSet",
        plural: "daemonsets",
        singular: "daemonset",
        short: &["ds"],
        categories: &["all"],
        prefix: "daemonsets",
        type_name: "apps.v1.DaemonSet",
        storage_version_hash: "dd7pWHUlMKQ=",
        subs: &[status("DaemonSet")],
        rules: &rules::daemonset::RULES,
        columns: &columns::DAEMON_SET,
        ..BASE_APPS
    },
    Row {
        kind: "Deployment",
        plural: "deployments",
        singular: "deployment",
        short: &["deploy"],
        categories: &["all"],
        prefix: "deployments",
        type_name: "apps.v1.Deployment",
        storage_version_hash: "8aSe+NMegvE=",
        subs: &[SCALE, status("Deployment")],
        rules: &rules::deployment::RULES,
        columns: &columns::DEPLOYMENT,
        ..BASE_APPS
    },
    Row {
        kind: "ReplicaSet",
        plural: "replicasets",
        singular: "replicaset",
        short: &["rs"],
        categories: &["all"],
        prefix: "replicasets",
        type_name: "apps.v1.ReplicaSet",
        storage_version_hash: "P1RzHs8/mWQ=",
        subs: &[SCALE, status("ReplicaSet")],
        rules: &rules::replicaset::RULES,
        columns: &columns::REPLICA_SET,
        ..BASE_APPS
    },
    Row {
        kind: "StatefulSet",
        plural: "statefulsets",
        singular: "statefulset",
        short: &["sts"],
        categories: &["all"],
        prefix: "statefulsets",
        type_name: "apps.v1.StatefulSet",
        storage_version_hash: "H+vl74LkKdo=",
        subs: &[SCALE, status("StatefulSet")],
        rules: &rules::statefulset::RULES,
        columns: &columns::STATEFUL_SET,
        ..BASE_APPS
    },
];

const BASE_AUTOSCALING: Row = Row { group: "autoscaling", ..BASE };

pub(super) const AUTOSCALING: &[Row] = &[
    Row {
        version: "v2",
        kind: "HorizontalPodAutoscaler",
        plural: "horizontalpodautoscalers",
        singular: "horizontalpodautoscaler",
        short: &["hpa"],
        categories: &["all"],
        prefix: "horizontalpodautoscalers",
        type_name: "autoscaling.v2.HorizontalPodAutoscaler",
        storage_version_hash: "qwQve8ut294=",
        subs: &[status("HorizontalPodAutoscaler")],
        rules: &rules::horizontalpodautoscaler::RULES,
        columns: &columns::HORIZONTAL_POD_AUTOSCALER,
        ..BASE_AUTOSCALING
    },
    Row {
        kind: "HorizontalPodAutoscaler",
        plural: "horizontalpodautoscalers",
        singular: "horizontalpodautoscaler",
        short: &["hpa"],
        categories: &["all"],
        prefix: "horizontalpodautoscalers",
        type_name: "autoscaling.v1.HorizontalPodAutoscaler",
        storage_version_hash: "qwQve8ut294=",
        stored_as: Some(("autoscaling", "v2")),
        conversion: Some(&convert::HORIZONTAL_POD_AUTOSCALER),
        subs: &[status("HorizontalPodAutoscaler")],
        rules: &rules::horizontalpodautoscaler::V1_RULES,
        columns: &columns::HORIZONTAL_POD_AUTOSCALER,
        ..BASE_AUTOSCALING
    },
];

const BASE_BATCH: Row = Row { group: "batch", ..BASE };

pub(super) const BATCH: &[Row] = &[
    Row {
        kind: "CronJob",
        plural: "cronjobs",
        singular: "cronjob",
        short: &["cj"],
        categories: &["all"],
        prefix: "cronjobs",
        type_name: "batch.v1.CronJob",
        storage_version_hash: "sd5LIXh4Fjs=",
        subs: &[status("CronJob")],
        rules: &rules::cronjob::RULES,
        columns: &columns::CRON_JOB,
        ..BASE_BATCH
    },
    Row {
        kind: "Job",
        plural: "jobs",
        singular: "job",
        categories: &["all"],
        prefix: "jobs",
        type_name: "batch.v1.Job",
        storage_version_hash: "mudhfqk/qZY=",
        subs: &[status("Job")],
        rules: &rules::job::RULES,
        fields: fields::JOB,
        columns: &columns::JOB,
        ..BASE_BATCH
    },
];

const BASE_POLICY: Row = Row { group: "policy", ..BASE };

pub(super) const POLICY: &[Row] = &[Row {
    kind: "PodDisruptionBudget",
    plural: "poddisruptionbudgets",
    singular: "poddisruptionbudget",
    short: &["pdb"],
    prefix: "poddisruptionbudgets",
    type_name: "policy.v1.PodDisruptionBudget",
    storage_version_hash: "EVWiDmWqyJw=",
    subs: &[status("PodDisruptionBudget")],
    rules: &rules::poddisruptionbudget::RULES,
    columns: &columns::POD_DISRUPTION_BUDGET,
    ..BASE_POLICY
}];

const BASE_SCHEDULING: Row = Row { group: "scheduling.k8s.io", ..BASE };

pub(super) const SCHEDULING: &[Row] = &[Row {
    kind: "PriorityClass",
    plural: "priorityclasses",
    singular: "priorityclass",
    scope: Scope::Cluster,
    short: &["pc"],
    prefix: "priorityclasses",
    type_name: "scheduling.v1.PriorityClass",
    storage_version_hash: "1QwjyaZjj3Y=",
    rules: &rules::priorityclass::RULES,
    columns: &columns::PRIORITY_CLASS,
    ..BASE_SCHEDULING
}];

const BASE_COORDINATION: Row = Row { group: "coordination.k8s.io", ..BASE };

pub(super) const COORDINATION: &[Row] = &[Row {
    kind: "Lease",
    plural: "leases",
    singular: "lease",
    prefix: "leases",
    type_name: "coordination.v1.Lease",
    storage_version_hash: "gqkMMb/YqFM=",
    rules: &rules::lease::RULES,
    columns: &columns::LEASE,
    ..BASE_COORDINATION
}];

const BASE_NODE: Row = Row { group: "node.k8s.io", ..BASE };

pub(super) const NODE: &[Row] = &[Row {
    kind: "RuntimeClass",
    plural: "runtimeclasses",
    singular: "runtimeclass",
    scope: Scope::Cluster,
    prefix: "runtimeclasses",
    type_name: "node.v1.RuntimeClass",
    storage_version_hash: "WQTu1GL3T2Q=",
    rules: &rules::runtimeclass::RULES,
    columns: &columns::RUNTIME_CLASS,
    ..BASE_NODE
}];

const BASE_RESOURCE: Row = Row { group: "resource.k8s.io", ..BASE };

pub(super) const RESOURCE: &[Row] = &[
    Row {
        kind: "DeviceClass",
        plural: "deviceclasses",
        singular: "deviceclass",
        scope: Scope::Cluster,
        prefix: "deviceclasses",
        type_name: "resource.v1.DeviceClass",
        storage_version_hash: "Yk2PTc1Ybxk=",
        rules: &rules::resource::DEVICE_CLASS,
        columns: &columns::DEVICE_CLASS,
        ..BASE_RESOURCE
    },
    Row {
        kind: "ResourceClaim",
        plural: "resourceclaims",
        singular: "resourceclaim",
        prefix: "resourceclaims",
        type_name: "resource.v1.ResourceClaim",
        storage_version_hash: "wgAZaHcZxUg=",
        subs: &[status("ResourceClaim")],
        rules: &rules::resource::CLAIM,
        columns: &columns::RESOURCE_CLAIM,
        ..BASE_RESOURCE
    },
    Row {
        kind: "ResourceClaimTemplate",
        plural: "resourceclaimtemplates",
        singular: "resourceclaimtemplate",
        prefix: "resourceclaimtemplates",
        type_name: "resource.v1.ResourceClaimTemplate",
        storage_version_hash: "TuzjC49aUfM=",
        rules: &rules::resource::CLAIM_TEMPLATE,
        columns: &columns::RESOURCE_CLAIM_TEMPLATE,
        ..BASE_RESOURCE
    },
    Row {
        kind: "ResourceSlice",
        plural: "resourceslices",
        singular: "resourceslice",
        scope: Scope::Cluster,
        prefix: "resourceslices",
        type_name: "resource.v1.ResourceSlice",
        storage_version_hash: "KsC072WgaEY=",
        rules: &rules::resource::SLICE,
        fields: fields::RESOURCE_SLICE,
        columns: &columns::RESOURCE_SLICE,
        ..BASE_RESOURCE
    },
];
