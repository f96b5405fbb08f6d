//! Bytes to values and back: JSON, YAML, negotiated forms, tables.

pub mod base64;
pub mod form;
pub mod json;
pub mod partial;
pub mod proto;
pub mod table;
pub mod yaml;
