mod events;
mod refused;
mod requests;
