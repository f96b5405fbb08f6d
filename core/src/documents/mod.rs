//! The documents of the server itself: discovery, OpenAPI, OpenID configuration, health, version.

pub mod aggregation;
pub mod discovery;
mod document;
pub mod health;
pub mod openapi;
pub mod openid;
