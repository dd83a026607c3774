//! Who may come into which room, and how much its members may send: sylk.md section 8.

use std::collections::BTreeMap;

use patchbay_core::Name;

/// What members of a room may send altogether, in bits per second, where nobody says otherwise: the reference's.
const MAX_BITRATE: u32 = 2_016_000;
/// What is left for those who are not active, while somebody is.
const OTHERS: u32 = 100_000;

/// The rules of all rooms.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// Of rooms that have none of their own.
    pub default: Rule,
    /// By the room's address.
    pub rooms: BTreeMap<String, Rule>,
}

/// The rules of a room.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Which of the two lists has the last word.
    pub order: Order,
    /// Who may come in.
    pub allow: Vec<Who>,
    /// Who may not.
    pub deny: Vec<Who>,
    /// Bits per second that those who are active, or else all others together, may send.
    pub max_bitrate: u32,
    /// Nobody sends pictures.
    pub video_disabled: bool,
    /// What the room is called in the hub, where that is not its address: the room that others of other dialects meet in.
    pub name: Option<Name>,
}

impl Default for Rule {
    /// Everybody may come in.
    fn default() -> Self {
        Self {
            order: Order::AllowDeny,
            allow: vec![Who::All],
            deny: Vec::new(),
            max_bitrate: MAX_BITRATE,
            video_disabled: false,
            name: None,
        }
    }
}

/// Which list has the last word about an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Who is allowed and not denied comes in.
    AllowDeny,
    /// Who is allowed or not denied comes in.
    DenyAllow,
}

/// Accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// Every one.
    All,
    /// `user@host`.
    Address(String),
    /// All of a domain.
    Domain(String),
}

impl Who {
    fn is(&self, account: &str) -> bool {
        match self {
            Self::All => true,
            Self::Address(address) => address == account,
            Self::Domain(domain) => account.split_once('@').is_some_and(|(_, host)| host.eq_ignore_ascii_case(domain)),
        }
    }
}

impl Rules {
    /// Those of one room.
    #[must_use]
    pub fn of(&self, room: &str) -> &Rule {
        self.rooms.get(room).unwrap_or(&self.default)
    }
}

impl Rule {
    /// Whether that account may come in.
    #[must_use]
    pub fn admits(&self, account: &str) -> bool {
        let any = |list: &[Who]| list.iter().any(|who| who.is(account));
        match self.order {
            Order::AllowDeny => any(&self.allow) && !any(&self.deny),
            Order::DenyAllow => !any(&self.deny) || any(&self.allow),
        }
    }

    /// What one member may send, in bits per second: of `members` with `active` ones among them, of which it `is` one.
    #[must_use]
    pub fn share(&self, members: usize, active: usize, is: bool) -> u32 {
        let among = |count: usize| self.max_bitrate / u32::try_from(count.max(1)).unwrap_or(u32::MAX);
        match (active, is) {
            (0, _) => among(members.saturating_sub(1)),
            (_, true) => among(active),
            (_, false) => OTHERS,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_decides() {
        let (alice, org) = (Who::Address("alice@example.com".to_owned()), Who::Domain("Example.org".to_owned()));
        let rule = |order, allow: &[Who], deny: &[Who]| Rule {
            order,
            allow: allow.to_vec(),
            deny: deny.to_vec(),
            ..Rule::default()
        };
        for (rule, admitted) in [
            (Rule::default(), [true, true]),
            (rule(Order::AllowDeny, &[], &[]), [false, false]),
            (rule(Order::DenyAllow, &[], &[]), [true, true]),
            (rule(Order::AllowDeny, &[Who::All], std::slice::from_ref(&alice)), [false, true]),
            (rule(Order::DenyAllow, std::slice::from_ref(&alice), &[Who::All]), [true, false]),
            (rule(Order::AllowDeny, &[alice, org.clone()], &[org]), [true, false]),
        ] {
            assert_eq!(["alice@example.com", "bob@example.org"].map(|who| rule.admits(who)), admitted, "{rule:?}");
        }
        let named = Rule { video_disabled: true, ..Rule::default() };
        let rules = Rules { rooms: [("r".to_owned(), named)].into(), ..Rules::default() };
        assert!(rules.of("r").video_disabled && !rules.of("other").video_disabled);
    }

    #[test]
    fn what_may_be_sent_is_shared_by_who_is_looked_at() {
        let rule = Rule { max_bitrate: 1_000_000, ..Rule::default() };
        for (members, active, is, share) in [
            (1, 0, false, 1_000_000),
            (2, 0, false, 1_000_000),
            (5, 0, false, 250_000),
            (5, 1, true, 1_000_000),
            (5, 2, true, 500_000),
            (5, 2, false, 100_000),
        ] {
            assert_eq!(rule.share(members, active, is), share, "{members} {active} {is}");
        }
    }
}
