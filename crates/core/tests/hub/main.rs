//! The hub from outside: random lives against a reference model, the event queue, and the full size.

mod cards;
mod lost;
mod manage;
mod model;
mod moves;
mod names;
mod pairs;
mod patches;
mod properties;
mod queue;
mod scale;
mod streams;
mod talks;
