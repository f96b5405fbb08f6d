//! ServiceCIDRs and IPAddresses.
//! k8s: pkg/registry/networking/servicecidr/strategy.go, ipaddress/strategy.go

use crate::kinds::{Rules, names};

/// Unlike other kinds with a status, creation and update leave the status as it is sent.
pub static RULES: Rules = Rules::PLAIN;
pub static IP_ADDRESS: Rules = Rules { name: names::ip_address, ..Rules::PLAIN };
