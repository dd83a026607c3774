//! The media engine on threads and sockets.
