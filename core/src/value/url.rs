//! URLs as Go reads them, as far as rules look into them.
//! k8s: Go's net/url Parse

use super::quoted;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// The parts of a URL.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Url {
    /// In small letters; empty when there is none.
    pub scheme: String,
    /// User and password as they are written again.
    pub user: Option<String>,
    /// With its port.
    pub host: String,
    pub path: String,
    pub query: String,
    pub fragment: String,
}

/// Where a part of a URL stands, which decides what it may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Host,
    /// What follows a `%` in the address of a host.
    Zone,
    Other,
}

impl Url {
    /// # Errors
    /// What Go says of a text that is no URL.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (rest, fragment) = text.split_once('#').unwrap_or((text, ""));
        let failed = |problem: String| format!("parse {}: {problem}", quoted(text));
        // Go quotes what stands before the fragment when that is wrong.
        let mut url =
            Self::parse_whole(rest).map_err(|problem| format!("parse {}: {problem}", quoted(rest)))?;
        url.fragment = unescaped(fragment, Part::Other).map_err(failed)?;
        Ok(url)
    }

    fn parse_whole(text: &str) -> Result<Self, String> {
        if text.bytes().any(|byte| byte < b' ' || byte == 0x7f) {
            return Err("net/url: invalid control character in URL".into());
        }
        let mut url = Self::default();
        if text.is_empty() {
            return Ok(url);
        }
        if text == "*" {
            url.path = "*".into();
            return Ok(url);
        }
        let (scheme, rest) = split_scheme(text)?;
        url.scheme = scheme.to_ascii_lowercase();
        let rest = match rest.strip_suffix('?') {
            Some(head) if !head.contains('?') => head,
            Some(_) | None => {
                let (head, query) = rest.split_once('?').unwrap_or((rest, ""));
                url.query = query.into();
                head
            }
        };
        let mut path = rest;
        if !rest.starts_with('/') {
            if !url.scheme.is_empty() {
                // Opaque: `mailto:somebody`.
                return Ok(url);
            }
            if rest.split('/').next().is_some_and(|segment| segment.contains(':')) {
                return Err("first path segment in URL cannot contain colon".into());
            }
        }
        if let Some(authority) =
            rest.strip_prefix("//").filter(|_| !url.scheme.is_empty() || !rest.starts_with("///"))
        {
            let end = authority.find('/').unwrap_or(authority.len());
            let (authority, after) = authority.split_at(end);
            url.take_authority(authority)?;
            path = after;
        }
        url.path = unescaped(path, Part::Other)?;
        Ok(url)
    }

    fn take_authority(&mut self, authority: &str) -> Result<(), String> {
        let Some((user, host)) = authority.rsplit_once('@') else {
            self.host = parsed_host(authority)?;
            return Ok(());
        };
        self.host = parsed_host(host)?;
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(&byte);
        if !user.bytes().all(allowed) {
            return Err("net/url: invalid userinfo".into());
        }
        unescaped(user, Part::Other)?;
        self.user = Some(user.into());
        Ok(())
    }
}

/// The scheme, and what follows the colon.
fn split_scheme(text: &str) -> Result<(&str, &str), String> {
    for (index, byte) in text.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if index > 0 => {}
            b':' if index == 0 => return Err("missing protocol scheme".into()),
            b':' => return Ok(text.split_once(':').unwrap_or(("", text))),
            _ => return Ok(("", text)),
        }
    }
    Ok(("", text))
}

fn parsed_host(host: &str) -> Result<String, String> {
    if let Some(inner) = host.strip_prefix('[') {
        let Some(end) = inner.rfind(']') else { return Err("missing ']' in host".into()) };
        let (address, port) = inner.split_at(end);
        let port = port.strip_prefix(']').unwrap_or(port);
        validate_port(port)?;
        if let Some((address, zone)) = address.split_once("%25") {
            let address = unescaped(address, Part::Host)?;
            let zone = unescaped(zone, Part::Zone)?;
            return Ok(format!("[{address}%{zone}]{port}"));
        }
    } else if let Some(colon) = host.rfind(':') {
        validate_port(host.get(colon..).unwrap_or(""))?;
    }
    unescaped(host, Part::Host)
}

