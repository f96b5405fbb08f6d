//! Historical bugs. A stand-in with the names of the real one.

/// A bug that can be put back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exhibit;

impl Exhibit {
    pub fn all() -> Vec<Self> {
        vec![Self]
    }

    pub fn name(self) -> &'static str {
        "canary"
    }

    pub fn issue(self) -> &'static str {
        "none"
    }

    pub fn sentence(self) -> &'static str {
        "An update is lost after three lost replies."
    }

    /// Seeds within which it must be found.
    pub fn budget(self) -> u64 {
        1000
    }
}
