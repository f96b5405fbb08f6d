//! Authentication through other parties: issuers of tokens, servers that know tokens, proxies; and passwords of a file.

use super::{ReviewVersion, Token, TokenAlgorithm, WebhookServer};
use crate::expressions::Expression;
use crate::value::Text;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;

/// Who else says whose a request is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Federation {
    /// `--requestheader-*`.
    pub front_proxy: Option<FrontProxy>,
    /// `--basic-auth-file`: the token of a line is a password.
    pub passwords: Vec<Token>,
    /// `--oidc-*` or `--authentication-config`, at the start.
    pub jwt_issuers: Vec<JwtIssuer>,
    /// `--authentication-token-webhook-*`.
    pub token_review: Option<TokenReviewWebhook>,
}

/// A proxy that authenticates its users, and the headers by which it tells who they are. Names are in lower case.
/// k8s: staging/src/k8s.io/apiserver/pkg/authentication/request/headerrequest/requestheader.go
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FrontProxy {
    /// The common names that a certificate of its authority may have; empty for all.
    pub allowed_names: Vec<Text>,
    pub username_headers: Vec<Text>,
    pub uid_headers: Vec<Text>,
    pub group_headers: Vec<Text>,
    pub extra_prefixes: Vec<Text>,
}

/// A server that knows whose a token is.
/// k8s: staging/src/k8s.io/apiserver/plugin/pkg/authenticator/token/webhook/webhook.go
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenReviewWebhook {
    pub server: WebhookServer,
    pub version: ReviewVersion,
    /// How long an answer is used again; 0 for not at all.
    pub kept_millis: u64,
}

/// An issuer whose tokens are taken as credentials, and how a token says who its user is.
/// k8s: staging/src/k8s.io/apiserver/pkg/apis/apiserver/types.go JWTAuthenticator
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JwtIssuer {
    /// What the claim `iss` must be.
    pub url: Text,
    /// Where its discovery document is.
    pub discovery_url: Text,
    /// The certificates of authorities that its servers are trusted by, as PEM.
    pub authorities: Bytes,
    /// One of these must be among the audiences of a token.
    pub audiences: Vec<Text>,
    /// How its tokens may be signed.
    pub algorithms: Vec<TokenAlgorithm>,
    /// Claims that must have these values.
    pub required_claims: Vec<(Text, Text)>,
    pub username: ClaimMapping,
    /// Without a claim and an expression, its users have no groups.
    pub groups: ClaimMapping,
    /// Without a claim and an expression, its users have no uid. It has no prefix.
    pub uid: ClaimMapping,
    /// What else is told of its users: the key, and the expression that makes its values. Each key once.
    pub extra: Vec<(Text, Expression)>,
    /// What has to be true of the claims.
    pub claim_rules: Vec<TokenRule>,
    /// What has to be true of the user that they make.
    pub user_rules: Vec<TokenRule>,
}

/// The claim that something is taken from, and what is put before its values; or the expression that makes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClaimMapping {
    /// Empty if an expression makes it, or nothing.
    pub claim: Text,
    pub prefix: Text,
    pub expression: Option<Expression>,
}

/// An expression that has to be true, and what is told if it is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRule {
    pub expression: Expression,
    pub message: Text,
}

impl JwtIssuer {
    /// The path of a discovery document, below the issuer.
    pub const WELL_KNOWN: &str = "/.well-known/openid-configuration";

    /// Where an issuer describes itself.
    pub fn well_known(url: &str) -> String {
        format!("{}{}", url.strip_suffix('/').unwrap_or(url), Self::WELL_KNOWN)
    }
}

/// The issuers; a token that is being verified keeps to those that were there when it came.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct JwtIssuers {
    /// Grows by one whenever the issuers are replaced while the server runs.
    pub generation: u64,
    pub issuers: Vec<JwtIssuer>,
}
