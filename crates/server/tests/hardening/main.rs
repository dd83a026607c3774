//! The shell against clients that mean harm: who may take how much, what they may say of themselves, and what of them
//! comes out again. Each case has short limits of its own, so that the whole takes seconds.

#[path = "../common/mod.rs"]
mod common;

mod address;
mod admin;
mod canary;
mod edges;
mod exhaustion;
mod extensions;
mod floods;
mod fragments;
mod logs;
mod smuggling;
mod support;
mod trickle;
