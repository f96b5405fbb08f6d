//! The warnings of one request, and the headers that are made of them.
//! k8s: staging/src/k8s.io/apiserver/pkg/endpoints/filters/warning.go, apimachinery/pkg/util/net/http.go

use super::Response;
use crate::limits;
use alloc::collections::BTreeSet;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// The warnings for a client, each text once, in the order in which they were added. The response carries them
/// whether the request succeeds or fails.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Warnings {
    known: BTreeSet<String>,
    ordered: Vec<String>,
    /// How many characters of the texts are sent.
    sent_characters: usize,
    /// The texts exceed the limit, so each of them is cut.
    cuts: bool,
}

impl Warnings {
    pub(crate) fn add(&mut self, text: &str) {
        let is_full = self.cuts && self.sent_characters >= limits::WARNING_CHARACTERS;
        if text.is_empty() || is_full || self.known.contains(text) {
            return;
        }
        self.known.insert(text.to_string());
        self.ordered.push(text.to_string());
        let characters = if self.cuts { sent(cut(text)) } else { sent(text) };
        if self.cuts || self.sent_characters + characters <= limits::WARNING_CHARACTERS {
            self.sent_characters += characters;
            return;
        }
        self.cuts = true;
        self.sent_characters = self.ordered.iter().map(|text| sent(cut(text))).sum();
    }

    pub(crate) fn extend<T: AsRef<str>>(&mut self, texts: impl IntoIterator<Item = T>) {
        texts.into_iter().for_each(|text| self.add(text.as_ref()));
    }

    /// The response with a header for each warning that a header can hold.
    pub(crate) fn on(&self, mut response: Response) -> Response {
        for text in &self.ordered {
            let text = if self.cuts { cut(text) } else { text };
            if fits_header(text) {
                response = response.with_header("warning", header_value(text));
            }
        }
        response
    }
}

/// How many characters of a text are sent; 0 if it is left out.
fn sent(text: &str) -> usize {
    if fits_header(text) { text.chars().count() } else { 0 }
}

fn fits_header(text: &str) -> bool {
    !text.chars().any(char::is_control)
}

fn cut(text: &str) -> &str {
    let end = text.char_indices().nth(limits::WARNING_ITEM_CHARACTERS).map_or(text.len(), |(at, _)| at);
    &text[..end]
}

/// `299 - "text"`, quoted as RFC 7234 has it.
fn header_value(text: &str) -> String {
    let mut out = String::from("299 - \"");
    for character in text.chars() {
        if matches!(character, '"' | '\\') {
            out.push('\\');
        }
        out.push(character);
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The texts of the headers for these warnings.
    fn headers(texts: &[&str]) -> Vec<String> {
        let mut warnings = Warnings::default();
        warnings.extend(texts);
        let response = warnings.on(Response::json(200, ""));
        response.headers.into_iter().filter(|(name, _)| name == "warning").map(|(_, value)| value).collect()
    }

    fn of(letter: &str, count: usize) -> String {
        letter.repeat(count)
    }

    #[test]
    fn each_text_is_sent_once_and_quoted() {
        let sent = headers(&["b", "a \"quoted\\\" ö", "b", "", "a"]);
        assert_eq!(sent, ["299 - \"b\"", "299 - \"a \\\"quoted\\\\\\\" ö\"", "299 - \"a\""]);
    }

    #[test]
    fn a_text_with_control_characters_is_left_out() {
        assert_eq!(headers(&["a\nb", "\u{7f}", "c\u{85}d", "e"]), ["299 - \"e\""]);
    }

    #[test]
    fn many_texts_are_cut_and_the_rest_is_dropped() {
        let fits = of("ö", 4096);
        assert_eq!(headers(&[&fits]), [alloc::format!("299 - \"{fits}\"")]);
        let long = of("ö", 4097);
        assert_eq!(headers(&[&long]), [alloc::format!("299 - \"{}\"", of("ö", 256))]);

        let texts: Vec<String> = (0..40).map(|n| alloc::format!("{n:02}{}", of("x", 400))).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let sent = headers(&texts);
        assert_eq!(sent.len(), 16, "what comes after 4096 characters is not sent");
        assert!(sent.iter().all(|header| header.len() == "299 - \"\"".len() + 256));
    }

    #[test]
    fn a_text_that_did_not_fit_may_fit_once_all_are_cut() {
        let hidden = of("a", 300) + "\n";
        let sent = headers(&[&hidden, &of("b", 4097)]);
        assert_eq!(sent.len(), 2);
        assert_eq!(sent[0], alloc::format!("299 - \"{}\"", of("a", 256)));
    }
}
