//! Authorizers as words of a line.

use super::read::{Result, Words};
use super::write::Line;
use crate::config::{AbacPolicy, AuthorizationWebhook, Authorizer, ReviewVersion, WebhookServer};
use crate::expressions::ReviewConditions;
use crate::value::Text;
use alloc::sync::Arc;
use alloc::vec::Vec;

impl Line<'_> {
    pub(super) fn authorizers(&mut self, authorizers: &[Authorizer]) -> &mut Self {
        self.number(authorizers.len());
        authorizers.iter().fold(self, |line, authorizer| match authorizer {
            Authorizer::AlwaysAllow => line.word("allow"),
            Authorizer::AlwaysDeny => line.word("deny"),
            Authorizer::Node => line.word("node"),
            Authorizer::Rbac => line.word("rbac"),
            Authorizer::Abac(policies) => {
                line.word("abac").number(policies.len());
                policies.iter().fold(line, Line::policy)
            }
            Authorizer::Webhook(webhook) => line.word("webhook").authorization_webhook(webhook),
        })
    }

    fn policy(&mut self, policy: &AbacPolicy) -> &mut Self {
        self.text(&policy.user).text(&policy.group);
        self.word(if policy.is_read_only { "reads" } else { "all" });
        self.text(&policy.api_group).text(&policy.resource).text(&policy.namespace);
        self.text(&policy.non_resource_path)
    }

    fn authorization_webhook(&mut self, webhook: &AuthorizationWebhook) -> &mut Self {
        self.webhook_server(&webhook.server).word(webhook.version.word()).number(webhook.timeout_millis);
        self.number(webhook.authorized_millis).number(webhook.unauthorized_millis);
        self.word(if webhook.denies_on_failure { "denies" } else { "passes" });
        self.number(webhook.conditions.texts().count());
        webhook.conditions.texts().fold(self, Line::text)
    }

    pub(super) fn webhook_server(&mut self, server: &WebhookServer) -> &mut Self {
        self.text(&server.host).number(server.port).text(&server.path).text(&server.origin);
        self.trust(&server.trust).text(&server.authorization)
    }
}

impl Words<'_> {
    pub(super) fn authorizers(&mut self) -> Result<Vec<Authorizer>> {
        self.list(|words| match words.word()? {
            "allow" => Ok(Authorizer::AlwaysAllow),
            "deny" => Ok(Authorizer::AlwaysDeny),
            "node" => Ok(Authorizer::Node),
            "rbac" => Ok(Authorizer::Rbac),
            "abac" => Ok(Authorizer::Abac(Arc::new(words.list(Self::policy)?))),
            "webhook" => Ok(Authorizer::Webhook(Arc::new(words.authorization_webhook()?))),
            _ => words.wrong("an authorizer"),
        })
    }

    fn policy(&mut self) -> Result<AbacPolicy> {
        Ok(AbacPolicy {
            user: self.text()?,
            group: self.text()?,
            is_read_only: match self.word()? {
                "reads" => true,
                "all" => false,
                _ => return self.wrong("reads or all"),
            },
            api_group: self.text()?,
            resource: self.text()?,
            namespace: self.text()?,
            non_resource_path: self.text()?,
        })
    }

    fn authorization_webhook(&mut self) -> Result<AuthorizationWebhook> {
        Ok(AuthorizationWebhook {
            server: self.webhook_server()?,
            version: match ReviewVersion::from_word(self.word()?) {
                Some(version) => version,
                None => return self.wrong("a version of reviews"),
            },
            timeout_millis: self.number()?,
            authorized_millis: self.number()?,
            unauthorized_millis: self.number()?,
            denies_on_failure: match self.word()? {
                "denies" => true,
                "passes" => false,
                _ => return self.wrong("denies or passes"),
            },
            conditions: {
                let texts = self.list(Self::text)?;
                match ReviewConditions::compile(texts.iter().map(Text::as_str)) {
                    Ok(conditions) => conditions,
                    Err(_) => return self.wrong("conditions on reviews"),
                }
            },
        })
    }

    pub(super) fn webhook_server(&mut self) -> Result<WebhookServer> {
        Ok(WebhookServer {
            host: self.text()?,
            port: self.number()?,
            path: self.text()?,
            origin: self.text()?,
            trust: self.trust()?,
            authorization: self.text()?,
        })
    }
}
