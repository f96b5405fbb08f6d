//! What plugins that may change an object know of each other: those that have seen it before another one changed it are
//! asked once more.
//! k8s: staging/src/k8s.io/apiserver/pkg/admission/attributes.go reinvocationContext,
//! staging/src/k8s.io/apiserver/pkg/admission/plugin/webhook/mutating/reinvocationcontext.go,
//! staging/src/k8s.io/apiserver/pkg/admission/plugin/policy/mutating/reinvocationcontext.go

use crate::value::{Text, Value};
use alloc::collections::BTreeSet;

/// What is known while plugins are asked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reinvocation {
    /// All are being asked for the second time.
    is_again: bool,
    /// A later plugin has changed what an earlier one has seen.
    is_wanted: bool,
    /// What the plugin for policies remembers.
    #[allow(dead_code, reason = "mutating policies use it next")]
    pub(super) policies: Reinvocable,
    /// What the plugin for webhooks remembers.
    pub(super) webhooks: Reinvocable,
}

impl Reinvocation {
    /// Whether plugins are being asked for the second time.
    pub(super) fn is_again(&self) -> bool {
        self.is_again
    }

    /// An object was changed: all plugins are asked again afterwards, though only once.
    pub(super) fn want(&mut self) {
        self.is_wanted = true;
    }

    /// Whether all plugins are to be asked again now. That happens once.
    pub(super) fn begins_again(&mut self) -> bool {
        let begins = self.is_wanted && !self.is_again;
        self.is_again |= begins;
        begins
    }
}

/// Which of a plugin's own parts (webhooks, policies with their bindings) are to be asked again, by their keys. Only
/// those take part whose policy is `IfNeeded`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reinvocable {
    /// The object as the plugin has last left it.
    left: Value,
    /// Parts that have been asked and would have to be asked again after a change.
    asked: BTreeSet<Text>,
    /// Parts that are to be asked again.
    again: BTreeSet<Text>,
}

impl Reinvocable {
    /// Whether a part is to be asked again.
    pub(super) fn is_due(&self, part: &str) -> bool {
        self.again.contains(part)
    }

    /// Whether others have changed the object since the plugin left it.
    pub(super) fn is_changed(&self, object: &Value) -> bool {
        self.left != *object
    }

    /// The plugin has come to its end with this object.
    pub(super) fn leave(&mut self, object: &Value) {
        self.left = object.clone();
    }

    /// A part has been asked that may be asked again.
    pub(super) fn note(&mut self, part: &str) {
        self.asked.insert(part.into());
    }

    /// The object has changed: the parts that were asked before are to be asked again.
    pub(super) fn require(&mut self) {
        self.again.append(&mut self.asked);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_that_may_be_asked_again_are_asked_once_more_after_a_change() {
        let mut plugins = Reinvocation::default();
        let webhooks = &mut plugins.webhooks;
        webhooks.note("first");
        assert!(!webhooks.is_due("first"));
        webhooks.require();
        webhooks.note("second");
        assert!(webhooks.is_due("first") && !webhooks.is_due("second"));
        webhooks.leave(&Value::Int(1));
        assert!(webhooks.is_changed(&Value::Int(2)) && !webhooks.is_changed(&Value::Int(1)));
        assert!(!plugins.begins_again(), "nobody has changed the object");
        plugins.want();
        assert!(plugins.begins_again() && plugins.is_again());
        plugins.want();
        assert!(!plugins.begins_again(), "all are asked again only once");
    }
}
