//! ServiceCIDRs and IPAddresses.
//! k8s: pkg/registry/networking/servicecidr/strategy.go, ipaddress/strategy.go

use super::status;
use crate::kinds::Rules;
use crate::value::names;

pub static RULES: Rules = Rules { subresources: &[("status", status::STATUS_ALONE)], ..status::SPLIT };
pub static IP_ADDRESS: Rules = Rules { name: names::ip_address, ..Rules::PLAIN };
