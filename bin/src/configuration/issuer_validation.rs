//! What is wrong with an AuthenticationConfiguration, in upstream's words.
//! k8s: staging/src/k8s.io/apiserver/pkg/apis/apiserver/validation/validation.go ValidateAuthenticationConfiguration

use steersman_core::expressions::{Expression, TokenSubject, selects_claim};
use steersman_core::status::{CauseType, Causes, Path};
use steersman_core::value::url::Url;
use steersman_core::value::{Value, names, quoted};
use steersman_io::certificates;

use super::decode::items;

/// Issuers of a configuration.
const ISSUERS_MAX: usize = 64;

const BOTH: &str = "claim and expression can't both be set";
const NEITHER: &str = "claim or expression is required";

/// The problems as one text; empty for none. `own` are the issuers that the server itself is.
pub(super) fn validate(configuration: &Value, own: &[String]) -> String {
    let mut causes = Causes::new();
    let root = Path::new("jwt");
    let issuers = items(configuration, "jwt");
    if issuers.len() > ISSUERS_MAX {
        let message = format!("Too many: {}: must have at most {ISSUERS_MAX} items", issuers.len());
        causes.push(CauseType::TooMany, &root, message);
        return causes.summary();
    }
    let (mut urls, mut discoveries): (Vec<&str>, Vec<&str>) = (Vec::new(), Vec::new());
    for (at, given) in issuers.iter().enumerate() {
        let path = root.index(at);
        validate_issuer(given, own, &path.child("issuer"), &mut causes);
        let rules = items(given, "claimValidationRules");
        validate_rules(rules, &path.child("claimValidationRules"), &mut causes);
        let mappings = given.field("claimMappings").unwrap_or(&Value::Null);
        validate_mappings(mappings, &path.child("claimMappings"), &mut causes);
        validate_email(mappings, rules, &path.child("claimMappings"), &mut causes);
        let user_rules = items(given, "userValidationRules");
        validate_user_rules(user_rules, &path.child("userValidationRules"), &mut causes);
        for (field, seen) in [("url", &mut urls), ("discoveryURL", &mut discoveries)] {
            let url = given.text_at(&["issuer", field]);
            if seen.contains(&url) && (field == "url" || !url.is_empty()) {
                duplicate(&mut causes, &path.child("issuer").child(field), url);
            }
            seen.push(url);
        }
    }
    if let Some(anonymous) = configuration.field("anonymous").filter(|anonymous| !anonymous.is_null()) {
        let conditions = items(anonymous, "conditions");
        if anonymous.field("enabled") != Some(&Value::Bool(true)) && !conditions.is_empty() {
            let why = "enabled should be set to true when conditions are defined";
            let path = Path::new("anonymous").child("conditions");
            causes.invalid(&path, &Value::list(conditions.to_vec()), why);
        }
    }
    if causes.is_empty() { String::new() } else { causes.summary() }
}

fn duplicate(causes: &mut Causes, path: &Path, value: &str) {
    causes.push(CauseType::Duplicate, path, format!("Duplicate value: {}", quoted(value)));
}

fn validate_issuer(given: &Value, own: &[String], path: &Path, causes: &mut Causes) {
    let text = |field: &str| given.text_at(&["issuer", field]);
    match text("url") {
        "" => causes.required(&path.child("url"), ""),
        url => validate_url(url, own, &path.child("url"), causes),
    }
    let discovery = text("discoveryURL");
    if !discovery.is_empty() {
        let path = path.child("discoveryURL");
        let url = text("url");
        if !url.is_empty() && url.trim_end_matches('/') == discovery.trim_end_matches('/') {
            causes.invalid(&path, &discovery.into(), "discoveryURL must be different from URL");
        }
        validate_url(discovery, &[], &path, causes);
    }
    validate_audiences(given, path, causes);
    let authority = text("certificateAuthority");
    if !authority.is_empty()
        && let Err(why) = certificates::certificates(authority)
    {
        causes.invalid(&path.child("certificateAuthority"), &"<omitted>".into(), &why);
    }
    if !text("egressSelectorType").is_empty() {
        let why = "egress selectors are not supported by this server yet";
        causes.forbidden(&path.child("egressSelectorType"), why);
    }
}

