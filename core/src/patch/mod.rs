//! The three patch languages that change an object: JSON patch, JSON merge patch, strategic merge patch.

pub mod json_patch;
pub mod merge;
pub mod strategic;
