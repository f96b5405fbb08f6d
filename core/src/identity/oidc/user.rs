//! The user whom verified claims describe, by the mappings and rules of their issuer.
//! k8s: staging/src/k8s.io/apiserver/plugin/pkg/authenticator/token/oidc/oidc.go

use crate::caller::Caller;
use crate::cel::CelValue;
use crate::config::{ClaimMapping, JwtIssuer, TokenRule};
use crate::expressions::{Expression, TokenSubject, text_of, texts_of};
use crate::value::{Map, Text, Value, quoted};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// The user of verified claims.
pub(super) fn caller(issuer: &JwtIssuer, held: &Value) -> Result<Caller, String> {
    let claims = held.as_map().ok_or("parse claims: they are no object")?;
    let name = user_name(&issuer.username, claims, held)?;
    let groups = groups(&issuer.groups, claims, held)?;
    let uid = uid(&issuer.uid, claims, held)?;
    let extra = extra(issuer, claims, held)?;
    for (claim, wanted) in &issuer.required_claims {
        let found = match claims.get(claim) {
            None => return Err(format!("required claim {claim} not present in ID token")),
            Some(_) => text(claims, claim).map_err(|why| format!("parse claim {claim}: {why}"))?,
        };
        if found != wanted {
            return Err(format!(
                "required claim {claim} value does not match. Got = {found}, want = {wanted}"
            ));
        }
    }
    check_rules(TokenSubject::Claims, &issuer.claim_rules, held)
        .map_err(|why| format!("error evaluating claim validation expression: {why}"))?;
    let caller = Caller { name, uid, groups, extra };
    if !issuer.user_rules.is_empty() {
        check_rules(TokenSubject::User, &issuer.user_rules, &shown(&caller))
            .map_err(|why| format!("error evaluating user info validation rule: {why}"))?;
    }
    if caller.name.is_empty() {
        return Err("the token has no user name".into());
    }
    Ok(caller)
}

fn user_name(mapping: &ClaimMapping, claims: &Map, held: &Value) -> Result<Text, String> {
    let ClaimMapping { claim, prefix, expression } = mapping;
    if let Some(expression) = expression {
        let name = made_text(expression, held, "username")?;
        if name.is_empty() {
            return Err("empty username via CEL expression is not allowed".into());
        }
        return Ok(name);
    }
    let name =
        text(claims, claim).map_err(|why| format!("parse username claims {}: {why}", quoted(claim)))?;
    if claim == "email" && claims.get("email_verified").is_some_and(|verified| *verified != Value::Bool(true))
    {
        return Err("email not verified".into());
    }
    Ok(format!("{prefix}{name}").into())
}

fn uid(mapping: &ClaimMapping, claims: &Map, held: &Value) -> Result<Text, String> {
    match (mapping.claim.as_str(), &mapping.expression) {
        ("", None) => Ok(Text::default()),
        ("", Some(expression)) => made_text(expression, held, "uid"),
        (claim, _) => {
            let found = text(claims, claim);
            found.map(Text::from).map_err(|why| format!("parse uid claim {}: {why}", quoted(claim)))
        }
    }
}

/// What an expression makes of the claims, which must be a text. `what` it is for, its errors say.
fn made_text(expression: &Expression, held: &Value, what: &str) -> Result<Text, String> {
    let made = TokenSubject::Claims.evaluate(expression, held);
    let made = made.and_then(|made| {
        text_of(&made).ok_or_else(|| format!("{what} claim expression must return a string"))
    });
    made.map_err(|why| format!("error evaluating {what} claim expression: {why}"))
}

