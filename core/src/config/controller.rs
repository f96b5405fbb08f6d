//! What the server does by itself, by name: the controllers that keep the objects which every cluster has.

/// A controller of the server itself. They stand in the order in which they begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Controller {
    /// System namespaces.
    Namespaces,
    /// The classes of pods without which a cluster does not work.
    PriorityClasses,
    /// The roles and bindings of the default policy.
    Roles,
    /// The `kubernetes` service, its address and its endpoints.
    Service,
}

impl Controller {
    pub const ALL: [Self; 4] = [Self::Namespaces, Self::PriorityClasses, Self::Roles, Self::Service];

    /// The name that logs and recordings of runs use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Namespaces => "system-namespaces",
            Self::PriorityClasses => "system-priority-classes",
            Self::Roles => "bootstrap-roles",
            Self::Service => "kubernetes-service",
        }
    }
}

/// A set of controllers, such as those that have written all that must exist when the server is ready.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Controllers(u32);

impl Controllers {
    /// All that a server runs.
    pub fn of(bootstrap: Bootstrap) -> Self {
        let runs = |controller: &Controller| bootstrap == Bootstrap::Whole || !controller.is_left_out();
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

    /// The controllers of the set, in their order.
    pub fn iter(self) -> impl Iterator<Item = Controller> {
        Controller::ALL.into_iter().filter(move |controller| self.has(*controller))
    }
}

/// How much a server makes for itself. Production servers make everything; it is not part of a recording.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Bootstrap {
    /// What requests need: namespaces, classes, and the service.
    #[default]
    Least,
    Whole,
}

impl Controller {
    /// Whether `Bootstrap::Least` goes without it.
    fn is_left_out(self) -> bool {
        match self {
            Self::Roles => true,
            Self::Namespaces | Self::PriorityClasses | Self::Service => false,
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
        assert!(least.with(Controller::Roles).has(Controller::Roles));
    }
}
