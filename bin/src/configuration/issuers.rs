//! Issuers of tokens, by flags or by the file of `--authentication-config`, which may change while the server runs.
//! k8s: pkg/kubeapiserver/options/authentication.go

use steersman_core::config::{ClaimMapping, JwtIssuer, TokenAlgorithm, TokenRule};
use steersman_core::expressions::TokenSubject;
use steersman_core::value::{Text, Value, quoted};
use steersman_io::certificates;

use super::decode::{ConfigurationKind, items, read};
use super::issuer_validation::validate;
use crate::flags::Flags;

const CONFIGURATION: ConfigurationKind = ConfigurationKind {
    kind: "AuthenticationConfiguration",
    group: "apiserver.config.k8s.io",
    versions: &["v1", "v1beta1", "v1alpha1"],
    type_name: "apiserver.v1.AuthenticationConfiguration",
};

const OIDC_FLAGS: [&str; 9] = [
    "oidc-ca-file",
    "oidc-client-id",
    "oidc-groups-claim",
    "oidc-groups-prefix",
    "oidc-issuer-url",
    "oidc-required-claim",
    "oidc-signing-algs",
    "oidc-username-claim",
    "oidc-username-prefix",
];

/// The issuers, and what their file says of requests without credentials.
#[derive(Debug, Default)]
pub(crate) struct Issuers {
    pub(crate) list: Vec<JwtIssuer>,
    /// Whether they are let in, and on which paths only; None when the file does not say it.
    pub(crate) anonymous: Option<(bool, Vec<Text>)>,
    pub(crate) following: Option<FollowingIssuers>,
}

/// A file that names the issuers, and what it was at the start.
#[derive(Debug)]
pub(crate) struct FollowingIssuers {
    path: String,
    contents: String,
    /// What it said of requests without credentials, which may not change.
    anonymous: Option<(bool, Vec<Text>)>,
    own_issuers: Vec<String>,
}

/// The issuers that the flags name. None of them may be this server.
pub(crate) fn issuers_from_flags(flags: &Flags) -> Result<Issuers, String> {
    let own = flags.list("service-account-issuer");
    let has_oidc = OIDC_FLAGS.iter().any(|name| flags.is_given(name));
    match flags.text("authentication-config") {
        "" if !has_oidc => Ok(Issuers::default()),
        "" => of_flags(flags, &own),
        _ if has_oidc => Err("authentication-config file and oidc-* flags are mutually exclusive".into()),
        path => {
            let contents = std::fs::read_to_string(path).map_err(|error| format!("open {path}: {error}"))?;
            let mut issuers = of_text(&contents, &own)?;
            if issuers.anonymous.is_some() && flags.is_given("anonymous-auth") {
                return Err(
                    "anonymous: Forbidden: --anonymous-auth flag cannot be set when anonymous field is \
                            configured in authentication configuration file"
                        .into(),
                );
            }
            let anonymous = issuers.anonymous.clone();
            issuers.following =
                Some(FollowingIssuers { path: path.to_owned(), contents, anonymous, own_issuers: own });
            Ok(issuers)
        }
    }
}

/// The issuers of a file that has changed: None if it still says what it said.
pub(crate) fn issuers_from_file(following: &mut FollowingIssuers) -> Result<Option<Vec<JwtIssuer>>, String> {
    let path = &following.path;
    let contents = std::fs::read_to_string(path).map_err(|error| format!("open {path}: {error}"))?;
    if contents == following.contents {
        return Ok(None);
    }
    // A file that is not valid is complained of once.
    following.contents = contents;
    let issuers = of_text(&following.contents, &following.own_issuers)?;
    if issuers.anonymous != following.anonymous {
        return Err("anonymous: Forbidden: changed from initial configuration file".into());
    }
    Ok(Some(issuers.list))
}

