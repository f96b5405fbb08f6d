//! The name of a container image: `[domain/]path[:tag][@digest]`, with what a short name leaves out.
//! k8s: pkg/util/parsers/parsers.go, and the grammar of distribution/reference that it follows

use alloc::format;
use alloc::string::String;

/// The domain of names that have none, and its older name.
const DEFAULT_DOMAIN: &str = "docker.io";
const OLD_DEFAULT_DOMAIN: &str = "index.docker.io";
/// What stands before a name of one part in the default domain.
const OFFICIAL: &str = "library/";

/// Most bytes of a path and of a tag.
const PATH_BYTES_MAX: usize = 255;
const TAG_BYTES_MAX: usize = 128;
/// Hexadecimal digits of a name that is an identifier and no reference.
const IDENTIFIER_DIGITS: usize = 64;
/// Fewest digits that make a digest; what a known algorithm wants is more.
const DIGEST_DIGITS_MIN: usize = 32;
/// The algorithms of digests, and the digits of theirs.
const ALGORITHMS: [(&str, usize); 3] = [("sha256", 64), ("sha384", 96), ("sha512", 128)];

/// A reference to an image, as a full name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference<'a> {
    /// Empty where what looks like a domain is none, but can be the first part of the path.
    pub domain: &'a str,
    pub path: String,
    pub tag: Option<&'a str>,
    pub digest: Option<&'a str>,
}

impl<'a> Reference<'a> {
    /// None for a text that is no reference.
    pub fn parse(text: &'a str) -> Option<Self> {
        let is_digit = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f');
        if text.len() == IDENTIFIER_DIGITS && text.bytes().all(is_digit) {
            return None;
        }
        let (domain, rest) = split_domain(text);
        // Neither names nor tags have an @, and no digest has a second one.
        let (named, digest) = match rest.split_once('@') {
            Some((named, digest)) => (named, Some(digest)),
            None => (rest, None),
        };
        let last = named.rfind('/').map_or(0, |slash| slash + 1);
        let (path, tag) = match named.get(last..)?.find(':') {
            Some(colon) => (named.get(..last + colon)?, Some(named.get(last + colon + 1..)?)),
            None => (named, None),
        };
        let path = if domain == DEFAULT_DOMAIN && !rest.contains('/') {
            format!("{OFFICIAL}{path}")
        } else {
            String::from(path)
        };
        let (domain, path) = match is_domain(domain) {
            true => (domain, path),
            false => ("", format!("{domain}/{path}")),
        };
        let fits = path.len() <= PATH_BYTES_MAX
            && path.split('/').all(is_path_component)
            && tag.is_none_or(is_tag)
            && digest.is_none_or(is_digest);
        fits.then_some(Self { domain, path, tag, digest })
    }

    /// Its tag, or the one that is meant where it has neither tag nor digest.
    pub fn effective_tag(&self) -> &'a str {
        match (self.tag, self.digest) {
            (Some(tag), _) => tag,
            (None, Some(_)) => "",
            (None, None) => "latest",
        }
    }
}

/// What stands before the first slash is a domain when it cannot be the first part of a path.
fn split_domain(text: &str) -> (&str, &str) {
    match text.split_once('/') {
        Some((OLD_DEFAULT_DOMAIN, rest)) => (DEFAULT_DOMAIN, rest),
        Some((first, rest)) if first == "localhost" || first.contains(['.', ':']) => (first, rest),
        Some((first, rest)) if first.chars().any(|letter| letter.to_lowercase().ne([letter])) => {
            (first, rest)
        }
        Some(_) | None => (DEFAULT_DOMAIN, text),
    }
}

/// A host name or an IPv6 address in brackets, and perhaps a port.
fn is_domain(text: &str) -> bool {
    let (host, port) = match text.rfind(']') {
        Some(end) => text.split_at(end + 1),
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let port_fits = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
    let host_fits = match host.strip_prefix('[') {
        Some(address) => address.strip_suffix(']').is_some_and(is_address),
        None => host.split('.').all(is_domain_component),
    };
    port_fits && host_fits
}

/// Only the characters of an IPv6 address are looked at.
fn is_address(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b':')
}

