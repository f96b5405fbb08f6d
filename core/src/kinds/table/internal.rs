//! Rows that no client sees: they are stored, followed and cached like others, and not served.

use super::*;

pub(super) const INTERNAL: &[Row] = &[
    // k8s: pkg/controlplane/reconcilers/lease.go
    Row {
        kind: "Endpoints",
        plural: "masterleases",
        singular: "endpoints",
        scope: Scope::Cluster,
        verbs: &[],
        prefix: "masterleases",
        type_name: "core.v1.Endpoints",
        internal: true,
        ..BASE
    },
    // k8s: pkg/registry/core/service/allocator/storage/storage.go
    Row {
        kind: "RangeAllocation",
        plural: "servicenodeportallocations",
        singular: "rangeallocation",
        scope: Scope::Cluster,
        verbs: &[],
        prefix: "ranges",
        type_name: "core.v1.RangeAllocation",
        internal: true,
        ..BASE
    },
];
