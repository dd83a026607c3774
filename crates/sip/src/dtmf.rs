//! Digits in `INFO` requests: `application/dtmf-relay` and `application/dtmf`, which no standard defines and everybody
//! speaks.

/// The `Content-Type` of what [`write()`] writes.
pub const CONTENT_TYPE: &str = "application/dtmf-relay";
/// How long a digit lasts where nothing, or nonsense, is said, in milliseconds.
pub const DURATION: u16 = 160;
/// Longest digit that is believed, in milliseconds.
const LONGEST: u16 = 5_000;
/// Longest body that is looked at, in bytes; a real one has some 25.
const BODY_BYTES: usize = 256;

/// A digit: `0` to `9`, `*`, `#`, `A` to `D`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digit(char);

impl Digit {
    /// Reads one character.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut characters = text.chars();
        let digit = characters.next()?.to_ascii_uppercase();
        (characters.next().is_none() && matches!(digit, '0'..='9' | '*' | '#' | 'A'..='D')).then_some(Self(digit))
    }

    /// The event number of RFC 4733 section 3.2: 0 to 15.
    #[must_use]
    pub fn event(self) -> u8 {
        // The order of the numbers.
        "0123456789*#ABCD".find(self.0).and_then(|place| u8::try_from(place).ok()).unwrap_or(0)
    }

    /// The character.
    #[must_use]
    pub fn as_char(self) -> char {
        self.0
    }
}

/// One press of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Press {
    /// Which.
    pub digit: Digit,
    /// How long, in milliseconds: 1 to 5000.
    pub duration: u16,
}

impl Press {
    /// A press of `duration` milliseconds, or of [`DURATION`] if that is absent or no length of a press.
    #[must_use]
    pub fn new(digit: Digit, duration: Option<i64>) -> Self {
        let duration = duration.and_then(|duration| u16::try_from(duration).ok());
        Self { digit, duration: duration.filter(|duration| (1..=LONGEST).contains(duration)).unwrap_or(DURATION) }
    }
}

/// The body of an `INFO` with [`CONTENT_TYPE`].
#[must_use]
pub fn write(press: Press) -> String {
    format!("Signal={}\r\nDuration={}\r\n", press.digit.0, press.duration)
}

/// Reads the body of an `INFO`; `None` if it is of another type, or no digit.
#[must_use]
pub fn read(content_type: &str, body: &str) -> Option<Press> {
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    let relay = media_type.eq_ignore_ascii_case(CONTENT_TYPE);
    if !(relay || media_type.eq_ignore_ascii_case("application/dtmf")) || body.len() > BODY_BYTES {
        return None;
    }
    // `application/dtmf` is the digit alone; some write the other form there, too.
    let (mut signal, mut duration) = ((!relay && !body.contains(['=', ':'])).then(|| body.trim()), None);
    for line in body.split(['\r', '\n']) {
        let Some((name, value)) = line.split_once(['=', ':']) else { continue };
        match name.trim().to_ascii_lowercase().as_str() {
            "signal" => signal = Some(value.trim()),
            "duration" => duration = value.trim().parse().ok(),
            _ => {}
        }
    }
    let signal = signal?;
    let digit = Digit::parse(signal).or_else(|| {
        // Some write the event's number.
        let number: usize = signal.parse().ok().filter(|number| (10..16).contains(number))?;
        "0123456789*#ABCD".chars().nth(number).map(Digit)
    });
    Some(Press::new(digit?, duration))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digit(text: &str) -> Digit {
        Digit::parse(text).expect(text)
    }

    #[test]
    fn digits() {
        for (text, event) in [("0", 0), ("9", 9), ("*", 10), ("#", 11), ("a", 12), ("D", 15)] {
            assert_eq!(digit(text).event(), event);
        }
        for text in ["", "12", "E", "5\r\n", "\r", "٣"] {
            assert_eq!(Digit::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        for (duration, written) in [
            (None, 160),
            (Some(1), 1),
            (Some(5_000), 5_000),
            (Some(0), 160),
            (Some(5_001), 160),
            (Some(-1), 160),
            (Some(i64::MAX), 160),
        ] {
            let press = Press::new(digit("5"), duration);
            assert_eq!(write(press), format!("Signal=5\r\nDuration={written}\r\n"));
            assert_eq!(read(CONTENT_TYPE, &write(press)), Some(press));
        }
    }

    #[test]
    fn what_telephones_write_is_read() {
        for (content_type, body, press) in [
            ("application/dtmf-relay", "Signal=5\r\nDuration=250", Some(("5", 250))),
            ("Application/DTMF-Relay; charset=x", "signal= * \nduration = 100\n", Some(("*", 100))),
            ("application/dtmf-relay", "Signal: #\r\n", Some(("#", 160))),
            ("application/dtmf-relay", "Signal=11\r\nDuration=9999", Some(("#", 160))),
            ("application/dtmf-relay", "Duration=160\r\nSignal=d", Some(("D", 160))),
            ("application/dtmf", " 7\r\n", Some(("7", 160))),
            ("application/dtmf", "Signal=7\r\nDuration=80", Some(("7", 80))),
            ("application/dtmf", "77", None),
            ("application/dtmf-relay", "5", None),
            ("application/dtmf-relay", "Signal=16\r\n", None),
            ("application/dtmf-relay", "Signal=05\r\n", None),
            ("application/dtmf-relay", "", None),
            ("application/media_control+xml", "5", None),
        ] {
            let expected = press.map(|(text, duration)| Press { digit: digit(text), duration });
            assert_eq!(read(content_type, body), expected, "{content_type} {body:?}");
        }
        assert_eq!(read("application/dtmf", &format!("5{}", " ".repeat(1_000))), None);
    }
}
