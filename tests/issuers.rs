//! Tokens of OpenID Connect issuers whose groups another server tells, in a token of its own.

use crate::conditions::json;
use crate::credentials::signed;
use bytes::Bytes;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use steersman_core::config::{Authentication, ClaimMapping, Config, Federation, JwtIssuer, TokenAlgorithm};
use steersman_core::machine::Input;
use steersman_core::wire::{CallError, CallOutcome, Called, Outcall};
use steersman_sim::driver::{Driver, open_config};

const ISSUER: &str = "https://issuer.test";
const REVIEWS: &str = "/apis/authentication.k8s.io/v1/tokenreviews";

fn server() -> Driver {
    let mapping = |claim: &str, prefix: &str| ClaimMapping {
        claim: claim.into(),
        prefix: prefix.into(),
        expression: None,
    };
    let issuer = JwtIssuer {
        url: ISSUER.into(),
        discovery_url: "https://inside.test/discovery".into(),
        authorities: Bytes::from_static(b"the issuer's"),
        audiences: vec!["kube".into()],
        algorithms: vec![TokenAlgorithm::Es256],
        required_claims: Vec::new(),
        username: mapping("sub", ""),
        groups: mapping("groups", "o:"),
        uid: mapping("", ""),
        extra: Vec::new(),
        claim_rules: Vec::new(),
        user_rules: Vec::new(),
    };
    let federation = Federation { jwt_issuers: vec![issuer], ..Federation::default() };
    let authentication = Authentication { federation, ..open_config(1).authentication };
    Driver::start(Config { authentication, ..open_config(1) })
}

/// What other servers answer, by host and target.
struct Others(BTreeMap<&'static str, CallOutcome>);

impl Others {
    /// The issuer, one that makes tokens with groups, and another whose description of itself is not its own.
    fn new() -> Self {
        let mut others = Self(BTreeMap::new());
        let described = |issuer: &str| json!({"issuer": issuer, "jwks_uri": format!("{issuer}/keys")});
        let keys =
            |name: &str| json!({"keys": [{"kty": "EC", "crv": "P-256", "x": "AQ", "y": "Ag", "kid": name}]});
        others.say("inside.test/discovery", &described(ISSUER));
        others.say("issuer.test/keys", &keys("own"));
        others.say("groups.test/.well-known/openid-configuration", &described("https://groups.test"));
        others.say("groups.test/keys", &keys("groups"));
        others.say("false.test/.well-known/openid-configuration", &described("https://groups.test"));
        others
    }

    fn say(&mut self, place: &'static str, document: &Value) {
        self.tell(place, document.to_string());
    }

    fn tell(&mut self, place: &'static str, text: String) {
        self.0.insert(place, Ok(Called { status: 200, headers: Vec::new(), body: Bytes::from(text) }));
    }

    fn answer(&self, call: &Outcall) -> CallOutcome {
        let place = format!("{}{}", call.host, call.target);
        let refused = || Err(CallError::Refused(format!("nobody is at {place}").into()));
        self.0.get(place.as_str()).cloned().unwrap_or_else(refused)
    }
}

/// What a review says of a token, and which calls it took.
fn review(driver: &mut Driver, others: &Others, token: &str) -> (Value, Vec<Outcall>) {
    let body = json!({
        "apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": token},
    });
    let media = [("content-type", "application/json")];
    let id = driver.begin("POST", REVIEWS, &media, body.to_string().as_bytes());
    let mut calls = Vec::new();
    while !driver.calls.is_empty() {
        let (job, index, call) = driver.calls.remove(0);
        driver.give(Input::Called(job, index, others.answer(&call)));
        calls.push(call);
    }
    let reply = driver.take(id).expect("a review");
    assert_eq!(reply.status, 201, "{}", reply.text());
    (json(&reply)["status"].take(), calls)
}

fn places(calls: &[Outcall]) -> Vec<String> {
    calls.iter().map(|call| format!("{}{}", call.host, call.target)).collect()
}

/// A token by a key of this name, with these claims beside those that every token has.
fn token(driver: &Driver, key: &str, more: &Value) -> String {
    let now = driver.now().wall.seconds();
    let mut claims = json!({"iss": ISSUER, "aud": "kube", "sub": "jane", "exp": now + 600});
    claims.as_object_mut().expect("claims").extend(more.as_object().expect("claims").clone());
    signed(&json!({"alg": "ES256", "kid": key}), &claims)
}

