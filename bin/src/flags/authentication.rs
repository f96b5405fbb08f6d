//! The flags about who makes a request.

use super::table::served;
use super::{FlagType, Section};

pub(super) const AUTHENTICATION: Section = Section {
    name: "Authentication",
    flags: &[
        served(
            "anonymous-auth",
            FlagType::Bool,
            "true",
            "Let requests without credentials in, as system:anonymous.",
        ),
        served(
            "api-audiences",
            FlagType::Strings,
            "",
            "Audiences of service account tokens that ask for none; the issuers when empty.",
        ),
        served(
            "authentication-config",
            FlagType::Str,
            "",
            "File that names issuers of tokens, and paths without credentials. It may change while the server runs.",
        ),
        served(
            "authentication-token-webhook-cache-ttl",
            FlagType::Duration,
            "2m0s",
            "How long an answer about a token is used again.",
        ),
        served(
            "authentication-token-webhook-config-file",
            FlagType::Str,
            "",
            "Kubeconfig file of the server that is asked about tokens.",
        ),
        served(
            "authentication-token-webhook-version",
            FlagType::Str,
            "v1beta1",
            "Version of the TokenReviews that the server is sent: v1 or v1beta1.",
        ),
        served(
            "client-ca-file",
            FlagType::Str,
            "",
            "CAs of client certificates; the common name is the user, organizations are groups.",
        ),
        served(
            "enable-bootstrap-token-auth",
            FlagType::Bool,
            "",
            "Take bootstrap tokens, which are secrets of kube-system, as credentials.",
        ),
        served(
            "oidc-ca-file",
            FlagType::Str,
            "",
            "CAs of the issuer's servers; those of the host when empty.",
        ),
        served("oidc-client-id", FlagType::Str, "", "The audience of the issuer's tokens."),
        served("oidc-groups-claim", FlagType::Str, "", "The claim of the groups, a text or a list of texts."),
        served("oidc-groups-prefix", FlagType::Str, "", "What is put before groups."),
        served("oidc-issuer-url", FlagType::Str, "", "URL of the OpenID Connect issuer, https only."),
        served(
            "oidc-required-claim",
            FlagType::MapStringString,
            "",
            "claim=value that a token must have. May be repeated.",
        ),
        served(
            "oidc-signing-algs",
            FlagType::Strings,
            "RS256",
            "How tokens may be signed: RS256, RS384, RS512, ES256, ES384, ES512, PS256, PS384, PS512.",
        ),
        served("oidc-username-claim", FlagType::Str, "sub", "The claim of the user name."),
        served(
            "oidc-username-prefix",
            FlagType::Str,
            "",
            "What is put before user names; - for nothing. Without it, the issuer before names that are no email.",
        ),
        served(
            "requestheader-allowed-names",
            FlagType::Strings,
            "",
            "Common names of front proxies; all that their CA has issued when empty.",
        ),
        served(
            "requestheader-client-ca-file",
            FlagType::Str,
            "",
            "CAs of front proxies, whose headers say who the user is.",
        ),
        served(
            "requestheader-extra-headers-prefix",
            FlagType::Strings,
            "",
            "Prefixes of headers with further facts about the user.",
        ),
        served("requestheader-group-headers", FlagType::Strings, "", "Headers with groups."),
        served("requestheader-uid-headers", FlagType::Strings, "", "Headers with the uid."),
        served("requestheader-username-headers", FlagType::Strings, "", "Headers with the user name."),
        served(
            "service-account-extend-token-expiration",
            FlagType::Bool,
            "true",
            "Make the projected tokens of pods valid for a year, and note uses after their time.",
        ),
        served(
            "service-account-issuer",
            FlagType::StringArray,
            "",
            "Issuer of service account tokens. May be repeated.",
        ),
        served(
            "service-account-jwks-uri",
            FlagType::Str,
            "",
            "URL of the issuer's keys in its discovery document; this server's own when empty.",
        ),
        served(
            "service-account-key-file",
            FlagType::StringArray,
            "",
            "PEM file of RSA or ECDSA keys or certificates that verify service account tokens. May be repeated.",
        ),
        served(
            "service-account-lookup",
            FlagType::Bool,
            "true",
            "Refuse tokens in secrets whose secret or account is gone.",
        ),
        served(
            "service-account-max-token-expiration",
            FlagType::Duration,
            "",
            "The longest time for which a service account token is valid; no limit when 0.",
        ),
        served(
            "token-auth-file",
            FlagType::Str,
            "",
            "CSV file of static tokens: token,user,uid,\"group1,group2\".",
        ),
    ],
};