/// What else is told of the user, in the order of the keys.
fn extra(issuer: &JwtIssuer, claims: &Map, held: &Value) -> Result<Vec<(Text, Vec<Text>)>, String> {
    let id = claims.get("jti").and_then(Value::as_str).filter(|id| !id.is_empty());
    let mut extra: Vec<(Text, Vec<Text>)> = Vec::new();
    extra.extend(id.map(|id| (Caller::CREDENTIAL_ID.into(), alloc::vec![format!("JTI={id}").into()])));
    for (key, expression) in &issuer.extra {
        let made = TokenSubject::Claims.evaluate(expression, held)?;
        let values = texts_of(&made).map_err(|why| {
            format!("error evaluating extra claim expression: {}: {why}", expression.text())
        })?;
        if !values.is_empty() {
            extra.push((key.clone(), values));
        }
    }
    extra.sort();
    Ok(extra)
}

/// Whether all rules hold. All of them are evaluated first.
fn check_rules(subject: TokenSubject, rules: &[TokenRule], value: &Value) -> Result<(), String> {
    let results = rules.iter().map(|rule| subject.evaluate(&rule.expression, value));
    let results: Vec<CelValue> = results.collect::<Result<_, _>>()?;
    for (rule, result) in rules.iter().zip(results) {
        match result {
            CelValue::Bool(true) => {}
            CelValue::Bool(false) => {
                let (text, message) = (rule.expression.text(), &rule.message);
                return Err(format!("validation expression '{text}' failed: {message}"));
            }
            _ => return Err("validation expression must return a boolean".into()),
        }
    }
    Ok(())
}

/// The user as expressions see them.
fn shown(caller: &Caller) -> Value {
    let mut user = Map::new();
    user.insert("username", caller.name.as_str().into());
    user.insert("uid", caller.uid.as_str().into());
    user.insert("groups", Value::texts(&caller.groups));
    user.insert("extra", caller.extra_value());
    user.into()
}

fn text<'c>(claims: &'c Map, claim: &str) -> Result<&'c str, String> {
    match claims.get(claim) {
        None => Err("claim not present".into()),
        Some(Value::Str(text)) => Ok(text),
        Some(Value::Null) => Ok(""),
        Some(other) => {
            Err(format!("json: cannot unmarshal {} into Go value of type string", other.type_of().word()))
        }
    }
}