fn elsewhere(source: &Value) -> Value {
    json!({"_claim_names": {"groups": "source"}, "_claim_sources": {"source": source}})
}

#[test]
fn another_server_tells_the_groups_of_a_token() {
    let mut driver = server();
    let mut others = Others::new();
    let claims = elsewhere(&json!({"endpoint": "https://graph.test/of?user=jane", "access_token": "let-me"}));
    let own = token(&driver, "own", &claims);
    for (groups, expected) in [
        (json!(["a", "b"]), json!(["o:a", "o:b", "system:authenticated"])),
        (json!("one"), json!(["o:one", "system:authenticated"])),
    ] {
        let told =
            token(&driver, "groups", &json!({"iss": "https://groups.test", "groups": groups, "sub": "x"}));
        others.tell("graph.test/of?user=jane", told);
        let (status, calls) = review(&mut driver, &others, &own);
        assert_eq!(status["user"]["username"], "jane", "{status}");
        assert_eq!(status["user"]["groups"], expected, "what is told is asked for each time");
        let asked = calls.iter().find(|call| call.host == "graph.test").expect("the groups are asked for");
        assert!(asked.headers.contains(&("authorization".into(), "Bearer let-me".to_owned())), "{asked:?}");
        assert_eq!(
            (&asked.trust.authorities[..], asked.trust.server_name.as_str()),
            (&b"the issuer's"[..], "graph.test")
        );
        let others = calls.iter().filter(|call| call.host != "graph.test");
        assert!(others.flat_map(|call| &call.headers).all(|(name, _)| name != "authorization"));
    }
    let (_, calls) = review(&mut driver, &others, &own);
    assert_eq!(places(&calls), ["graph.test/of?user=jane"], "issuers and their keys are remembered");
    let own_groups = token(
        &driver,
        "own",
        &json!({"groups": "mine", "_claim_names": {"groups": "s"},
        "_claim_sources": {"s": {"endpoint": "https://graph.test/of?user=jane"}}}),
    );
    let (status, calls) = review(&mut driver, &others, &own_groups);
    assert_eq!((&status["user"]["groups"], calls.len()), (&json!(["o:mine", "system:authenticated"]), 0));
    let within = token(&driver, "own", &elsewhere(&json!({"JWT": own_groups})));
    let (status, _) = review(&mut driver, &others, &within);
    assert_eq!(status["user"]["groups"], json!(["system:authenticated"]), "aggregated claims are not read");
    let told = token(&driver, "own", &json!({"groups": ["z"]}));
    others.tell("graph.test/of?user=jane", told);
    let (status, _) = review(&mut driver, &others, &own);
    assert_eq!(
        status["user"]["groups"],
        json!(["o:z", "system:authenticated"]),
        "the issuer itself has told"
    );
}