fn of_flags(flags: &Flags, own: &[String]) -> Result<Issuers, String> {
    let [url, client, claim, groups] =
        ["oidc-issuer-url", "oidc-client-id", "oidc-username-claim", "oidc-groups-claim"]
            .map(|name| flags.text(name));
    if url.is_empty() || client.is_empty() {
        return Err(
            "oidc-issuer-url and oidc-client-id must be specified together when any oidc-* flags are set"
                .into(),
        );
    }
    let prefix = match flags.text("oidc-username-prefix") {
        "-" => String::new(),
        "" if claim != "email" => format!("{url}#"),
        given => given.to_owned(),
    };
    let mut mappings = Value::empty_map();
    mappings.set_at(&["username", "claim"], claim.into());
    mappings.set_at(&["username", "prefix"], prefix.as_str().into());
    if !groups.is_empty() {
        mappings.set_at(&["groups", "claim"], groups.into());
        mappings.set_at(&["groups", "prefix"], flags.text("oidc-groups-prefix").into());
    }
    let mut issuer = Value::empty_map();
    issuer.set_at(&["issuer", "url"], url.into());
    issuer.set_at(&["issuer", "audiences"], Value::list(vec![client.into()]));
    match flags.text("oidc-ca-file") {
        "" => {}
        path => {
            let pem = std::fs::read_to_string(path).map_err(|error| format!("open {path}: {error}"))?;
            issuer.set_at(&["issuer", "certificateAuthority"], pem.as_str().into());
        }
    }
    issuer.set("claimMappings", mappings);
    let rules = flags.list("oidc-required-claim");
    let rules = rules.iter().map(|pair| {
        let (claim, value) = pair.split_once('=').unwrap_or((pair, ""));
        let mut rule = Value::empty_map();
        rule.set("claim", claim.trim().into());
        rule.set("requiredValue", value.trim().into());
        rule
    });
    issuer.set("claimValidationRules", Value::list(rules.collect()));
    let mut configuration = Value::empty_map();
    configuration.set("jwt", Value::list(vec![issuer]));
    let problems = validate(&configuration, own);
    if !problems.is_empty() {
        return Err(problems);
    }
    of_configuration(&configuration, &algorithms(&flags.list("oidc-signing-algs"))?)
}

fn algorithms(names: &[String]) -> Result<Vec<TokenAlgorithm>, String> {
    let named = |name: &String| {
        TokenAlgorithm::named(name).ok_or_else(|| format!("oidc: unsupported signing alg: {}", quoted(name)))
    };
    names.iter().map(named).collect()
}

fn of_text(text: &str, own: &[String]) -> Result<Issuers, String> {
    if text.is_empty() {
        return Err("empty config data".into());
    }
    let configuration = read(text, &CONFIGURATION)?;
    let problems = validate(&configuration, own);
    if !problems.is_empty() {
        return Err(problems);
    }
    of_configuration(&configuration, &TokenAlgorithm::ALL)
}

/// The issuers of a valid configuration.
fn of_configuration(configuration: &Value, algorithms: &[TokenAlgorithm]) -> Result<Issuers, String> {
    let list = items(configuration, "jwt").iter().map(|given| issuer(given, algorithms));
    let anonymous = configuration.field("anonymous").filter(|anonymous| !anonymous.is_null());
    let anonymous = anonymous.map(|anonymous| {
        let is_enabled = anonymous.field("enabled").and_then(Value::as_bool).unwrap_or(false);
        let paths =
            items(anonymous, "conditions").iter().map(|condition| condition.text_at(&["path"]).into());
        (is_enabled, paths.collect())
    });
    Ok(Issuers { list: list.collect::<Result<_, _>>()?, anonymous, following: None })
}

