//! The command line of Hollowcast.

#![forbid(unsafe_code)]

fn main() {}
