//! The name of a field manager, in requests and in metadata.managedFields.
//! k8s: staging/src/k8s.io/apimachinery/pkg/apis/meta/v1/validation/validation.go ValidateFieldManager

use crate::status::Causes;
use crate::value::{Text, Value};
use alloc::format;
use core::fmt::Display;

/// Longest name of a field manager, bytes.
pub const FIELD_MANAGER_BYTES: usize = 128;

/// The name of a field manager: bounded, printable.
pub fn validate_field_manager(name: &str, path: &dyn Display, causes: &mut Causes) {
    if name.len() > FIELD_MANAGER_BYTES {
        causes.too_long(path, FIELD_MANAGER_BYTES);
    }
    for (at, character) in name.char_indices().filter(|(_, character)| !is_print(*character)) {
        if causes.is_full() {
            return;
        }
        let detail = format!("invalid character U+{:04X} (at position {at})", u32::from(character));
        causes.invalid(path, &Value::Str(Text::from(name)), &detail);
    }
}

/// Whom a write is counted as: the given name, or else the name that the client's program gives itself.
/// k8s: staging/src/k8s.io/apiserver/pkg/endpoints/handlers/create.go managerOrUserAgent
pub fn manager_or_user_agent(manager: &str, user_agent: &str) -> Text {
    if !manager.is_empty() {
        return manager.into();
    }
    let program = user_agent.split('/').next().unwrap_or_default();
    let mut name = Text::default();
    for character in program.chars().filter(|character| is_print(*character)) {
        if name.len() + character.len_utf8() > FIELD_MANAGER_BYTES {
            break;
        }
        name.push(character);
    }
    name
}

/// Go's unicode.IsPrint, as near as the standard library's tables allow: no control, format, private
/// or unassigned characters, and of spaces only U+0020.
fn is_print(character: char) -> bool {
    const NOT_PRINTED: [core::ops::RangeInclusive<char>; 9] = [
        '\u{ad}'..='\u{ad}',
        '\u{200b}'..='\u{200f}',
        '\u{202a}'..='\u{202e}',
        '\u{2060}'..='\u{206f}',
        '\u{e000}'..='\u{f8ff}',
        '\u{feff}'..='\u{feff}',
        '\u{fff0}'..='\u{fffb}',
        '\u{fffe}'..='\u{ffff}',
        '\u{e0000}'..='\u{10ffff}',
    ];
    let spaced = character.is_whitespace() && character != ' ';
    !character.is_control() && !spaced && !NOT_PRINTED.iter().any(|range| range.contains(&character))
}