fn issuer(given: &Value, algorithms: &[TokenAlgorithm]) -> Result<JwtIssuer, String> {
    let text = |path: &[&str]| given.text_at(path);
    let url = text(&["issuer", "url"]);
    let discovery_url = match text(&["issuer", "discoveryURL"]) {
        "" => JwtIssuer::well_known(url),
        given => given.to_owned(),
    };
    let authorities = match text(&["issuer", "certificateAuthority"]) {
        "" => certificates::host_authorities()?,
        pem => pem.to_owned(),
    };
    let mapping = |of: &str| ClaimMapping {
        claim: text(&["claimMappings", of, "claim"]).into(),
        prefix: text(&["claimMappings", of, "prefix"]).into(),
        expression: Some(text(&["claimMappings", of, "expression"]))
            .filter(|text| !text.is_empty())
            .map(|text| TokenSubject::Claims.compile_mapping(text)),
    };
    let required = |rule: &&Value| !rule.text_at(&["claim"]).is_empty();
    let claim_rules = items(given, "claimValidationRules");
    let mappings = given.field("claimMappings").unwrap_or(&Value::Null);
    let extra = items(mappings, "extra").iter().map(|extra| {
        let expression = TokenSubject::Claims.compile_mapping(extra.text_at(&["valueExpression"]));
        (extra.text_at(&["key"]).into(), expression)
    });
    let audiences = given.at(&["issuer", "audiences"]).and_then(Value::as_list).unwrap_or_default();
    Ok(JwtIssuer {
        url: url.into(),
        discovery_url: discovery_url.into(),
        authorities: authorities.into(),
        audiences: audiences.iter().filter_map(Value::as_str).map(Text::from).collect(),
        algorithms: algorithms.to_vec(),
        required_claims: claim_rules
            .iter()
            .filter(required)
            .map(|rule| (rule.text_at(&["claim"]).into(), rule.text_at(&["requiredValue"]).into()))
            .collect(),
        username: mapping("username"),
        groups: mapping("groups"),
        uid: mapping("uid"),
        extra: extra.collect(),
        claim_rules: rules(claim_rules, TokenSubject::Claims),
        user_rules: rules(items(given, "userValidationRules"), TokenSubject::User),
    })
}

