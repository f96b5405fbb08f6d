//! `--token-auth-file`: static tokens as comma-separated values.
//! k8s: staging/src/k8s.io/apiserver/pkg/authentication/token/tokenfile/tokenfile.go

use std::path::Path;

use steersman_core::config::Token;
use steersman_core::value::Text;

/// The tokens of a file, sorted. If a token occurs twice, the later line counts. Empty tokens, and tokens without a
/// user name, are left out, since an empty name identifies no user.
pub(super) fn load(path: &Path) -> Result<Vec<Token>, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    parse(&text).map_err(|error| format!("{}: {error}", path.display()))
}

fn parse(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens: Vec<Token> = Vec::new();
    for record in records(text)? {
        let [token, user, uid, rest @ ..] = record.as_slice() else {
            return Err(format!(
                "token file must have at least 3 columns (token, user name, user uid), found {}",
                record.len()
            ));
        };
        if token.is_empty() || user.is_empty() {
            tracing::warn!(user = %user, "a line of the token file has no token or no user: it is passed over");
            continue;
        }
        let parsed = Token {
            token: token.as_str().into(),
            user: user.as_str().into(),
            uid: uid.as_str().into(),
            groups: groups(rest),
        };
        match tokens.binary_search_by(|held| held.token.cmp(&parsed.token)) {
            Ok(at) => tokens[at] = parsed,
            Err(at) => tokens.insert(at, parsed),
        }
    }
    Ok(tokens)
}

/// The lines of `--basic-auth-file`: password, user name, uid and maybe groups. A line without a user or a password is
/// left out.
/// k8s: release 1.1, plugin/pkg/auth/authenticator/password/passwordfile/passwordfile.go
pub(super) fn load_passwords(path: &Path) -> Result<Vec<Token>, String> {
    let named = |error: String| format!("{}: {error}", path.display());
    let text = std::fs::read_to_string(path).map_err(|error| named(error.to_string()))?;
    let records = records(&text).map_err(named)?;
    let lines = records.iter().map(|record| match record.as_slice() {
        [password, user, uid, rest @ ..] => Ok(Token {
            token: password.as_str().into(),
            user: user.as_str().into(),
            uid: uid.as_str().into(),
            groups: groups(rest),
        }),
        short => Err(named(format!(
            "password file must have at least 3 columns (password, user name, user uid), found {}",
            short.len()
        ))),
    });
    let lines: Result<Vec<Token>, String> = lines.collect();
    Ok(lines?.into_iter().filter(|line| !line.token.is_empty() && !line.user.is_empty()).collect())
}

fn groups(rest: &[String]) -> Vec<Text> {
    match rest.first().map(String::as_str).unwrap_or_default() {
        "" => Vec::new(),
        groups => groups.split(',').map(Text::from).collect(),
    }
}

/// RFC 4180, as Go's encoding/csv reads it: blank lines are skipped, quoted fields may hold anything.
fn records(text: &str) -> Result<Vec<Vec<String>>, String> {
    let mut records = Vec::new();
    let mut record = Vec::new();
    let mut left = text.chars().peekable();
    let mut line = 1;
    while left.peek().is_some() {
        let mut field = String::new();
        if left.next_if_eq(&'"').is_some() {
            loop {
                match left.next() {
                    Some('"') if left.next_if_eq(&'"').is_some() => field.push('"'),
                    Some('"') => break,
                    Some(other) => field.push(other),
                    None => return Err(format!("line {line}: a quoted field does not end")),
                }
            }
            if left.peek().is_some_and(|next| !matches!(next, ',' | '\n' | '\r')) {
                return Err(format!("line {line}: extraneous or missing \" in quoted-field"));
            }
        } else {
            while let Some(next) = left.next_if(|next| !matches!(next, ',' | '\n')) {
                field.push(next);
            }
            if field.contains('"') {
                return Err(format!("line {line}: bare \" in non-quoted-field"));
            }
        }
        while left.next_if_eq(&'\r').is_some() {}
        let separator = left.next();
        record.push(field.trim_end_matches('\r').to_owned());
        if separator != Some(',') {
            line += 1;
            let whole: Vec<String> = std::mem::take(&mut record);
            if whole != [""] {
                records.push(whole);
            }
        } else if left.peek().is_none() {
            record.push(String::new());
            records.push(std::mem::take(&mut record));
        }
    }
    Ok(records)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_files_read_as_upstream_reads_them() {
        let text = "t1,alice,u1,\"devs,ops\"\r\n\nt0,bob,u0\n,nobody,u2\nt2,,u2,system:masters\n\
            t1,carol,u3,\"a \"\"b\"\"\"\n";
        let token = |token: &str, user: &str, uid: &str, groups: &[&str]| Token {
            token: token.into(),
            user: user.into(),
            uid: uid.into(),
            groups: groups.iter().map(|group| Text::from(*group)).collect(),
        };
        let expected = vec![token("t0", "bob", "u0", &[]), token("t1", "carol", "u3", &["a \"b\""])];
        assert_eq!(parse(text), Ok(expected));
        assert_eq!(parse("t,u,i,\"x,y\""), Ok(vec![token("t", "u", "i", &["x", "y"])]));
        for bad in ["t,u", "t,u,\"i", "t,u,\"i\"x", "t,u\"x\",i"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
