//! The kit from outside: its JSON against another parser.

mod differential;
mod json;
