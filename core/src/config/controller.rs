//! What the server does by itself, by name: the controllers that keep the objects which every cluster has.

/// A controller of the server itself. They stand in the order in which they begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Controller {
    /// System namespaces.
    Namespaces,
    /// What API servers that are to trust the same clients read.
    TrustedClients,
    /// The lease that shows that this server lives.
    IdentityLease,
    /// Removes the leases of servers that are long gone.
    IdentityCollector,
    /// Since when the use of legacy tokens is noted.
    TokenTracking,
    /// The roles and bindings of the default policy.
    Roles,
    /// The classes of pods without which a cluster does not work.
    PriorityClasses,
    /// Flow schemas and priority levels.
    FlowControl,
    /// Whether the priority levels exist that flow schemas name.
    FlowSchemaStatus,
    /// The ranges that services get their addresses from.
    ServiceRange,
    /// The `kubernetes` service, its address and its endpoints.
    Service,
    /// The groups and versions that this server serves.
    ApiServices,
    /// Whether the groups and versions are available that other servers serve.
    RemoteApiServices,
    /// Definitions of custom resources: their names, and the objects of those that go.
    Definitions,
}

impl Controller {
    pub const ALL: [Self; 14] = [
        Self::Namespaces,
        Self::TrustedClients,
        Self::IdentityLease,
        Self::IdentityCollector,
        Self::TokenTracking,
        Self::Roles,
        Self::PriorityClasses,
        Self::FlowControl,
        Self::FlowSchemaStatus,
        Self::ServiceRange,
        Self::Service,
        Self::ApiServices,
        Self::RemoteApiServices,
        Self::Definitions,
    ];

    /// The name that logs and traces use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Namespaces => "system-namespaces",
            Self::TrustedClients => "cluster-authentication-info",
            Self::IdentityLease => "identity-lease",
            Self::IdentityCollector => "identity-lease-garbage-collector",
            Self::TokenTracking => "legacy-token-tracking",
            Self::Roles => "bootstrap-roles",
            Self::PriorityClasses => "system-priority-classes",
            Self::FlowControl => "priority-and-fairness-config-producer",
            Self::FlowSchemaStatus => "priority-and-fairness-config-consumer",
            Self::ServiceRange => "kubernetes-service-cidr",
            Self::Service => "kubernetes-service",
            Self::ApiServices => "api-services",
            Self::RemoteApiServices => "remote-api-services",
            Self::Definitions => "custom-resource-definitions",
        }
    }

    /// Whether the objects that it writes at once do not need each other. A service needs its address.
    pub fn writes_apart(self) -> bool {
        self != Self::Service
    }

    /// Milliseconds after which it looks again although nothing has changed; None for one that only acts at the start.
    pub fn interval_millis(self) -> Option<u64> {
        match self {
            Self::IdentityLease | Self::ServiceRange | Self::Service => Some(10_000),
            Self::Namespaces | Self::TrustedClients | Self::FlowControl => Some(60_000),
            Self::TokenTracking => Some(1_800_000),
            Self::IdentityCollector => Some(3_600_000),
            Self::Roles
            | Self::PriorityClasses
            | Self::FlowSchemaStatus
            | Self::ApiServices
            | Self::RemoteApiServices
            | Self::Definitions => None,
        }
    }

    /// The resources whose changes it looks at, by group and plural, and the name of the only object that matters to
    /// it; empty for all.
    pub fn watches(self) -> &'static [(&'static str, &'static str, &'static str)] {
        match self {
            Self::TrustedClients => &[("", "configmaps", "extension-apiserver-authentication")],
            Self::TokenTracking => {
                &[("", "configmaps", "kube-apiserver-legacy-service-account-token-tracking")]
            }
            Self::FlowSchemaStatus => &[
                ("flowcontrol.apiserver.k8s.io", "flowschemas", ""),
                ("flowcontrol.apiserver.k8s.io", "prioritylevelconfigurations", ""),
            ],
            Self::ApiServices => &[("apiregistration.k8s.io", "apiservices", "")],
            Self::RemoteApiServices => &[
                ("apiregistration.k8s.io", "apiservices", ""),
                ("", "services", ""),
                ("discovery.k8s.io", "endpointslices", ""),
            ],
            Self::Definitions => &[("apiextensions.k8s.io", "customresourcedefinitions", "")],
            Self::Namespaces
            | Self::IdentityLease
            | Self::IdentityCollector
            | Self::Roles
            | Self::PriorityClasses
            | Self::FlowControl
            | Self::ServiceRange
            | Self::Service => &[],
        }
    }
}

/// A set of controllers, such as those that have written all that must exist when the server is ready.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Controllers(u32);

impl Controllers {
    pub const ALL: Self = Self((1 << Controller::ALL.len()) - 1);

    /// All that a server runs.
    pub fn of(bootstrap: Bootstrap) -> Self {
        let runs = |controller: &Controller| match bootstrap {
            Bootstrap::Whole => true,
            Bootstrap::Extensible => *controller == Controller::Definitions || !controller.is_left_out(),
            Bootstrap::Least => !controller.is_left_out(),
        };
        Controller::ALL.into_iter().filter(runs).fold(Self::default(), Self::with)
    }

    #[must_use]
    pub fn with(self, controller: Controller) -> Self {
        Self(self.0 | 1 << controller as u32)
    }

    pub fn has(self, controller: Controller) -> bool {
        self.0 & 1 << controller as u32 != 0
    }

    /// Whether all of the others are in this set too.
    pub fn covers(self, others: Self) -> bool {
        self.0 & others.0 == others.0
    }

    /// All that are not in this set.
    #[must_use]
    pub fn others(self) -> Self {
        Controller::ALL.into_iter().filter(|held| !self.has(*held)).fold(Self::default(), Self::with)
    }

    /// The controllers of the set, in their order.
    pub fn iter(self) -> impl Iterator<Item = Controller> {
        Controller::ALL.into_iter().filter(move |controller| self.has(*controller))
    }
}

/// How much a server makes for itself. Production servers make everything; it is not part of a recording.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Bootstrap {
    /// What requests need: namespaces, classes, the range of addresses, and the service.
    #[default]
    Least,
    /// As `Least`, and definitions of custom resources are established.
    Extensible,
    Whole,
}

impl Controller {
    /// Whether `Bootstrap::Least` goes without it.
    fn is_left_out(self) -> bool {
        match self {
            Self::Namespaces | Self::PriorityClasses | Self::ServiceRange | Self::Service => false,
            Self::TrustedClients
            | Self::IdentityLease
            | Self::IdentityCollector
            | Self::TokenTracking
            | Self::Roles
            | Self::FlowControl
            | Self::FlowSchemaStatus
            | Self::ApiServices
            | Self::RemoteApiServices
            | Self::Definitions => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn a_set_holds_what_was_put_into_it() {
        let whole = Controllers::of(Bootstrap::Whole);
        assert_eq!(whole.iter().collect::<Vec<_>>(), Controller::ALL);
        let least = Controllers::of(Bootstrap::Least);
        assert!(whole.covers(least) && !least.covers(whole) && !least.has(Controller::Roles));
        assert!(least.others().has(Controller::Roles) && !least.others().has(Controller::Service));
        assert!(least.with(Controller::Roles).has(Controller::Roles));
    }
}
