//! Telephones (sylk.md section 13, cases 10 to 61): clients of the dialect `sylk` at one side, SIP in plain text at the
//! other. What goes on within a connection alone is in the dialect's transcripts.

mod accounts;
mod attacks;
mod client;
mod doors;
mod drain;
mod incoming;
mod inside;
mod outgoing;
mod programs;
mod telephone;
