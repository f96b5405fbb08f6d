//! One file for each kind that has rules of its own.