/// The groups of a claim, which may be one text or several, or those that an expression makes.
fn groups(mapping: &ClaimMapping, claims: &Map, held: &Value) -> Result<Vec<Text>, String> {
    let ClaimMapping { claim, prefix, expression } = mapping;
    if claim.is_empty() {
        let Some(expression) = expression else { return Ok(Vec::new()) };
        let made = TokenSubject::Claims.evaluate(expression, held).and_then(|made| texts_of(&made));
        return made.map_err(|why| format!("error evaluating group claim expression: {why}"));
    }
    let prefixed = |group: &str| Text::from(format!("{prefix}{group}"));
    let wrong = || format!("parse groups claim {}: it is neither a text nor a list of texts", quoted(claim));
    match claims.get(claim) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Str(group)) => Ok(alloc::vec![prefixed(group)]),
        Some(Value::List(groups)) => {
            groups.iter().map(|group| group.as_str().map(prefixed).ok_or_else(wrong)).collect()
        }
        Some(Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Json(_) | Value::Map(_)) => {
            Err(wrong())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::given::{claims, issuer};
    use super::*;

    #[test]
    fn claims_say_who_the_user_is() {
        let cases = [
            (r#"{"email":"a@b","hd":"v","id":"7","roles":["x","y"],"jti":"j"}"#, Ok("o:a@b 7 g:x,g:y")),
            (r#"{"email":"a@b","hd":"v","id":"7","roles":"x","email_verified":true}"#, Ok("o:a@b 7 g:x")),
            (r#"{"email":"a@b","hd":"v","id":"7"}"#, Ok("o:a@b 7 ")),
            (r#"{"email":"a@b","hd":"v","id":"7","email_verified":false}"#, Err("email not verified")),
            (r#"{"hd":"v","id":"7"}"#, Err("parse username claims \"email\": claim not present")),
            (r#"{"email":"a@b","hd":"v"}"#, Err("parse uid claim \"id\": claim not present")),
            (r#"{"email":"a@b","id":"7"}"#, Err("required claim hd not present in ID token")),
            (
                r#"{"email":"a@b","id":"7","hd":"w"}"#,
                Err("required claim hd value does not match. Got = w, want = v"),
            ),
            (
                r#"{"email":"a@b","hd":"v","id":"7","roles":[1]}"#,
                Err("parse groups claim \"roles\": it is neither a text nor a list of texts"),
            ),
        ];
        for (text, expected) in cases {
            let claims = claims(text);
            let found = caller(&issuer(), &claims).map(|caller| {
                assert_eq!(caller.extra.len(), usize::from(text.contains("jti")), "{text}");
                format!("{} {} {}", caller.name, caller.uid, caller.groups.join(","))
            });
            assert_eq!(found, expected.map(String::from).map_err(String::from), "{text}");
        }
    }

    #[test]
    fn expressions_make_a_user_and_judge_it() {
        let made = |text: &str| ClaimMapping {
            expression: Some(TokenSubject::Claims.compile_mapping(text)),
            ..ClaimMapping::default()
        };
        let rule = |subject: TokenSubject, text: &str, message: &str| TokenRule {
            expression: subject.compile_rule(text),
            message: message.into(),
        };
        let issuer = JwtIssuer {
            username: made("'o:' + claims.sub"),
            groups: made("claims.?roles.orValue([]).map(role, 'g:' + role)"),
            uid: made("claims.?id.orValue('')"),
            extra: alloc::vec![
                ("b.test/team".into(), TokenSubject::Claims.compile_mapping("claims.team")),
                ("a.test/none".into(), TokenSubject::Claims.compile_mapping("''")),
                ("a.test/mail".into(), TokenSubject::Claims.compile_mapping("[claims.sub + '@a']")),
            ],
            required_claims: Vec::new(),
            claim_rules: alloc::vec![rule(TokenSubject::Claims, "claims.hd == 'v'", "another house")],
            user_rules: alloc::vec![
                rule(TokenSubject::User, "!user.username.startsWith('o:system:')", "reserved"),
                rule(TokenSubject::User, "user.extra['b.test/team'].size() < 3", "too many"),
            ],
            ..issuer()
        };
        let cases = [
            (
                r#"{"sub":"s","hd":"v","team":["x","y"],"roles":["r"],"id":"7"}"#,
                Ok("o:s 7 g:r a.test/mail=s@a b.test/team=x,y"),
            ),
            (r#"{"sub":"s","hd":"v","team":"x"}"#, Ok("o:s   a.test/mail=s@a b.test/team=x")),
            (
                r#"{"sub":"s","hd":"w","team":"x"}"#,
                Err(
                    "error evaluating claim validation expression: validation expression 'claims.hd == 'v'' failed: \
                     another house",
                ),
            ),
            (
                r#"{"sub":"system:s","hd":"v","team":"x"}"#,
                Err("error evaluating user info validation rule: validation expression \
                     '!user.username.startsWith('o:system:')' failed: reserved"),
            ),
            (
                r#"{"sub":1,"hd":"v","team":"x"}"#,
                Err(
                    "error evaluating username claim expression: expression ''o:' + claims.sub' resulted in error: no \
                     such overload",
                ),
            ),
            (
                r#"{"sub":"s","hd":"v","team":"x","id":7}"#,
                Err("error evaluating uid claim expression: uid claim expression must return a string"),
            ),
            (
                r#"{"sub":"s","hd":"v","team":7}"#,
                Err(
                    "error evaluating extra claim expression: claims.team: expression must return a string or a list \
                     of strings",
                ),
            ),
        ];
        for (text, expected) in cases {
            let found = caller(&issuer, &claims(text)).map(|caller| {
                let extra = caller.extra.iter().map(|(key, values)| format!("{key}={}", values.join(",")));
                let extra: Vec<String> = extra.collect();
                format!("{} {} {} {}", caller.name, caller.uid, caller.groups.join(","), extra.join(" "))
            });
            assert_eq!(found, expected.map(String::from).map_err(String::from), "{text}");
        }
    }
}
