//! Authentication through other parties as words of a line.

use super::read::{Result, Words};
use super::write::Line;
use crate::config::{ClaimMapping, Federation, FrontProxy, JwtIssuer, ReviewVersion};
use crate::config::{TokenAlgorithm, TokenReviewWebhook, TokenRule};
use crate::expressions::{Expression, TokenSubject};

impl Line<'_> {
    pub(super) fn federation(&mut self, federation: &Federation) -> &mut Self {
        match &federation.front_proxy {
            None => self.word("direct"),
            Some(proxy) => self.word("proxied").front_proxy(proxy),
        };
        self.tokens(&federation.passwords).jwt_issuers(&federation.jwt_issuers);
        match &federation.token_review {
            None => self.word("alone"),
            Some(review) => {
                self.word("reviewed").webhook_server(&review.server).word(review.version.word());
                self.number(review.kept_millis)
            }
        }
    }

    fn front_proxy(&mut self, proxy: &FrontProxy) -> &mut Self {
        self.texts(&proxy.allowed_names).texts(&proxy.username_headers).texts(&proxy.uid_headers);
        self.texts(&proxy.group_headers).texts(&proxy.extra_prefixes)
    }

    pub(super) fn jwt_issuers(&mut self, issuers: &[JwtIssuer]) -> &mut Self {
        self.number(issuers.len());
        issuers.iter().fold(self, Line::jwt_issuer)
    }

    fn jwt_issuer(&mut self, issuer: &JwtIssuer) -> &mut Self {
        self.text(&issuer.url)
            .text(&issuer.discovery_url)
            .bytes(&issuer.authorities)
            .texts(&issuer.audiences);
        self.number(issuer.algorithms.len());
        for algorithm in &issuer.algorithms {
            self.word(algorithm.name());
        }
        self.number(issuer.required_claims.len());
        for (claim, value) in &issuer.required_claims {
            self.text(claim).text(value);
        }
        self.claim_mapping(&issuer.username).claim_mapping(&issuer.groups).claim_mapping(&issuer.uid);
        self.number(issuer.extra.len());
        for (key, expression) in &issuer.extra {
            self.text(key).text(expression.text());
        }
        self.rules(&issuer.claim_rules).rules(&issuer.user_rules)
    }

    fn rules(&mut self, rules: &[TokenRule]) -> &mut Self {
        self.number(rules.len());
        rules.iter().fold(self, |line, rule| line.text(rule.expression.text()).text(&rule.message))
    }

    fn claim_mapping(&mut self, mapping: &ClaimMapping) -> &mut Self {
        let expression = mapping.expression.as_ref().map_or("", Expression::text);
        self.text(&mapping.claim).text(&mapping.prefix).text(expression)
    }
}

impl Words<'_> {
    pub(super) fn federation(&mut self) -> Result<Federation> {
        Ok(Federation {
            front_proxy: match self.word()? {
                "direct" => None,
                "proxied" => Some(self.front_proxy()?),
                _ => return self.wrong("direct or proxied"),
            },
            passwords: self.list(Self::token)?,
            jwt_issuers: self.list(Self::jwt_issuer)?,
            token_review: match self.word()? {
                "alone" => None,
                "reviewed" => Some(self.token_review()?),
                _ => return self.wrong("alone or reviewed"),
            },
        })
    }

    fn front_proxy(&mut self) -> Result<FrontProxy> {
        Ok(FrontProxy {
            allowed_names: self.list(Self::text)?,
            username_headers: self.list(Self::text)?,
            uid_headers: self.list(Self::text)?,
            group_headers: self.list(Self::text)?,
            extra_prefixes: self.list(Self::text)?,
        })
    }

    fn token_review(&mut self) -> Result<TokenReviewWebhook> {
        Ok(TokenReviewWebhook {
            server: self.webhook_server()?,
            version: match ReviewVersion::from_word(self.word()?) {
                Some(version) => version,
                None => return self.wrong("a version of reviews"),
            },
            kept_millis: self.number()?,
        })
    }

    pub(super) fn jwt_issuer(&mut self) -> Result<JwtIssuer> {
        Ok(JwtIssuer {
            url: self.text()?,
            discovery_url: self.text()?,
            authorities: self.shared()?,
            audiences: self.list(Self::text)?,
            algorithms: self.list(|words| match TokenAlgorithm::named(words.word()?) {
                Some(algorithm) => Ok(algorithm),
                None => words.wrong("an algorithm"),
            })?,
            required_claims: self.list(|words| Ok((words.text()?, words.text()?)))?,
            username: self.claim_mapping()?,
            groups: self.claim_mapping()?,
            uid: self.claim_mapping()?,
            extra: self
                .list(|words| Ok((words.text()?, TokenSubject::Claims.compile_mapping(&words.text()?))))?,
            claim_rules: self.list(|words| words.rule(TokenSubject::Claims))?,
            user_rules: self.list(|words| words.rule(TokenSubject::User))?,
        })
    }

    fn rule(&mut self, subject: TokenSubject) -> Result<TokenRule> {
        Ok(TokenRule { expression: subject.compile_rule(&self.text()?), message: self.text()? })
    }

    fn claim_mapping(&mut self) -> Result<ClaimMapping> {
        let (claim, prefix, expression) = (self.text()?, self.text()?, self.text()?);
        let expression = (!expression.is_empty()).then(|| TokenSubject::Claims.compile_mapping(&expression));
        Ok(ClaimMapping { claim, prefix, expression })
    }
}
