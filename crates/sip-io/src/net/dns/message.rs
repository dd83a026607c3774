//! The messages of name servers (RFC 1035), as far as NAPTR (RFC 3403), SRV (RFC 2782) and addresses need them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Most records that are read of one answer.
const RECORDS: usize = 64;
/// Most jumps in one name: without a bound two pointers could point at each other.
const JUMPS: usize = 16;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    A,
    Aaaa,
    Srv,
    Naptr,
}

impl Kind {
    const fn number(self) -> u16 {
        match self {
            Self::A => 1,
            Self::Aaaa => 28,
            Self::Srv => 33,
            Self::Naptr => 35,
        }
    }
}

/// A record that says where to go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Record {
    Srv(Srv),
    Naptr(Naptr),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Srv {
    pub(crate) priority: u16,
    pub(crate) weight: u16,
    pub(crate) port: u16,
    /// Empty: a lone dot.
    pub(crate) target: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Naptr {
    pub(crate) order: u16,
    pub(crate) preference: u16,
    pub(crate) flags: String,
    pub(crate) service: String,
    pub(crate) replacement: String,
}

/// A question; `None`: no name can be so long.
pub(crate) fn question(id: u16, name: &str, kind: Kind) -> Option<Vec<u8>> {
    let mut out = id.to_be_bytes().to_vec();
    // One question, recursion wanted; one additional record.
    out.extend_from_slice(&[1, 0, 0, 1, 0, 0, 0, 0, 0, 1]);
    let name = name.trim_end_matches('.');
    if name.is_empty() || name.len() > 253 {
        return None;
    }
    for label in name.split('.') {
        let length = u8::try_from(label.len()).ok().filter(|length| (1..64).contains(length))?;
        out.push(length);
        out.extend_from_slice(label.as_bytes());
    }
    out.push(0);
    out.extend_from_slice(&kind.number().to_be_bytes());
    out.extend_from_slice(&[0, 1]);
    // EDNS (RFC 6891): answers of up to 1,232 bytes come in one datagram.
    out.extend_from_slice(&[0, 0, 41, 0x04, 0xd0, 0, 0, 0, 0, 0, 0]);
    Some(out)
}

/// Whether bytes answer this question.
pub(crate) fn is_answer(bytes: &[u8], question: &[u8]) -> bool {
    let asked = question.len() - 11;
    bytes.len() >= asked
        && bytes[..2] == question[..2]
        && bytes[2] & 0x80 != 0
        && bytes[4..6] == [0, 1]
        && bytes[12..asked].eq_ignore_ascii_case(&question[12..asked])
}

/// Whether an answer did not fit into its datagram.
pub(crate) fn is_cut(bytes: &[u8]) -> bool {
    bytes.get(2).is_some_and(|flags| flags & 0x02 != 0)
}

/// The records of a kind in an answer; none where the name is unknown. `None`: the server has failed, or the bytes are no
/// answer.
pub(crate) fn records(bytes: &[u8], kind: Kind) -> Option<Vec<Record>> {
    let record = |bytes: &[u8], at: usize, found: u16| {
        if found != kind.number() {
            return None;
        }
        let mut reader = Reader { bytes, at };
        match kind {
            Kind::Srv => Some(Record::Srv(Srv {
                priority: reader.number()?,
                weight: reader.number()?,
                port: reader.number()?,
                target: reader.name()?,
            })),
            Kind::Naptr => Some(Record::Naptr(Naptr {
                order: reader.number()?,
                preference: reader.number()?,
                flags: reader.text()?,
                service: reader.text()?,
                // What would have to be rewritten by a regular expression is of no use for SIP (RFC 3263 section 4.1).
                replacement: {
                    reader.text()?;
                    reader.name()?
                },
            })),
            Kind::A | Kind::Aaaa => None,
        }
    };
    walk(bytes, record)
}

/// The addresses in an answer, aliases followed by the server.
pub(crate) fn addresses(bytes: &[u8]) -> Option<Vec<IpAddr>> {
    walk(bytes, |bytes, at, found| {
        let data = &bytes[at..];
        match found {
            1 => Some(IpAddr::V4(Ipv4Addr::from(<[u8; 4]>::try_from(data.get(..4)?).ok()?))),
            28 => Some(IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(data.get(..16)?).ok()?))),
            _ => None,
        }
    })
}

/// What `read` makes of each record's data, which begins at its second argument and ends with the slice.
fn walk<T>(bytes: &[u8], read: impl Fn(&[u8], usize, u16) -> Option<T>) -> Option<Vec<T>> {
    let mut reader = Reader { bytes, at: 2 };
    let flags = reader.number()?;
    // 0: no error; 3: no such name.
    match (flags & 0x8000, flags & 0x000f) {
        (0x8000, 0) => {}
        (0x8000, 3) => return Some(Vec::new()),
        _ => return None,
    }
    let (questions, answers) = (reader.number()?, reader.number()?);
    reader.at = 12;
    for _ in 0..questions {
        reader.name()?;
        reader.at += 4;
    }
    let mut found = Vec::new();
    for _ in 0..usize::from(answers).min(RECORDS) {
        reader.name()?;
        let kind = reader.number()?;
        reader.at += 6;
        let length = usize::from(reader.number()?);
        let end = reader.at.checked_add(length).filter(|end| *end <= bytes.len())?;
        found.extend(read(&bytes[..end], reader.at, kind));
        reader.at = end;
    }
    Some(found)
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn byte(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    fn number(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes([self.byte()?, self.byte()?]))
    }

    /// A string with its length before it.
    fn text(&mut self) -> Option<String> {
        let length = usize::from(self.byte()?);
        let bytes = self.bytes.get(self.at..self.at + length)?;
        self.at += length;
        Some(String::from_utf8_lossy(bytes).into_owned())
    }

    /// A name without its last dot.
    fn name(&mut self) -> Option<String> {
        let (mut name, mut at, mut jumps) = (String::new(), self.at, 0);
        loop {
            let length = usize::from(*self.bytes.get(at)?);
            match length {
                0 => {
                    if jumps == 0 {
                        self.at = at + 1;
                    }
                    return Some(name);
                }
                1..=63 => {
                    let label = self.bytes.get(at + 1..at + 1 + length)?;
                    // Names of hosts have no others; what is none cannot be asked for either.
                    let fits = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
                    if !label.iter().all(fits) || name.len() + length > 254 {
                        return None;
                    }
                    if !name.is_empty() {
                        name.push('.');
                    }
                    name.extend(label.iter().map(|byte| char::from(byte.to_ascii_lowercase())));
                    at += 1 + length;
                }
                192..=255 => {
                    let low = usize::from(*self.bytes.get(at + 1)?);
                    if jumps == 0 {
                        self.at = at + 2;
                    }
                    jumps += 1;
                    if jumps > JUMPS {
                        return None;
                    }
                    at = (length & 0x3f) << 8 | low;
                }
                _ => return None,
            }
        }
    }
}
