//! How parties of others look among this dialect's streams: a pure function, for rooms that are one across dialects.

use patchbay_core::Name;

/// The stream that a member of a room is: both names, a dot between; other characters than those of streams become `-`.
///
/// # Panics
/// Never: the name has at least one character and at most [`Name::BYTES`].
#[must_use]
pub fn stream_of(room: &Name, member: &Name) -> Name {
    let legal = |character: char| character.is_ascii_alphanumeric() || matches!(character, '.' | '_' | '-');
    let both = room.as_str().chars().chain(['.']).chain(member.as_str().chars());
    let name: String = both.map(|letter| if legal(letter) { letter } else { '-' }).take(Name::BYTES).collect();
    Name::parse(&name).expect("1 to 256 characters of ASCII")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_a_stream_of_both_names() {
        let of = |room: &str, member: &str| {
            let name = |text: &str| Name::parse(text).expect("a name");
            stream_of(&name(room), &name(member)).as_str().to_owned()
        };
        assert_eq!(of("demo", "alice"), "demo.alice");
        assert_eq!(of("our room", "_a"), "our-room._a");
        assert_eq!(of(&"r".repeat(256), "a").len(), 256);
    }
}
