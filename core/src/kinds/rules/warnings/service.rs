//! Warnings about services.
//! k8s: pkg/api/service/warnings.go

use super::{address, items, path};
use crate::kinds::rules::service::{has_cluster_ip, is_headless};
use crate::value::{Value, object};
use alloc::string::String;
use alloc::vec::Vec;

pub(in crate::kinds) fn warn(service: &Value, _old: Option<&Value>) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut say = |text: &str| out.push(text.into());
    let spec = service.field("spec").unwrap_or(&Value::Null);
    let text = |field: &str| spec.text_at(&[field]);
    let external_ips = items(spec, &["externalIPs"]);
    // Upstream asks for the type here, not for any type that has a cluster IP.
    let headless = is_headless(spec) && text("type") == "ClusterIP";
    let external_name = text("type") == "ExternalName";
    if object::annotation(service, "service.kubernetes.io/topology-aware-hints").is_some() {
        say("annotation service.kubernetes.io/topology-aware-hints is deprecated, please use \
             service.kubernetes.io/topology-mode instead");
    }
    let at = |field: &str| path(&["spec", field]);
    if has_cluster_ip(spec) && !matches!(text("clusterIP"), "" | "None") {
        address::ips(&at("clusterIPs"), items(spec, &["clusterIPs"]), &[], &mut out);
    }
    let mut say = |text: &str| out.push(text.into());
    if headless {
        if !text("loadBalancerIP").is_empty() {
            say("spec.loadBalancerIP is ignored for headless services");
        }
        if !external_ips.is_empty() {
            say("spec.externalIPs is ignored for headless services");
        }
        if text("sessionAffinity") != "None" {
            say("spec.SessionAffinity is ignored for headless services");
        }
    }
    address::ips(&at("externalIPs"), external_ips, &[], &mut out);
    if !external_ips.is_empty() && !headless && !external_name {
        out.push("spec.externalIPs is deprecated and may no longer be implemented in some clusters".into());
    }
    address::ip(&at("loadBalancerIP"), text("loadBalancerIP"), &mut out);
    let ranges = items(spec, &["loadBalancerSourceRanges"]);
    address::cidrs(&at("loadBalancerSourceRanges"), ranges, &mut out);
    let mut say = |text: &str| out.push(text.into());
    if external_name && !external_ips.is_empty() {
        say("spec.externalIPs is ignored when spec.type is \"ExternalName\"");
    }
    if !external_name && !text("externalName").is_empty() {
        say("spec.externalName is ignored when spec.type is not \"ExternalName\"");
    }
    if text("trafficDistribution") == "PreferClose" {
        say("spec.trafficDistribution: \"PreferClose\" is deprecated; use \"PreferSameZone\"");
    }
    out
}
