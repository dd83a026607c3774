//! Payload types of one section of one end.

use patchbay_sdp::Agreed;

use super::Carried;

/// By which numbers an end receives, and by which it sends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Numbers {
    /// What it wants to receive media by.
    media: u8,
    /// Digits, if they pass.
    digits: Option<u8>,
    /// What it may send.
    heard: Vec<(u8, Carried)>,
}

impl Numbers {
    /// An end that sends by the numbers that it receives by.
    pub(crate) fn same(media: u8, digits: Option<u8>) -> Self {
        let heard = std::iter::once((media, Carried::Media)).chain(digits.map(|number| (number, Carried::Digits)));
        Self { media, digits, heard: heard.collect() }
    }

    /// A telephone, which may send by its own numbers or by ours. `ours`: digits in the description that it was held
    /// against.
    pub(crate) fn of(agreed: &Agreed, ours: Option<u8>) -> Self {
        let digits = agreed.digits.and(ours);
        let carried = |number: u8| {
            let back = agreed.payloads.to_browser(number)?;
            Some((number, if Some(back) == digits { Carried::Digits } else { Carried::Media }))
        };
        Self { media: agreed.phone.payload, digits: agreed.digits, heard: (0..128).filter_map(carried).collect() }
    }

    /// What arrives by that number; `None`: nothing of the conversation.
    pub(crate) fn carried(&self, number: u8) -> Option<Carried> {
        self.heard.iter().find(|(known, _)| *known == number).map(|(_, carried)| *carried)
    }

    /// The number to send by; `None`: the end does not know such.
    pub(crate) fn of_carried(&self, carried: Carried) -> Option<u8> {
        match carried {
            Carried::Media => Some(self.media),
            Carried::Digits => self.digits,
        }
    }

    /// A number that means nothing to this end.
    pub(crate) fn unknown(&self) -> u8 {
        (96..128).rev().find(|number| self.carried(*number).is_none()).unwrap_or(127)
    }
}

#[cfg(test)]
mod tests {
    use patchbay_sdp::{Description, Phone, answered, offered};

    use super::*;

    const OURS: &str = "v=0\nc=IN IP4 10.0.0.1\nm=audio 2 RTP/AVP 111 0 126\na=rtpmap:111 opus/48000/2\n\
        a=rtpmap:126 telephone-event/8000\n";
    const THEIRS: &str = "v=0\nc=IN IP4 10.0.0.2\nm=audio 4 RTP/AVP 96 101\na=rtpmap:96 opus/48000/2\n\
        a=rtpmap:101 telephone-event/8000\n";

    fn both() -> (Description, Phone) {
        let phone = Phone::read(&Description::parse(THEIRS).expect("a description")).expect("usable");
        (Description::parse(OURS).expect("a description"), phone)
    }

    fn heard(numbers: &Numbers) -> [Option<Carried>; 5] {
        [96, 101, 111, 126, 0].map(|number| numbers.carried(number))
    }

    #[test]
    fn a_telephone_that_answered_may_send_by_both_numbers() {
        let (ours, phone) = both();
        let agreed = answered(&ours, &phone).expect("agreed").remove(0).expect("sound");
        let numbers = Numbers::of(&agreed, Some(126));
        let (media, digits) = (Some(Carried::Media), Some(Carried::Digits));
        assert_eq!(heard(&numbers), [media, digits, media, digits, None]);
        assert_eq!([Carried::Media, Carried::Digits].map(|what| numbers.of_carried(what)), [Some(96), Some(101)]);
        assert_eq!(numbers.unknown(), 127);
    }

    #[test]
    fn a_telephone_that_offered_sends_by_its_own() {
        let (ours, phone) = both();
        let agreed = offered(&phone, &ours).expect("agreed").remove(0).expect("sound");
        let numbers = Numbers::of(&agreed, Some(126));
        assert_eq!(heard(&numbers), [Some(Carried::Media), Some(Carried::Digits), None, None, None]);
        let without = Description::parse(&OURS.replace(" 126", "")).expect("a description");
        let agreed = offered(&phone, &without).expect("agreed").remove(0).expect("sound");
        let numbers = Numbers::of(&agreed, None);
        assert_eq!(heard(&numbers), [Some(Carried::Media), None, None, None, None]);
        assert_eq!(numbers.of_carried(Carried::Digits), None);
    }

    #[test]
    fn a_browser_sends_as_it_receives() {
        let numbers = Numbers::same(111, Some(127));
        assert_eq!(numbers.carried(111).zip(numbers.of_carried(Carried::Media)), Some((Carried::Media, 111)));
        assert_eq!((numbers.carried(127), numbers.unknown()), (Some(Carried::Digits), 126));
        assert_eq!(Numbers::same(0, None).of_carried(Carried::Digits), None);
    }
}
