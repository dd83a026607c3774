//! The engine between real peers: str0m on both sides, one virtual network and one virtual clock in between. A second of
//! media takes some milliseconds, and a failure comes back with its seed.

mod answer;
mod attack;
mod bare;
mod fragments;
mod heed;
mod join;
mod lean;
mod loss;
mod narrow;
mod net;
mod peer;
mod phone;
mod ports;
mod pulled;
mod simulcast;
mod srtp;
mod talk;
mod tracks;
mod world;
