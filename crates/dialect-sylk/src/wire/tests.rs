mod events;
mod refused;
mod requests;
mod told;