fn is_domain_component(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !text.is_empty()
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// Lowercase letters and digits, with a dot, one or two underscores, or any number of hyphens between them.
fn is_path_component(text: &str) -> bool {
    let is_letter = |byte: char| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let mut rest = text;
    loop {
        let after = rest.trim_start_matches(is_letter);
        if after.len() == rest.len() {
            return false;
        }
        if after.is_empty() {
            return true;
        }
        let next = after.trim_start_matches(['.', '_', '-']);
        let separator = after.get(..after.len() - next.len()).unwrap_or_default();
        let separates = matches!(separator, "." | "_" | "__") || separator.bytes().all(|byte| byte == b'-');
        if separator.is_empty() || !separates {
            return false;
        }
        rest = next;
    }
}

fn is_tag(text: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    text.len() <= TAG_BYTES_MAX
        && text.bytes().next().is_some_and(is_word)
        && text.bytes().all(|byte| is_word(byte) || matches!(byte, b'.' | b'-'))
}

/// A digest of a known algorithm, in lowercase digits.
fn is_digest(text: &str) -> bool {
    let Some((algorithm, digits)) = text.split_once(':') else { return false };
    let known = ALGORITHMS.iter().find(|(name, _)| *name == algorithm);
    digits.len() >= DIGEST_DIGITS_MIN
        && known.is_some_and(|(_, length)| digits.len() == *length)
        && digits.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    const HEX: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    /// `domain path tag digest` of what is accepted; an absent part is `-`.
    fn parts(text: &str) -> Option<String> {
        let found = Reference::parse(text)?;
        let digest = found.digest.map_or("-", |digest| digest.split(':').next().unwrap_or_default());
        let domain = if found.domain.is_empty() { "-" } else { found.domain };
        Some(format!("{domain} {} {} {digest}", found.path, found.tag.unwrap_or("-")))
    }

    #[test]
    fn references_are_parsed() {
        let cases = [
            ("nginx", "docker.io library/nginx - -"),
            ("nginx:1.25", "docker.io library/nginx 1.25 -"),
            ("user/image", "docker.io user/image - -"),
            ("docker.io/nginx", "docker.io library/nginx - -"),
            ("index.docker.io/nginx", "docker.io library/nginx - -"),
            ("index.docker.io/a/b", "docker.io a/b - -"),
            ("localhost/x", "localhost x - -"),
            ("localhost:5000/x:y", "localhost:5000 x y -"),
            ("localhosts/x", "docker.io localhosts/x - -"),
            ("Foo/bar", "Foo bar - -"),
            ("reg.example.com/a/b/c:t", "reg.example.com a/b/c t -"),
            ("reg:5000/x", "reg:5000 x - -"),
            ("[::1]/x", "[::1] x - -"),
            ("[2001:db8::1]:5000/x:t", "[2001:db8::1]:5000 x t -"),
            ("a_b.c/x", "- a_b.c/x - -"),
            ("a__b/c--d/e.f", "docker.io a__b/c--d/e.f - -"),
            ("x:_", "docker.io library/x _ -"),
            ("x:A.b-c_d", "docker.io library/x A.b-c_d -"),
        ];
        for (text, expected) in cases {
            assert_eq!(parts(text).as_deref(), Some(expected), "{text}");
        }
        for (algorithm, digits) in [("sha256", 64), ("sha384", 96), ("sha512", 128)] {
            let hex: String = HEX.chars().cycle().take(digits).collect();
            let expected = format!("docker.io library/x - {algorithm}");
            assert_eq!(parts(&format!("x@{algorithm}:{hex}")), Some(expected));
            let expected = format!("r.io x t {algorithm}");
            assert_eq!(parts(&format!("r.io/x:t@{algorithm}:{hex}")), Some(expected));
        }
        // 255 bytes of path, of which eight are added; and 128 of a tag.
        for (text, fits) in [
            ("a".repeat(247), true),
            ("a".repeat(248), false),
            (format!("r.io/{}", "a".repeat(255)), true),
            (format!("r.io/{}", "a".repeat(256)), false),
            (format!("x:{}", "t".repeat(128)), true),
            (format!("x:{}", "t".repeat(129)), false),
        ] {
            assert_eq!(Reference::parse(&text).is_some(), fits, "{} bytes", text.len());
        }
    }

    #[test]
    fn invalid_references_are_refused() {
        let cases = [
            "",
            " ",
            "nginx ",
            " nginx",
            "nginx\n",
            "Nginx",
            "a/B",
            "a/b/C:t",
            "/",
            "/x",
            "x/",
            "a//b",
            ":",
            ":t",
            "x:",
            "x:.t",
            "x:-t",
            "x:a:b",
            "x:t/y",
            "x@",
            "@sha256:00",
            "x@sha256",
            "x@sha256:00",
            "-x",
            "x-",
            "x_",
            "_x",
            ".x",
            "x.",
            "a..b",
            "a._b",
            "a___b",
            "a-_b",
            "a.b..c/x",
            "reg:/x",
            "reg:a/x",
            "reg:1:2/x",
            "[]/x",
            "[::1/x",
            "[::g]/x",
            "[::1]x/y",
            "[::1]:/x",
            "[::1]",
            "-r.io/x",
            "r-.io/x",
            "r..io/x",
            "_.io/x:80/y",
            "https://r.io/x",
            "ä",
            "x:ä",
            "Ä/x",
            "x\u{2028}",
            "localhost:5000",
            "localhost:5000/",
            "r.io/",
            "r.io:5000/X",
        ];
        for text in cases {
            if text != "localhost:5000" {
                assert_eq!(parts(text), None, "{text:?}");
            }
        }
        // Without a slash it is a name with a tag.
        assert_eq!(parts("localhost:5000").as_deref(), Some("docker.io library/localhost 5000 -"));
        let digests = [
            format!("x@sha256:{}", HEX.to_uppercase()),
            format!("x@sha256:{HEX}0"),
            format!("x@SHA256:{HEX}"),
            format!("x@md5:{}", &HEX[..32]),
            format!("x@sha256:{HEX}@sha256:{HEX}"),
            format!("x@sha256:{HEX}:t"),
            format!("x@sha512:{HEX}"),
            format!("x@a+sha256:{HEX}"),
            String::from(HEX),
        ];
        for text in digests {
            assert_eq!(parts(&text), None, "{text:?}");
        }
        assert!(Reference::parse(&format!("{HEX}:t")).is_some(), "an identifier is one only without a tag");
        assert!(Reference::parse(&format!("{HEX}0")).is_some(), "nor is a longer one");
    }

    proptest! {
        #[test]
        fn any_text_is_accepted_or_refused(text in any::<String>()) {
            let _ = Reference::parse(&text);
        }

        /// What is accepted has its parts in the text, and its full name means the same.
        #[test]
        fn a_full_name_means_the_same(text in "[aB0._:/@\\[\\]-]{0,12}(@sha256:[0a]{64})?") {
            if let Some(found) = Reference::parse(&text) {
                let mut full = if found.domain.is_empty() {
                    found.path.clone()
                } else {
                    format!("{}/{}", found.domain, found.path)
                };
                for (mark, part) in [(':', found.tag), ('@', found.digest)] {
                    if let Some(part) = part {
                        prop_assert!(text.contains(part));
                        full.push(mark);
                        full.push_str(part);
                    }
                }
                let short = text.starts_with(OLD_DEFAULT_DOMAIN) || text.starts_with(DEFAULT_DOMAIN);
                prop_assert!(short || full.ends_with(&text));
                prop_assert_eq!(Reference::parse(&full), Some(found));
            }
        }

        /// What is put together by the grammar is accepted, and has those parts.
        #[test]
        fn what_the_grammar_makes_is_accepted(
            domain in "(localhost|[a-z]([a-zA-Z0-9-]{0,5}[A-Z0-9])?\\.[a-z]|\\[[a-f0-9]{0,4}::[a-f0-9]{0,4}\\])(:[0-9]{1,5})?",
            path in proptest::collection::vec("[a-z0-9]{1,4}((\\.|_|__|-{1,3})[a-z0-9]{1,3}){0,2}", 1..4),
            tag in proptest::option::of("[A-Za-z0-9_][A-Za-z0-9_.-]{0,10}"),
            digest in proptest::option::of("sha256:[a-f0-9]{64}"),
        ) {
            let path = path.iter().map(String::as_str).collect::<Vec<_>>().join("/");
            let mut text = format!("{domain}/{path}");
            text.extend(tag.iter().map(|tag| format!(":{tag}")));
            text.extend(digest.iter().map(|digest| format!("@{digest}")));
            let expected = Reference { domain: &domain, path, tag: tag.as_deref(), digest: digest.as_deref() };
            prop_assert_eq!(Reference::parse(&text), Some(expected));
        }
    }
}
