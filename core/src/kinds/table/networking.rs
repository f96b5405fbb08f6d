//! The rows of networking, discovery, storage and events.k8s.io.

use super::*;

const BASE_EVENTS: Row = Row { group: "events.k8s.io", ..BASE };

pub(super) const EVENTS: &[Row] = &[Row {
    kind: "Event",
    plural: "events",
    singular: "event",
    short: &["ev"],
    prefix: "events",
    type_name: "events.v1.Event",
    storage_version_hash: "r2yiGXH7wu8=",
    stored_as: Some(("", "v1")),
    conversion: Some(&convert::EVENT),
    rules: &rules::event::EVENTS_RULES,
    fields: fields::EVENTS_EVENT,
    columns: &columns::EVENT,
    ..BASE_EVENTS
}];

const BASE_NETWORKING: Row = Row { group: "networking.k8s.io", ..BASE };

pub(super) const NETWORKING: &[Row] = &[
    Row {
        kind: "IngressClass",
        plural: "ingressclasses",
        singular: "ingressclass",
        scope: Scope::Cluster,
        prefix: "ingressclasses",
        type_name: "networking.v1.IngressClass",
        storage_version_hash: "l/iqIbDgFyQ=",
        rules: &rules::ingress::CLASS,
        columns: &columns::INGRESS_CLASS,
        ..BASE_NETWORKING
    },
    Row {
        kind: "Ingress",
        plural: "ingresses",
        singular: "ingress",
        short: &["ing"],
        prefix: "ingress",
        type_name: "networking.v1.Ingress",
        storage_version_hash: "39NQlfNR+bo=",
        subs: &[status("Ingress")],
        rules: &rules::ingress::RULES,
        columns: &columns::INGRESS,
        ..BASE_NETWORKING
    },
    Row {
        kind: "IPAddress",
        plural: "ipaddresses",
        singular: "ipaddress",
        scope: Scope::Cluster,
        short: &["ip"],
        prefix: "ipaddresses",
        type_name: "networking.v1.IPAddress",
        storage_version_hash: "3f/plJFChNE=",
        rules: &rules::ipaddress::RULES,
        columns: &columns::IP_ADDRESS,
        ..BASE_NETWORKING
    },
    Row {
        kind: "NetworkPolicy",
        plural: "networkpolicies",
        singular: "networkpolicy",
        short: &["netpol"],
        prefix: "networkpolicies",
        type_name: "networking.v1.NetworkPolicy",
        storage_version_hash: "YpfwF18m1G8=",
        rules: &rules::networkpolicy::RULES,
        columns: &columns::NETWORK_POLICY,
        ..BASE_NETWORKING
    },
    Row {
        kind: "ServiceCIDR",
        plural: "servicecidrs",
        singular: "servicecidr",
        scope: Scope::Cluster,
        prefix: "servicecidrs",
        type_name: "networking.v1.ServiceCIDR",
        storage_version_hash: "gNLvruQhW2g=",
        subs: &[status("ServiceCIDR")],
        rules: &rules::servicecidr::RULES,
        columns: &columns::SERVICE_CIDR,
        ..BASE_NETWORKING
    },
];

const BASE_DISCOVERY: Row = Row { group: "discovery.k8s.io", ..BASE };

pub(super) const DISCOVERY: &[Row] = &[Row {
    kind: "EndpointSlice",
    plural: "endpointslices",
    singular: "endpointslice",
    prefix: "endpointslices",
    type_name: "discovery.v1.EndpointSlice",
    storage_version_hash: "qgS0xkrxYAI=",
    rules: &rules::endpointslice::RULES,
    columns: &columns::ENDPOINT_SLICE,
    ..BASE_DISCOVERY
}];

const BASE_STORAGE: Row = Row { group: "storage.k8s.io", ..BASE };

pub(super) const STORAGE: &[Row] = &[
    Row {
        kind: "CSIDriver",
        plural: "csidrivers",
        singular: "csidriver",
        scope: Scope::Cluster,
        prefix: "csidrivers",
        type_name: "storage.v1.CSIDriver",
        storage_version_hash: "hL6j/rwBV5w=",
        rules: &rules::storage::CSI_DRIVER,
        columns: &columns::CSI_DRIVER,
        ..BASE_STORAGE
    },
    Row {
        kind: "CSINode",
        plural: "csinodes",
        singular: "csinode",
        scope: Scope::Cluster,
        prefix: "csinodes",
        type_name: "storage.v1.CSINode",
        storage_version_hash: "Pe62DkZtjuo=",
        rules: &rules::storage::CSI_NODE,
        columns: &columns::CSI_NODE,
        ..BASE_STORAGE
    },
    Row {
        kind: "CSIStorageCapacity",
        plural: "csistoragecapacities",
        singular: "csistoragecapacity",
        prefix: "csistoragecapacities",
        type_name: "storage.v1.CSIStorageCapacity",
        storage_version_hash: "xeVl+2Ly1kE=",
        rules: &rules::storage::CSI_STORAGE_CAPACITY,
        columns: &GENERIC,
        ..BASE_STORAGE
    },
    Row {
        kind: "StorageClass",
        plural: "storageclasses",
        singular: "storageclass",
        scope: Scope::Cluster,
        short: &["sc"],
        prefix: "storageclasses",
        type_name: "storage.v1.StorageClass",
        storage_version_hash: "K+m6uJwbjGY=",
        rules: &rules::storage::STORAGE_CLASS,
        columns: &columns::STORAGE_CLASS,
        ..BASE_STORAGE
    },
    Row {
        kind: "VolumeAttachment",
        plural: "volumeattachments",
        singular: "volumeattachment",
        scope: Scope::Cluster,
        prefix: "volumeattachments",
        type_name: "storage.v1.VolumeAttachment",
        storage_version_hash: "tJx/ezt6UDU=",
        subs: &[status("VolumeAttachment")],
        rules: &rules::storage::VOLUME_ATTACHMENT,
        columns: &columns::VOLUME_ATTACHMENT,
        ..BASE_STORAGE
    },
    Row {
        kind: "VolumeAttributesClass",
        plural: "volumeattributesclasses",
        singular: "volumeattributesclass",
        scope: Scope::Cluster,
        short: &["vac"],
        prefix: "volumeattributesclasses",
        type_name: "storage.v1.VolumeAttributesClass",
        storage_version_hash: "tIjydgKBC5w=",
        rules: &rules::storage::VOLUME_ATTRIBUTES_CLASS,
        columns: &columns::VOLUME_ATTRIBUTES_CLASS,
        ..BASE_STORAGE
    },
];
