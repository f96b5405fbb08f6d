//! Warnings about services.
//! k8s: pkg/api/service/warnings.go

use super::super::warnings::address;
use super::kind::{has_cluster_ip, is_headless};
use crate::kinds::Facts;
use crate::kinds::validation::Located;
use crate::value::Value;
use alloc::string::String;
use alloc::vec::Vec;

pub(super) fn warn(service: &Located<'_, '_>, _facts: &Facts<'_>, out: &mut Vec<String>) {
    let annotations = service.at(&["metadata", "annotations"]);
    let spec = service.member("spec");
    let external_ips = spec.member("externalIPs");
    let kind = spec.member("type").text();
    let external_name = kind == "ExternalName";
    let held = spec.value().unwrap_or(&Value::Null);
    // Upstream asks for the type here, not for any type that has a cluster IP.
    let headless = is_headless(held) && kind == "ClusterIP";
    if annotations.key("service.kubernetes.io/topology-aware-hints").is_set() {
        out.push(
            "annotation service.kubernetes.io/topology-aware-hints is deprecated, please use \
             service.kubernetes.io/topology-mode instead"
                .into(),
        );
    }
    if has_cluster_ip(held) && !matches!(spec.member("clusterIP").text(), "" | "None") {
        address::ips(&spec.member("clusterIPs"), &[], out);
    }
    if headless {
        if !spec.member("loadBalancerIP").is_empty() {
            out.push("spec.loadBalancerIP is ignored for headless services".into());
        }
        if !external_ips.is_empty() {
            out.push("spec.externalIPs is ignored for headless services".into());
        }
        if spec.member("sessionAffinity").text() != "None" {
            out.push("spec.SessionAffinity is ignored for headless services".into());
        }
    }
    address::ips(&external_ips, &[], out);
    if !external_ips.is_empty() && !headless && !external_name {
        out.push("spec.externalIPs is deprecated and may no longer be implemented in some clusters".into());
    }
    let load_balancer_ip = spec.member("loadBalancerIP");
    address::ip(&load_balancer_ip, load_balancer_ip.text(), out);
    address::cidrs(&spec.member("loadBalancerSourceRanges"), out);
    if external_name && !external_ips.is_empty() {
        out.push("spec.externalIPs is ignored when spec.type is \"ExternalName\"".into());
    }
    if !external_name && !spec.member("externalName").is_empty() {
        out.push("spec.externalName is ignored when spec.type is not \"ExternalName\"".into());
    }
    if spec.member("trafficDistribution").text() == "PreferClose" {
        out.push("spec.trafficDistribution: \"PreferClose\" is deprecated; use \"PreferSameZone\"".into());
    }
}
