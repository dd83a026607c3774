pub fn target(_: &[u8]) {}