#[test]
fn groups_that_nobody_trustworthy_tells_are_none() {
    let mut driver = server();
    let good = Others::new();
    let endpoint = json!({"endpoint": "https://graph.test/groups"});
    let own = |driver: &Driver| token(driver, "own", &elsewhere(&endpoint));
    let groups = json!({"iss": "https://groups.test", "groups": ["a"]});
    let with = |name: &str, value: Value| {
        let mut claims = groups.clone();
        claims[name] = value;
        claims
    };
    let told = |driver: &Driver, claims: &Value| token(driver, "groups", claims);
    let uninitialized = |issuer: &str| {
        format!(
            "verifying untrusted issuer {issuer} failed: verifier not initialized for issuer: \"{issuer}\""
        )
    };
    let unsigned =
        "verify distributed claim token: failed to verify signature: failed to verify id token signature";
    let from =
        "getting untrusted issuer from endpoint https://graph.test/groups failed for claim \"groups\": ";
    let now = driver.now().wall;
    let expired = format!("{} +0000 UTC", now.rfc3339().replace('T', " ").trim_end_matches('Z'));
    let later = driver.now().wall.seconds();
    driver.pass(1_000);
    let cases = [
        (format!("{}x", told(&driver, &groups)), unsigned.to_owned()),
        (token(&driver, "own", &groups), unsigned.to_owned()),
        (told(&driver, &with("iss", json!("https://false.test"))), uninitialized("https://false.test")),
        (told(&driver, &with("iss", json!("https://absent.test"))), uninitialized("https://absent.test")),
        (told(&driver, &with("iss", json!("http://groups.test"))), uninitialized("http://groups.test")),
        (told(&driver, &with("iss", json!(""))), uninitialized("")),
        (
            told(&driver, &with("aud", json!("other"))),
            "verify distributed claim token: oidc: expected audience \"kube\" got [\"other\"]".to_owned(),
        ),
        (
            told(&driver, &with("exp", json!(later))),
            format!("verify distributed claim token: oidc: token is expired (Token Expiry: {expired})"),
        ),
        (
            signed(&json!({"alg": "RS256", "kid": "groups"}), &groups),
            "verify distributed claim token: oidc: id token signed with unsupported algorithm, expected [\"ES256\"] \
             got \"RS256\""
                .to_owned(),
        ),
        (
            told(&driver, &json!({"iss": "https://groups.test", "roles": ["a"]})),
            "jwt returned by distributed claim endpoint \"https://graph.test/groups\" did not contain claim: groups"
                .to_owned(),
        ),
        ("a.b".to_owned(), format!("{from}malformed token")),
        ("{}".to_owned(), format!("{from}token is not compact JWT")),
    ];
    let failed =
        |why: &str| json!({"user": {}, "error": format!("oidc: could not expand distributed claims: {why}")});
    for (answer, why) in cases {
        let mut others = Others(good.0.clone());
        others.tell("graph.test/groups", answer.clone());
        let token = own(&driver);
        let (status, _) = review(&mut driver, &others, &token);
        assert_eq!(status, failed(&why), "{answer}");
        driver.pass(1_100);
    }
    let token_of = |driver: &Driver, source: &Value| token(driver, "own", &elsewhere(source));
    let getting = "while getting distributed claim \"groups\": ";
    for (source, outcome, why) in [
        (&endpoint, None, format!("{getting}nobody is at graph.test/groups")),
        (
            &endpoint,
            Some(Ok(Called { status: 404, headers: Vec::new(), body: Bytes::new() })),
            format!("{getting}error while getting distributed claim JWT: 404"),
        ),
        (&endpoint, Some(Err(CallError::TimedOut)), format!("{getting}context deadline exceeded")),
        (
            &json!({"endpoint": "ftp://graph.test"}),
            None,
            format!("{getting}\"ftp://graph.test\": only https is supported"),
        ),
    ] {
        let mut others = Others(good.0.clone());
        others.0.extend(outcome.map(|outcome| ("graph.test/groups", outcome)));
        let token = token_of(&driver, source);
        let (status, _) = review(&mut driver, &others, &token);
        assert_eq!(status, failed(&why), "{source}");
    }
    let nowhere = json!({"_claim_names": {"groups": "source"}});
    let token = token(&driver, "own", &nowhere);
    let (status, calls) = review(&mut driver, &good, &token);
    assert_eq!(status, json!({"user": {}, "error": "oidc: verify token: oidc: source does not exist"}));
    assert_eq!(calls.len(), 0, "no signature makes it good");
}

#[test]
fn requests_that_need_the_same_at_once_wait_for_one_call() {
    let mut driver = server();
    let others = Others::new();
    let own = token(&driver, "own", &json!({}));
    let headers = [("authorization", &*format!("Bearer {own}"))];
    let ids: Vec<_> = (0..3).map(|_| driver.begin("GET", "/version", &headers, b"")).collect();
    let callers = |driver: &Driver| driver.calls.iter().map(|(job, ..)| *job).collect::<Vec<_>>();
    assert_eq!(callers(&driver), [ids[0]]);
    driver.give(Input::Gone(ids[1]));
    assert_eq!(callers(&driver), [ids[0]], "who waits for another's call leaves it alone");
    driver.give(Input::Gone(ids[0]));
    assert_eq!(callers(&driver), [ids[2]], "the next makes it anew");
    let late = driver.begin("GET", "/version", &headers, b"");
    driver.machine().check();
    let mut made = Vec::new();
    while !driver.calls.is_empty() {
        assert_eq!(driver.calls.len(), 1);
        let (job, index, call) = driver.calls.remove(0);
        driver.give(Input::Called(job, index, others.answer(&call)));
        driver.machine().check();
        made.push(call);
    }
    assert_eq!(places(&made), ["inside.test/discovery", "issuer.test/keys"]);
    for id in [ids[2], late] {
        assert_eq!(driver.take(id).expect("an answer").status, 200);
    }
    assert_eq!(driver.machine().open_requests(), 0);
}
