//! Programs that people use: Kamailio as registrar and proxy, baresip and linphone as telephones.
