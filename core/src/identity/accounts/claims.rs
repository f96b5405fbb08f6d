//! What the tokens of service accounts claim.
//! k8s: pkg/serviceaccount/{claims,legacy}.go, gopkg.in/go-jose/go-jose.v2/jwt/claims.go

use crate::now::Wall;
use crate::value::{Text, Value};
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// The claims that all tokens have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct StandardClaims {
    pub(super) issuer: Text,
    pub(super) subject: Text,
    pub(super) audiences: Vec<Text>,
    /// The token's name; empty when it has none.
    pub(super) id: Text,
    /// Seconds since 1970.
    expires: Option<i64>,
    not_before: Option<i64>,
    issued: Option<i64>,
}

/// The clocks of the issuer and of this server may differ by so much.
/// k8s: gopkg.in/go-jose/go-jose.v2/jwt/validation.go DefaultLeeway
pub(super) const LEEWAY_SECONDS: i64 = 60;

impl StandardClaims {
    pub(super) fn of(claims: &Value) -> Result<Self, String> {
        Ok(Self {
            issuer: text(claims, "iss")?,
            subject: text(claims, "sub")?,
            audiences: audiences(claims.field("aud"))?,
            id: text(claims, "jti")?,
            expires: date(claims.field("exp"))?,
            not_before: date(claims.field("nbf"))?,
            issued: date(claims.field("iat"))?,
        })
    }

    /// Why the token is not good at this time.
    pub(super) fn check_times(&self, now: Wall) -> Result<(), &'static str> {
        let leeway = Wall::from_seconds(LEEWAY_SECONDS).0;
        let (late, early) = (Wall(now.0.saturating_add(leeway)), Wall(now.0.saturating_sub(leeway)));
        let is_future = |claim: Option<i64>| claim.is_some_and(|at| late < Wall::from_seconds(at));
        if is_future(self.not_before) {
            return Err("service account token is not valid yet");
        }
        if self.expires.is_some_and(|at| early > Wall::from_seconds(at)) {
            return Err("service account token has expired");
        }
        if is_future(self.issued) {
            return Err("service account token is issued in the future");
        }
        Ok(())
    }
}

/// An object that a token names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ObjectClaim {
    pub(super) name: Text,
    pub(super) uid: Text,
}

impl ObjectClaim {
    fn of(claims: &Value, member: &str) -> Result<Option<Self>, String> {
        match claims.field(member) {
            None | Some(Value::Null) => Ok(None),
            Some(held @ Value::Map(_)) => {
                Ok(Some(Self { name: text(held, "name")?, uid: text(held, "uid")? }))
            }
            Some(_) => Err(misshapen(member)),
        }
    }
}

/// The claims of a token that ends, and that may end with an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct BoundClaims {
    pub(super) namespace: Text,
    pub(super) account: ObjectClaim,
    pub(super) pod: Option<ObjectClaim>,
    pub(super) secret: Option<ObjectClaim>,
    pub(super) node: Option<ObjectClaim>,
}

impl BoundClaims {
    pub(super) fn of(claims: &Value) -> Result<Self, String> {
        let own = match claims.field("kubernetes.io") {
            None | Some(Value::Null) => return Ok(Self::default()),
            Some(own @ Value::Map(_)) => own,
            Some(_) => return Err(misshapen("kubernetes.io")),
        };
        date(own.field("warnafter"))?;
        Ok(Self {
            namespace: text(own, "namespace")?,
            account: ObjectClaim::of(own, "serviceaccount")?.unwrap_or_default(),
            pod: ObjectClaim::of(own, "pod")?,
            secret: ObjectClaim::of(own, "secret")?,
            node: ObjectClaim::of(own, "node")?,
        })
    }
}

/// The claims of a token that is kept in a secret and does not end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct LegacyClaims {
    pub(super) namespace: Text,
    pub(super) secret: Text,
    pub(super) account: ObjectClaim,
}

impl LegacyClaims {
    pub(super) fn of(claims: &Value) -> Result<Self, String> {
        Ok(Self {
            namespace: text(claims, "kubernetes.io/serviceaccount/namespace")?,
            secret: text(claims, "kubernetes.io/serviceaccount/secret.name")?,
            account: ObjectClaim {
                name: text(claims, "kubernetes.io/serviceaccount/service-account.name")?,
                uid: text(claims, "kubernetes.io/serviceaccount/service-account.uid")?,
            },
        })
    }
}

/// The error for a claim of the wrong type.
fn misshapen(member: &str) -> String {
    alloc::format!("json: cannot unmarshal claim {member}")
}

