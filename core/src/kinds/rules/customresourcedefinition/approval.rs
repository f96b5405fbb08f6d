//! Who approves of an API in a group of Kubernetes.
//! k8s: staging/src/k8s.io/apiextensions-apiserver/pkg/apihelpers/helpers.go,
//! pkg/controller/apiapproval/apiapproval_controller.go

use crate::kinds::validation::{Errors, Located};
use crate::value::{Value, quoted, url};
use alloc::format;
use alloc::string::String;

const ANNOTATION: &str = "api-approved.kubernetes.io";
const REFERENCE: &str = "https://github.com/kubernetes/enhancements/pull/1111";

/// What the annotation of a definition says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApprovalState {
    Missing,
    Bypassed,
    Approved,
    Invalid,
}

/// The approval that a definition has.
#[derive(Clone, Copy, Debug)]
pub struct Approval<'d> {
    annotation: &'d str,
    pub state: ApprovalState,
}

impl<'d> Approval<'d> {
    /// None for a definition whose group needs none.
    pub fn of(definition: &'d Value) -> Option<Self> {
        let group = definition.text_at(&["spec", "group"]);
        let is_of = |domain: &str| {
            group.strip_suffix(domain).is_some_and(|before| before.is_empty() || before.ends_with('.'))
        };
        (is_of("k8s.io") || is_of("kubernetes.io")).then(|| Self::read(definition))
    }

    fn read(definition: &'d Value) -> Self {
        let annotation = definition.text_at(&["metadata", "annotations", ANNOTATION]);
        let is_url =
            || url::Url::parse(annotation).is_ok_and(|url| !url.host.is_empty() && !url.scheme.is_empty());
        let state = match annotation {
            "" => ApprovalState::Missing,
            text if text.starts_with("unapproved") => ApprovalState::Bypassed,
            _ if is_url() => ApprovalState::Approved,
            _ => ApprovalState::Invalid,
        };
        Self { annotation, state }
    }

    /// The sentence about it.
    pub fn reason(&self) -> String {
        let name = quoted(ANNOTATION);
        match self.state {
            ApprovalState::Missing => {
                format!("protected groups must have approval annotation {name}, see {REFERENCE}")
            }
            ApprovalState::Bypassed => format!("not approved: {}", quoted(self.annotation)),
            ApprovalState::Approved => format!("approved in {}", self.annotation),
            ApprovalState::Invalid => format!(
                "protected groups must have approval annotation {name} with either a URL or a reason starting with \
                 \"unapproved\", see {REFERENCE}"
            ),
        }
    }

    /// Status, reason and message of the condition `KubernetesAPIApprovalPolicyConformant`.
    pub fn condition(&self) -> (&'static str, &'static str, String) {
        let (status, word) = match self.state {
            ApprovalState::Missing => ("False", "MissingAnnotation"),
            ApprovalState::Bypassed => ("False", "UnapprovedAnnotation"),
            ApprovalState::Approved => ("True", "ApprovedAnnotation"),
            ApprovalState::Invalid => ("False", "InvalidAnnotation"),
        };
        (status, word, self.reason())
    }
}

/// `old` is the definition before a change, null of a new one. What a definition lacked it may go on to lack.
pub(super) fn validate_approval(root: &Located<'_, '_>, old: &Value, errors: &mut Errors) {
    let Some(approval) = root.value().and_then(Approval::of) else { return };
    if !old.is_null() && Approval::read(old).state == approval.state {
        return;
    }
    let annotations = root.at(&["metadata", "annotations"]);
    let annotation = annotations.key(ANNOTATION);
    match approval.state {
        ApprovalState::Missing => errors.required(&annotation, approval.reason()),
        ApprovalState::Invalid => errors.invalid(&annotation, approval.reason()),
        ApprovalState::Bypassed | ApprovalState::Approved => {}
    }
}
