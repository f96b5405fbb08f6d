//! Go's command-line syntax, with pflag's error texts. pflag: flag.go

use super::suggest::did_you_mean;
use super::{Flag, Flags, lookup};

/// Reads the arguments that follow the command. Errors are what kube-apiserver says, and for a flag that there is not,
/// the one that was probably meant.
pub(crate) fn parse(arguments: &[String]) -> Result<Flags, String> {
    let mut flags = Flags::default();
    let mut left = arguments.iter();
    while let Some(argument) = left.next() {
        let (flag, value) = if argument == "--" {
            match left.find(|rest| !rest.is_empty()) {
                Some(_) => return Err(takes_no_arguments(arguments, left.as_slice().len() + 1)),
                None => break,
            }
        } else if let Some(long) = argument.strip_prefix("--") {
            split_long(argument, long)?
        } else if argument.len() > 1 && argument.starts_with('-') {
            split_short(argument)?
        } else if argument.is_empty() {
            continue;
        } else {
            return Err(takes_no_arguments(arguments, left.as_slice().len() + 1));
        };
        let value = match (value, flag.kind.without_value()) {
            (Some(value), _) => value,
            (None, Some(implied)) => implied.to_owned(),
            (None, None) => match left.next() {
                Some(next) => next.clone(),
                None => return Err(format!("flag needs an argument: {}", shown(argument, flag))),
            },
        };
        flag.kind.check(&value).map_err(|error| {
            format!("invalid argument {value:?} for \"{}\" flag: {error}", full_name(flag))
        })?;
        flags.given.entry(flag.name).or_default().push(value);
    }
    Ok(flags)
}

/// `--name=value` or `--name`.
fn split_long(argument: &str, long: &str) -> Result<(&'static Flag, Option<String>), String> {
    let (name, value) = match long.split_once('=') {
        Some((name, value)) => (name, Some(value.to_owned())),
        None => (long, None),
    };
    if name.is_empty() || name.starts_with('-') {
        return Err(format!("bad flag syntax: {argument}"));
    }
    // kube-apiserver takes underscores for dashes. k8s: staging/src/k8s.io/component-base/cli/flag/flags.go
    let name = name.replace('_', "-");
    let flag = lookup(&name).ok_or_else(|| format!("unknown flag: --{name}{}", did_you_mean(&name)))?;
    Ok((flag, value))
}

/// `-v2`, `-v=2`, `-v 2` and `-h`: the two flags that have a letter.
fn split_short(argument: &str) -> Result<(&'static Flag, Option<String>), String> {
    let letters = &argument[1..];
    let letter = letters.chars().next().unwrap_or_default();
    let name = match letter {
        'v' => "v",
        'h' => "help",
        _ => {
            // It may be a whole name with one dash.
            let name = letters.split('=').next().unwrap_or_default();
            return Err(format!("unknown shorthand flag: {letter:?} in {argument}{}", did_you_mean(name)));
        }
    };
    let rest = &letters[letter.len_utf8()..];
    let value = if rest.is_empty() { None } else { Some(rest.strip_prefix('=').unwrap_or(rest).to_owned()) };
    Ok((super::find(name), value))
}

fn takes_no_arguments(arguments: &[String], unread: usize) -> String {
    let first = arguments.len().saturating_sub(unread);
    let rest = arguments.get(first..).unwrap_or_default();
    let rest: Vec<String> = rest.iter().map(|argument| format!("{argument:?}")).collect();
    format!("\"kube-apiserver\" does not take any arguments, got [{}]", rest.join(" "))
}

fn shown(argument: &str, flag: &Flag) -> String {
    if argument.starts_with("--") {
        format!("--{}", flag.name)
    } else {
        let letter = argument.chars().nth(1).unwrap_or_default();
        format!("'{letter}' in {argument}")
    }
}

/// The name as errors show it.
fn full_name(flag: &Flag) -> String {
    if flag.name == "v" { "-v, --v".into() } else { format!("--{}", flag.name) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Flags, String> {
        parse(&line.split_ascii_whitespace().map(String::from).collect::<Vec<_>>())
    }

    #[test]
    fn values_are_found_in_every_place() {
        let cases = [
            ("--secure-port=7000", "secure-port", "7000"),
            ("--secure-port 7000", "secure-port", "7000"),
            ("--secure_port=7000", "secure-port", "7000"),
            ("--secure-port=1 --secure-port=2", "secure-port", "2"),
            ("--v=4", "v", "4"),
            ("-v 4", "v", "4"),
            ("-v=4", "v", "4"),
            ("-v4", "v", "4"),
            ("--anonymous-auth", "anonymous-auth", "true"),
            ("--anonymous-auth=false", "anonymous-auth", "false"),
            ("--token-auth-file=", "token-auth-file", ""),
            ("--etcd-prefix=a=b", "etcd-prefix", "a=b"),
            ("--version", "version", "true"),
            ("--version=raw", "version", "raw"),
            ("-h", "help", "true"),
            ("--v=1 --", "v", "1"),
        ];
        for (line, name, expected) in cases {
            assert_eq!(parsed(line).expect(line).text(name), expected, "{line}");
        }
    }

    #[test]
    fn lists_grow_and_defaults_yield() {
        let cases: [(&str, &str, &[&str]); 6] = [
            ("", "oidc-signing-algs", &["RS256"]),
            ("--oidc-signing-algs=ES256", "oidc-signing-algs", &["ES256"]),
            ("--etcd-servers=a,b --etcd-servers=c", "etcd-servers", &["a", "b", "c"]),
            (
                "--service-account-issuer=a,b --service-account-issuer=c",
                "service-account-issuer",
                &["a,b", "c"],
            ),
            ("--tls-sni-cert-key=a,b:c,d", "tls-sni-cert-key", &["a,b:c,d"]),
            ("", "etcd-servers", &[]),
        ];
        for (line, name, expected) in cases {
            assert_eq!(parsed(line).expect(line).list(name), expected, "{line}");
        }
    }

    #[test]
    fn errors_are_pflags() {
        let cases = [
            ("--x", "unknown flag: --x"),
            ("--no_such_flag=1", "unknown flag: --no-such-flag"),
            ("-x", "unknown shorthand flag: 'x' in -x"),
            ("--secure_prot=1", "unknown flag: --secure-prot\nDid you mean --secure-port?"),
            ("-secure-port=1", "unknown shorthand flag: 's' in -secure-port=1\nDid you mean --secure-port?"),
            ("--=1", "bad flag syntax: --=1"),
            ("--secure-port", "flag needs an argument: --secure-port"),
            ("-v", "flag needs an argument: 'v' in -v"),
            ("a b", "\"kube-apiserver\" does not take any arguments, got [\"a\" \"b\"]"),
            ("--profiling false", "\"kube-apiserver\" does not take any arguments, got [\"false\"]"),
            (
                "--secure-port=x",
                "invalid argument \"x\" for \"--secure-port\" flag: \
                 strconv.ParseInt: parsing \"x\": invalid syntax",
            ),
            (
                "--v=x",
                "invalid argument \"x\" for \"-v, --v\" flag: strconv.ParseUint: parsing \"x\": invalid syntax",
            ),
            (
                "--request-timeout=1",
                "invalid argument \"1\" for \"--request-timeout\" flag: time: missing unit in duration \"1\"",
            ),
            (
                "--bind-address=x",
                "invalid argument \"x\" for \"--bind-address\" flag: failed to parse IP: \"x\"",
            ),
        ];
        for (line, expected) in cases {
            assert_eq!(parsed(line).expect_err(line), expected, "{line}");
        }
    }
}