/// Those of the rules that are expressions.
fn rules(rules: &[Value], subject: TokenSubject) -> Vec<TokenRule> {
    let expressions = rules.iter().filter(|rule| !rule.text_at(&["expression"]).is_empty());
    let compiled = expressions.map(|rule| TokenRule {
        expression: subject.compile_rule(rule.text_at(&["expression"])),
        message: rule.text_at(&["message"]).into(),
    });
    compiled.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use steersman_io::certificates::Authority;

    fn text(jwt: &str) -> String {
        format!("apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\n{jwt}")
    }

    fn pem() -> String {
        Authority::create("issuer").expect("an authority").certificate_pem().replace('\n', "\\n")
    }

    fn mapping(claim: &str, prefix: &str) -> ClaimMapping {
        ClaimMapping { claim: claim.into(), prefix: prefix.into(), expression: None }
    }

    #[test]
    fn a_file_may_hold_expressions() {
        let text = text(&format!(
            "jwt:\n- issuer: {{url: 'https://a.test/', audiences: [x], certificateAuthority: \"{}\"}}\n  \
             claimMappings: {{username: {{expression: claims.sub}}, groups: {{expression: claims.roles}}, uid: \
             {{expression: claims.id}}, extra: [{{key: a.test/b, valueExpression: claims.b}}]}}\n  \
             claimValidationRules: [{{claim: hd, requiredValue: v}}, {{expression: claims.exp - claims.nbf <= 86400, \
             message: too long}}]\n  userValidationRules: [{{expression: \"!user.username.startsWith('system:')\", \
             message: reserved}}]\n",
            pem()
        ));
        let found = of_text(&text, &[]).expect("a valid file");
        let [issuer] = found.list.as_slice() else { panic!("one issuer") };
        let expressions = [&issuer.username, &issuer.groups, &issuer.uid]
            .map(|mapping| mapping.expression.as_ref().map_or("", |expression| expression.text()));
        assert_eq!(expressions, ["claims.sub", "claims.roles", "claims.id"]);
        assert_eq!(issuer.required_claims, [("hd".into(), "v".into())]);
        let [rule] = issuer.claim_rules.as_slice() else { panic!("one rule") };
        assert_eq!((rule.expression.error(), rule.message.as_str()), (None, "too long"));
        assert_eq!((issuer.user_rules.len(), issuer.extra.len()), (1, 1));
    }

    #[test]
    fn a_file_names_issuers() {
        let text = text(&format!(
            "jwt:\n- issuer: {{url: 'https://a.test/', audiences: [x, z], audienceMatchPolicy: MatchAny, \
             certificateAuthority: \"{}\"}}\n  claimMappings: {{username: {{claim: sub, prefix: 'a:'}}, groups: \
                 {{claim: \
             roles, prefix: ''}}, uid: {{claim: id}}}}\n  claimValidationRules: [{{claim: hd, requiredValue: v}}]\n\
             anonymous: {{enabled: true, conditions: [{{path: /livez}}]}}\n",
            pem()
        ));
        let found = of_text(&text, &[]).expect("a valid file");
        let [issuer] = found.list.as_slice() else { panic!("one issuer") };
        assert_eq!(issuer.discovery_url, "https://a.test/.well-known/openid-configuration");
        assert_eq!((issuer.audiences.len(), issuer.algorithms.len()), (2, 9));
        assert_eq!(issuer.username, mapping("sub", "a:"));
        assert_eq!((issuer.groups.claim.as_str(), issuer.uid.claim.as_str()), ("roles", "id"));
        assert_eq!(issuer.required_claims, [("hd".into(), "v".into())]);
        assert_eq!(found.anonymous, Some((true, vec!["/livez".into()])));
    }

    #[test]
    fn flags_name_an_issuer() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), Authority::create("issuer").expect("an authority").certificate_pem())
            .expect("a file that can be written");
        let ca = format!("--oidc-ca-file={}", file.path().display());
        let parsed = |more: &[&str]| {
            let given = ["--oidc-issuer-url=https://a.test", "--oidc-client-id=x", &ca];
            let all: Vec<String> = given.iter().chain(more).map(ToString::to_string).collect();
            issuers_from_flags(&crate::flags::parse(&all).expect("flags"))
        };
        for (more, claim, prefix) in [
            (&[][..], "sub", "https://a.test#"),
            (&["--oidc-username-claim=email"][..], "email", ""),
            (&["--oidc-username-prefix=-"][..], "sub", ""),
            (&["--oidc-username-prefix=o:", "--oidc-username-claim=email"][..], "email", "o:"),
        ] {
            let found = parsed(more).expect("an issuer").list.remove(0);
            assert_eq!(found.username, mapping(claim, prefix));
            assert_eq!(found.algorithms, [TokenAlgorithm::Rs256]);
        }
        for (more, expected) in [
            (&["--oidc-signing-algs=none"][..], "oidc: unsupported signing alg: \"none\""),
            (&["--oidc-issuer-url=http://a"][..], "URL scheme must be https"),
            (&["--oidc-client-id="][..], "oidc-issuer-url and oidc-client-id must be specified together"),
            (&["--authentication-config=x"][..], "mutually exclusive"),
            (
                &["--service-account-issuer=https://a.test"][..],
                "URL must not overlap with disallowed issuers",
            ),
        ] {
            let error = parsed(more).expect_err(expected);
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_file_is_told() {
        let with = |issuer: &str, mappings: &str, more: &str| {
            text(&format!(
                "jwt:\n- issuer: {{url: 'https://a', audiences: [x]{issuer}}}\n  claimMappings: {{{mappings}}}\n{more}"
            ))
        };
        let good = "username: {claim: sub, prefix: ''}";
        let cases = [
            (
                with("", "", ""),
                "jwt[0].claimMappings.username: Required value: claim or expression is required",
            ),
            (
                with("", "username: {claim: sub}", ""),
                "jwt[0].claimMappings.username.prefix: Required value: prefix is required when claim is set. It can be \
                 set to an empty string to disable prefixing",
            ),
            (
                with("", "username: {expression: claims.sub +}", ""),
                "jwt[0].claimMappings.username.expression: Invalid value: \"claims.sub +\": compilation failed: ERROR: \
                 <input>:1:13: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', '.', '-', '!', 'true', \
                 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}\n | claims.sub +\n | \
                 ............^",
            ),
            (
                with("", "username: {expression: claims.sub, prefix: 'a:'}", ""),
                "jwt[0].claimMappings.username.prefix: Invalid value: \"a:\": may not be specified when expression is \
                 set",
            ),
            (
                with("", "username: {expression: claims.email}", ""),
                "jwt[0].claimMappings.username.expression: Invalid value: \"claims.email\": claims.email_verified must \
                 be used in claimMappings.username.expression or claimMappings.extra[*].valueExpression or \
                 claimValidationRules[*].expression when claims.email is used in claimMappings.username.expression",
            ),
            (
                with(
                    "",
                    good,
                    "  claimValidationRules: [{expression: claims.a}, {claim: b, expression: 'true'}]\n",
                ),
                "[jwt[0].claimValidationRules[0].expression: Invalid value: \"claims.a\": must evaluate to bool, \
                 jwt[0].claimValidationRules[1]: Invalid value: \"b\": claim and expression can't both be set]",
            ),
            (
                with("", good, "  claimValidationRules: [{expression: 'true', requiredValue: v}]\n"),
                "jwt[0].claimValidationRules[0].requiredValue: Invalid value: \"v\": may not be specified when \
                 expression is set",
            ),
            (
                with(
                    "",
                    good,
                    "  userValidationRules: [{message: m}, {expression: 'true'}, {expression: 'true'}]\n",
                ),
                "[jwt[0].userValidationRules[0].expression: Required value, jwt[0].userValidationRules[2].expression: \
                 Duplicate value: \"true\"]",
            ),
            (
                with(
                    "",
                    "username: {claim: sub, prefix: ''}, extra: [{key: A.test/b, valueExpression: claims.b}, {key: \
                     x.k8s.io/y}, {key: b, valueExpression: claims.b}]",
                    "",
                ),
                "[jwt[0].claimMappings.extra[0].key: Invalid value: \"A.test\": a lowercase RFC 1123 subdomain must \
                 consist of lower case alphanumeric characters, '-' or '.', and must start and end with an \
                 alphanumeric character (e.g. 'example.com', regex used for validation is \
                 '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*'), \
                 jwt[0].claimMappings.extra[0].key: Invalid value: \"A.test/b\": must be lowercase, \
                 jwt[0].claimMappings.extra[1].key: Invalid value: \"x.k8s.io/y\": k8s.io, kubernetes.io and their \
                 subdomains are reserved for Kubernetes use, jwt[0].claimMappings.extra[1].valueExpression: Required \
                 value, jwt[0].claimMappings.extra[2].key: Invalid value: \"b\": must be a domain-prefixed path (such \
                 as \"acme.io/foo\")]",
            ),
            (
                with(", audienceMatchPolicy: All", good, ""),
                "jwt[0].issuer.audienceMatchPolicy: Invalid value: \"All\": audienceMatchPolicy must be empty or \
                 MatchAny \
                 for single audience",
            ),
            (
                with(", discoveryURL: 'https://a/'", good, ""),
                "jwt[0].issuer.discoveryURL: Invalid value: \"https://a/\": discoveryURL must be different from URL",
            ),
            (
                with("", good, "  claimValidationRules: [{claim: a, message: m}]\n"),
                "jwt[0].claimValidationRules[0].message: Invalid value: \"m\": may not be specified when claim is set",
            ),
            (
                text("anonymous: {enabled: false, conditions: [{path: /x}]}\n"),
                "anonymous.conditions: Invalid value: [{\"path\":\"/x\"}]: enabled should be set to true when \
                 conditions \
                 are defined",
            ),
            (text("jwt: [{claims: 1}]\n"), "strict decoding error: unknown field \"jwt[0].claims\""),
        ];
        for (text, expected) in cases {
            assert_eq!(of_text(&text, &[]).err().as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn a_changed_file_names_other_issuers() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let path = file.path().to_str().expect("a path");
        let write = |jwt: &str| std::fs::write(path, text(jwt)).expect("a file that can be written");
        write("jwt: []\n");
        let flags = crate::flags::parse(&[format!("--authentication-config={path}")]).expect("flags");
        let mut following = issuers_from_flags(&flags).expect("a valid file").following.expect("a file");
        assert!(issuers_from_file(&mut following).expect("the same file").is_none());
        write(&format!(
            "jwt: [{{issuer: {{url: 'https://a', audiences: [x], certificateAuthority: \"{}\"}}, claimMappings: \
                 {{username: \
             {{claim: sub, prefix: ''}}}}}}]\n",
            pem()
        ));
        assert_eq!(issuers_from_file(&mut following).expect("valid").expect("changed").len(), 1);
        write("anonymous: {enabled: true}\n");
        assert!(issuers_from_file(&mut following).is_err());
        assert!(issuers_from_file(&mut following).expect("complained of once").is_none());
    }
}
