//! Bytes to values and back: JSON, YAML, negotiated forms, tables.

pub mod base64;
pub mod der;
pub mod json;
pub mod partial;
pub mod pem;
pub mod proto;
pub mod yaml;
