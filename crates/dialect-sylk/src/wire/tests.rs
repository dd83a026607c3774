mod asked;
mod bounds;
mod events;
mod refused;
mod requests;
mod told;
