//! Where a value stands in what is decoded, as errors name it.

use super::TypeDef;
use alloc::format;
use alloc::string::String;

/// Where a value stands, as a chain up to the root.
pub(super) enum Location<'p> {
    Root,
    Field { above: &'p Self, name: &'p str, owner: &'p TypeDef },
    Key { above: &'p Self, name: &'p str },
    Index { above: &'p Self, index: usize },
}

impl Location<'_> {
    /// As strict errors name it: `spec.containers[0].name`.
    pub(super) fn dotted(&self, out: &mut String) {
        match self {
            Self::Root => {}
            Self::Field { above, name, .. } | Self::Key { above, name } => {
                above.dotted(out);
                if !out.is_empty() {
                    out.push('.');
                }
                out.push_str(name);
            }
            Self::Index { above, index } => {
                above.dotted(out);
                out.push_str(&format!("[{index}]"));
            }
        }
    }

    /// As Go's decoder names it: struct fields only, `spec.containers.name`.
    pub(super) fn go_fields(&self, out: &mut String) {
        match self {
            Self::Root => {}
            Self::Field { above, name, owner } => {
                above.go_fields(out);
                if !out.is_empty() {
                    out.push('.');
                }
                if let Some(embedded) = owner.field(name).and_then(|field| field.inline) {
                    out.push_str(embedded);
                    out.push('.');
                }
                out.push_str(name);
            }
            Self::Key { above, .. } | Self::Index { above, .. } => above.go_fields(out),
        }
    }

    /// Go's own name for the text here, or for the list of texts.
    pub(super) fn go_type(&self, list: bool) -> Option<&'static str> {
        let (owner, name) = self.owner()?;
        let go_type = owner.field(name)?.go_type?;
        if list { Some(go_type) } else { Some(go_type.strip_prefix("[]").unwrap_or(go_type)) }
    }

    /// The struct and the field that a value stands in.
    pub(super) fn owner(&self) -> Option<(&TypeDef, &str)> {
        match self {
            Self::Root => None,
            Self::Field { owner, name, .. } => Some((owner, name)),
            Self::Key { above, .. } | Self::Index { above, .. } => above.owner(),
        }
    }
}