fn validate_url(url: &str, own: &[String], path: &Path, causes: &mut Causes) {
    let mut invalid = |why: &str| causes.invalid(path, &url.into(), why);
    if own.iter().any(|own| own == url) {
        let mut own: Vec<&str> = own.iter().map(String::as_str).collect();
        own.sort_unstable();
        invalid(&format!("URL must not overlap with disallowed issuers: [{}]", own.join(" ")));
    }
    let parsed = match Url::parse(url) {
        Ok(parsed) => parsed,
        Err(why) => return invalid(&why),
    };
    let checks = [
        (parsed.scheme != "https", "URL scheme must be https"),
        (parsed.user.is_some(), "URL must not contain a username or password"),
        (!parsed.query.is_empty(), "URL must not contain a query"),
        (!parsed.fragment.is_empty(), "URL must not contain a fragment"),
    ];
    checks.into_iter().filter(|(is_wrong, _)| *is_wrong).for_each(|(_, why)| invalid(why));
}

fn validate_audiences(given: &Value, path: &Path, causes: &mut Causes) {
    let audiences = given.at(&["issuer", "audiences"]).and_then(Value::as_list).unwrap_or_default();
    let policy = given.text_at(&["issuer", "audienceMatchPolicy"]);
    let (path, policy_path) = (path.child("audiences"), path.child("audienceMatchPolicy"));
    if audiences.is_empty() {
        causes.required(&path, &format!("at least one {path} is required"));
        return;
    }
    for (at, audience) in audiences.iter().enumerate() {
        let text = audience.as_str().unwrap_or_default();
        if text.is_empty() {
            causes.required(&path.index(at), "");
        }
        if audiences[..at].contains(audience) {
            duplicate(causes, &path.index(at), text);
        }
    }
    if audiences.len() > 1 && policy != "MatchAny" {
        let why = "audienceMatchPolicy must be MatchAny for multiple audiences";
        causes.invalid(&policy_path, &policy.into(), why);
    }
    if audiences.len() == 1 && !matches!(policy, "" | "MatchAny") {
        let why = "audienceMatchPolicy must be empty or MatchAny for single audience";
        causes.invalid(&policy_path, &policy.into(), why);
    }
}

/// Whether an expression can be compiled.
fn validate_expression(compiled: &Expression, path: &Path, causes: &mut Causes) {
    if let Some(why) = compiled.error() {
        causes.invalid(path, &compiled.text().into(), why);
    }
}

fn validate_rules(rules: &[Value], path: &Path, causes: &mut Causes) {
    let (mut claims, mut expressions): (Vec<&str>, Vec<&str>) = (Vec::new(), Vec::new());
    for (at, rule) in rules.iter().enumerate() {
        let path = path.index(at);
        let [claim, expression, message, value] =
            ["claim", "expression", "message", "requiredValue"].map(|field| rule.text_at(&[field]));
        match (claim, expression) {
            ("", "") => causes.required(&path, NEITHER),
            ("", expression) => {
                if !value.is_empty() {
                    let why = "may not be specified when expression is set";
                    causes.invalid(&path.child("requiredValue"), &value.into(), why);
                }
                let path = path.child("expression");
                if expressions.contains(&expression) {
                    duplicate(causes, &path, expression);
                    continue;
                }
                expressions.push(expression);
                validate_expression(&TokenSubject::Claims.compile_rule(expression), &path, causes);
            }
            (claim, "") => {
                if !message.is_empty() {
                    let why = "may not be specified when claim is set";
                    causes.invalid(&path.child("message"), &message.into(), why);
                }
                if claims.contains(&claim) {
                    duplicate(causes, &path.child("claim"), claim);
                }
                claims.push(claim);
            }
            (claim, _) => causes.invalid(&path, &claim.into(), BOTH),
        }
    }
}

fn validate_user_rules(rules: &[Value], path: &Path, causes: &mut Causes) {
    let mut seen: Vec<&str> = Vec::new();
    for (at, rule) in rules.iter().enumerate() {
        let path = path.index(at).child("expression");
        match rule.text_at(&["expression"]) {
            "" => causes.required(&path, ""),
            text if seen.contains(&text) => duplicate(causes, &path, text),
            text => {
                seen.push(text);
                validate_expression(&TokenSubject::User.compile_rule(text), &path, causes);
            }
        }
    }
}