fn text(claims: &Value, member: &str) -> Result<Text, String> {
    match claims.field(member) {
        None | Some(Value::Null) => Ok(Text::default()),
        Some(Value::Str(text)) => Ok(text.clone()),
        Some(_) => Err(misshapen(member)),
    }
}

fn audiences(claim: Option<&Value>) -> Result<Vec<Text>, String> {
    let wrong = || "go-jose/go-jose/jwt: expected string or array value to unmarshal to Audience".to_string();
    match claim {
        None => Ok(Vec::new()),
        Some(Value::Str(text)) => Ok(alloc::vec![text.clone()]),
        Some(Value::List(items)) => {
            items.iter().map(|item| item.as_str().map(Text::from).ok_or_else(wrong)).collect()
        }
        Some(_) => Err(wrong()),
    }
}

/// Whole seconds; a fraction is cut off. A number that no 64 bits hold is the most distant past, as it is for a 64-bit
/// processor whose conversion fails.
fn date(claim: Option<&Value>) -> Result<Option<i64>, String> {
    match claim {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Int(seconds)) => Ok(Some(whole(*seconds as f64))),
        Some(Value::Float(seconds)) => Ok(Some(whole(seconds.to_f64()))),
        Some(_) => Err("go-jose/go-jose/jwt: expected number value to unmarshal NumericDate".to_string()),
    }
}

fn whole(seconds: f64) -> i64 {
    const END: f64 = 9_223_372_036_854_775_808.0;
    if (-END..END).contains(&seconds) { seconds as i64 } else { i64::MIN }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::json;

    fn claims(text: &str) -> Value {
        json::parse(text.as_bytes()).expect(text).value
    }

    #[test]
    fn a_token_is_good_between_its_times_and_a_minute_around_them() {
        const NOT_YET: Result<(), &str> = Err("service account token is not valid yet");
        const ENDED: Result<(), &str> = Err("service account token has expired");
        const FUTURE: Result<(), &str> = Err("service account token is issued in the future");
        let at = |millis: i64| Wall::from_seconds(1000).0 + millis;
        let unit = Wall::from_seconds(1).0;
        for (text, offset_seconds, expected) in [
            ("{}", 0, Ok(())),
            (r#"{"exp":1000}"#, 60, Ok(())),
            (r#"{"exp":1000}"#, 61, ENDED),
            (r#"{"exp":1000.9}"#, 61, ENDED),
            (r#"{"exp":null}"#, 1 << 33, Ok(())),
            (r#"{"exp":1e300}"#, 0, ENDED),
            (r#"{"exp":-1e300}"#, 0, ENDED),
            (r#"{"exp":9223372036854775807}"#, 0, ENDED),
            (r#"{"exp":9223372036854774784}"#, 1 << 33, Ok(())),
            (r#"{"nbf":1e300,"iat":1e300}"#, 0, Ok(())),
            (r#"{"exp":-9223372036854775808}"#, 0, ENDED),
            (r#"{"nbf":1000}"#, -60, Ok(())),
            (r#"{"nbf":1000}"#, -61, NOT_YET),
            (r#"{"iat":1000}"#, -60, Ok(())),
            (r#"{"iat":1000}"#, -61, FUTURE),
            (r#"{"exp":0,"nbf":5000,"iat":5000}"#, 0, NOT_YET),
        ] {
            let held = StandardClaims::of(&claims(text)).expect(text);
            let now = Wall(at(offset_seconds * unit));
            assert_eq!(held.check_times(now), expected, "{text} at {offset_seconds}");
        }
        let ends = StandardClaims::of(&claims(r#"{"exp":1000}"#)).expect("claims");
        assert_eq!(ends.check_times(Wall(at(60 * unit) + 1)), ENDED, "a moment later");
    }

    #[test]
    fn claims_of_another_type_are_errors() {
        for text in [
            r#"{"sub":1}"#,
            r#"{"jti":[]}"#,
            r#"{"aud":null}"#,
            r#"{"aud":[1]}"#,
            r#"{"aud":{}}"#,
            r#"{"exp":"1000"}"#,
            r#"{"nbf":true}"#,
        ] {
            assert!(StandardClaims::of(&claims(text)).is_err(), "{text}");
        }
        for own in [r#""x""#, r#"{"pod":1}"#, r#"{"serviceaccount":{"name":1}}"#, r#"{"warnafter":"x"}"#] {
            let text = alloc::format!(r#"{{"kubernetes.io":{own}}}"#);
            assert!(BoundClaims::of(&claims(&text)).is_err(), "{text}");
        }
        assert_eq!(BoundClaims::of(&claims("{}")), Ok(BoundClaims::default()));
        let held = StandardClaims::of(&claims(r#"{"aud":"a"}"#)).expect("claims");
        assert_eq!(held.audiences, ["a"]);
    }
}