/// What follows a host: nothing, or a colon and digits.
fn validate_port(port: &str) -> Result<(), String> {
    let good = port.is_empty()
        || port.strip_prefix(':').is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
    if good { Ok(()) } else { Err(format!("invalid port {} after host", quoted(port))) }
}

/// The text without its escapes. Bytes that make no text are replaced.
fn unescaped(text: &str, part: Part) -> Result<String, String> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut index = 0;
    while let Some(byte) = bytes.get(index).copied() {
        if byte == b'%' {
            let escape = bytes.get(index..bytes.len().min(index.saturating_add(3))).unwrap_or_default();
            let digit = |at: usize| escape.get(at).and_then(|byte| char::from(*byte).to_digit(16));
            let (Some(high), Some(low)) = (digit(1), digit(2)) else {
                return Err(invalid_escape(escape));
            };
            let code = u8::try_from(high * 16 + low).unwrap_or_default();
            // Of a host only what is no ASCII may be escaped; of a zone also what is needed inside brackets.
            let allowed = match part {
                Part::Host => high >= 8 || escape == b"%25",
                Part::Zone => high >= 8 || escape == b"%25" || code == b' ' || may_stand_in_host(code),
                Part::Other => true,
            };
            if !allowed {
                return Err(invalid_escape(escape));
            }
            out.push(code);
            index += 3;
            continue;
        }
        if part != Part::Other && byte < 0x80 && !may_stand_in_host(byte) {
            let shown = quoted(&char::from(byte).to_string());
            return Err(format!("invalid character {shown} in host name"));
        }
        out.push(byte);
        index += 1;
    }
    Ok(String::from_utf8_lossy(&out).into_owned())
}

fn may_stand_in_host(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.~!$&'()*+,;=:[]<>\"".contains(&byte)
}

fn invalid_escape(escape: &[u8]) -> String {
    format!("invalid URL escape {}", quoted(&String::from_utf8_lossy(escape)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read_as_go_reads_them() {
        let table = [
            ("", Ok(("", "", ""))),
            ("https://a.b:1/c", Ok(("https", "a.b:1", "/c"))),
            ("HTTPS://a", Ok(("https", "a", ""))),
            ("Bad_Name!", Ok(("", "", "Bad_Name!"))),
            ("x y", Ok(("", "", "x y"))),
            ("-x", Ok(("", "", "-x"))),
            ("//a/b", Ok(("", "a", "/b"))),
            ("mailto:a", Ok(("mailto", "", ""))),
            ("https://[::1]:2/", Ok(("https", "[::1]:2", "/"))),
            ("https://a/%41?", Ok(("https", "a", "/A"))),
            (":a", Err(r#"parse ":a": missing protocol scheme"#)),
            ("1:a", Err(r#"parse "1:a": first path segment in URL cannot contain colon"#)),
            ("https://a:b", Err(r#"parse "https://a:b": invalid port ":b" after host"#)),
            ("https://[::1", Err(r#"parse "https://[::1": missing ']' in host"#)),
            ("https://a b", Err(r#"parse "https://a b": invalid character " " in host name"#)),
            ("/%zz", Err(r#"parse "/%zz": invalid URL escape "%zz""#)),
            ("a\n", Err(r#"parse "a\n": net/url: invalid control character in URL"#)),
        ];
        for (text, wanted) in table {
            let got = Url::parse(text);
            let got = got.as_ref().map(|url| (url.scheme.as_str(), url.host.as_str(), url.path.as_str()));
            assert_eq!(got.map_err(String::as_str), wanted, "{text}");
        }
    }
}