fn validate_mappings(mappings: &Value, path: &Path, causes: &mut Causes) {
    for (of, is_required) in [("username", true), ("groups", false)] {
        let path = path.child(of);
        let [claim, expression] = ["claim", "expression"].map(|field| mappings.text_at(&[of, field]));
        let prefix = mappings.at(&[of, "prefix"]).filter(|prefix| !prefix.is_null());
        match (claim, expression) {
            ("", "") if is_required => causes.required(&path, NEITHER),
            ("", "") => {}
            ("", expression) => {
                if let Some(prefix) = prefix {
                    let why = "may not be specified when expression is set";
                    causes.invalid(&path.child("prefix"), prefix, why);
                }
                let compiled = TokenSubject::Claims.compile_mapping(expression);
                validate_expression(&compiled, &path.child("expression"), causes);
            }
            (_, "") if prefix.is_none() => causes.required(
                &path.child("prefix"),
                "prefix is required when claim is set. It can be set to an empty string to disable prefixing",
            ),
            (_, "") => {}
            (_, _) => causes.invalid(&path, &"".into(), BOTH),
        }
    }
    let [claim, expression] = ["claim", "expression"].map(|field| mappings.text_at(&["uid", field]));
    let uid = path.child("uid");
    match (claim, expression) {
        (_, "") => {}
        ("", expression) => {
            let compiled = TokenSubject::Claims.compile_mapping(expression);
            validate_expression(&compiled, &uid.child("expression"), causes);
        }
        (_, _) => causes.invalid(&uid, &"".into(), BOTH),
    }
    let mut seen: Vec<&str> = Vec::new();
    for (at, extra) in items(mappings, "extra").iter().enumerate() {
        let path = path.child("extra").index(at);
        let [key, expression] = ["key", "valueExpression"].map(|field| extra.text_at(&[field]));
        validate_extra_key(key, &path.child("key"), causes);
        if seen.contains(&key) {
            duplicate(causes, &path.child("key"), key);
            continue;
        }
        seen.push(key);
        let path = path.child("valueExpression");
        match expression {
            "" => causes.required(&path, ""),
            text => validate_expression(&TokenSubject::Claims.compile_mapping(text), &path, causes),
        }
    }
}

fn validate_extra_key(key: &str, path: &Path, causes: &mut Causes) {
    let parts = key.split_once('/').filter(|(domain, rest)| !domain.is_empty() && !rest.is_empty());
    match parts {
        None if key.is_empty() => causes.required(path, ""),
        None => {
            let why = "must be a domain-prefixed path (such as \"acme.io/foo\")";
            causes.invalid(path, &key.into(), why);
        }
        Some((domain, rest)) => {
            for why in names::dns_subdomain(domain, false) {
                causes.invalid(path, &domain.into(), &why);
            }
            let is_good = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~%!$&'()*+,;=:".contains(&byte);
            if !rest.bytes().all(is_good) {
                let why = "Invalid path (regex used for validation is '[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+')";
                causes.invalid(path, &rest.into(), why);
            }
        }
    }
    if key != key.to_lowercase() {
        causes.invalid(path, &key.into(), "must be lowercase");
    }
    let domain = key.split_once('/').map_or("", |(domain, _)| domain);
    let is_within =
        |of: &str| domain.strip_suffix(of).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    if is_within("kubernetes.io") || is_within("k8s.io") {
        let why = "k8s.io, kubernetes.io and their subdomains are reserved for Kubernetes use";
        causes.invalid(path, &key.into(), why);
    }
}

/// A name that an expression makes of an address must look at whether the address was verified.
fn validate_email(mappings: &Value, rules: &[Value], path: &Path, causes: &mut Causes) {
    let name = mappings.text_at(&["username", "expression"]);
    let is_compiled = |text: &str| TokenSubject::Claims.compile_mapping(text).error().is_none();
    let extra = items(mappings, "extra").iter().map(|extra| extra.text_at(&["valueExpression"]));
    let rules = rules.iter().map(|rule| rule.text_at(&["expression"]));
    let mut others = extra.chain(rules).chain([name]).filter(|text| is_compiled(text));
    if !is_compiled(name)
        || !selects_claim(name, "email")
        || others.any(|text| selects_claim(text, "email_verified"))
    {
        return;
    }
    let why = "claims.email_verified must be used in claimMappings.username.expression or \
               claimMappings.extra[*].valueExpression or claimValidationRules[*].expression when claims.email is \
               used in claimMappings.username.expression";
    causes.invalid(&path.child("username").child("expression"), &name.into(), why);
}
