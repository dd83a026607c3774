//! What a viewer says in RTCP: receiver reports (RFC 3550), requests for packets (RFC 4585) and what it has received
//! when (draft-holmer-rmcat-transport-wide-cc-extensions-01). And what it reads: sender reports.

use super::counter::Block;

const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const TRANSPORT_FEEDBACK: u8 = 205;
const NACK: u8 = 1;
const TWCC: u8 = 15;

/// Blocks that one report can have.
pub(crate) const MOST_BLOCKS: usize = 31;

/// Begins a packet, has `body` write it, and puts its length where it belongs.
fn packet(out: &mut Vec<u8>, count: u8, kind: u8, ssrc: u32, body: impl FnOnce(&mut Vec<u8>)) {
    let begin = out.len();
    out.extend([0x80 | count, kind, 0, 0]);
    out.extend(ssrc.to_be_bytes());
    body(out);
    while !(out.len() - begin).is_multiple_of(4) {
        out.push(0);
    }
    let words = ((out.len() - begin) / 4 - 1) as u16;
    out[begin + 2..begin + 4].copy_from_slice(&words.to_be_bytes());
}

/// Every compound packet begins with it, without blocks if need be. At most [`MOST_BLOCKS`] of them are written.
pub(crate) fn receiver_report(out: &mut Vec<u8>, ssrc: u32, blocks: &[Block]) {
    let blocks = &blocks[..blocks.len().min(MOST_BLOCKS)];
    packet(out, blocks.len() as u8, RECEIVER_REPORT, ssrc, |out| {
        for block in blocks {
            out.extend(block.ssrc.to_be_bytes());
            out.push(block.fraction);
            out.extend(&block.lost.to_be_bytes()[1..]);
            out.extend(block.highest.to_be_bytes());
            // Jitter says nothing of a path without a network.
            out.extend([0; 4]);
            out.extend(block.last_report.to_be_bytes());
            out.extend(block.since.to_be_bytes());
        }
    });
}

/// Asks for packets of `media`, whose numbers are in order.
pub(crate) fn nack(out: &mut Vec<u8>, ssrc: u32, media: u32, seqs: &[u16]) {
    packet(out, NACK, TRANSPORT_FEEDBACK, ssrc, |out| {
        out.extend(media.to_be_bytes());
        let mut rest = seqs;
        while let [first, tail @ ..] = rest {
            let near = tail.iter().take_while(|seq| seq.wrapping_sub(*first) <= 16).count();
            let mask = tail[..near].iter().fold(0_u16, |mask, seq| mask | 1 << (seq.wrapping_sub(*first) - 1));
            out.extend(first.to_be_bytes());
            out.extend(mask.to_be_bytes());
            rest = &tail[near..];
        }
    });
}

/// The times of sender reports in a compound packet: whose, and the 64 bits of its clock.
pub(crate) fn sender_reports(mut compound: &[u8]) -> Vec<(u32, u64)> {
    let mut found = Vec::new();
    while let Some([_, kind, high, low]) = compound.first_chunk() {
        let len = 4 + 4 * usize::from(u16::from_be_bytes([*high, *low]));
        let Some(report) = compound.get(..len) else { break };
        if let (SENDER_REPORT, Some(head)) = (*kind, report.first_chunk::<16>()) {
            let (ssrc, ntp) = (&head[4..8], &head[8..]);
            let ssrc = ssrc.iter().fold(0, |value, byte| value << 8 | u32::from(*byte));
            found.push((ssrc, ntp.iter().fold(0, |value, byte| value << 8 | u64::from(*byte))));
        }
        compound = &compound[len..];
    }
    found
}

/// Which packets of a transport came when, until they are reported.
#[derive(Default)]
pub(crate) struct Arrivals {
    /// Extended number and microseconds.
    came: Vec<(u64, u64)>,
    /// The number that the next report begins with.
    next: Option<u64>,
    reports: u8,
}

impl Arrivals {
    pub(crate) fn note(&mut self, seq: u16, micros: u64) {
        let near = self.came.last().map(|(seq, _)| *seq).or(self.next).unwrap_or(0x1_0000 | u64::from(seq));
        // The number of these 16 bits that is closest.
        let extended = near.wrapping_add_signed(i64::from(seq.wrapping_sub(near as u16).cast_signed()));
        self.came.push((extended, micros));
    }

    /// Writes the report of all that came since the last one; nothing if nothing did.
    pub(crate) fn report(&mut self, out: &mut Vec<u8>, ssrc: u32, media: u32) {
        let mut came = std::mem::take(&mut self.came);
        came.sort_unstable();
        came.dedup_by_key(|(seq, _)| *seq);
        if let Some(next) = self.next {
            // What was reported as lost before and came late stays lost, as with browsers.
            came.retain(|(seq, _)| *seq >= next);
        }
        let (Some(&(first, at)), Some(&(last, _))) = (came.first(), came.last()) else { return };
        let base = self.next.unwrap_or(first);
        // 64 ms each. Later packets may have come earlier, but then by a negative difference.
        let reference = at / 64_000;
        let (mut symbols, mut deltas) = (Vec::new(), Vec::new());
        let (mut before, mut rest) = ((reference * 256).cast_signed(), came.iter().peekable());
        for seq in base..=last {
            let Some((_, micros)) = rest.next_if(|(came, _)| *came == seq) else {
                symbols.push(0);
                continue;
            };
            let now = (micros / 250).cast_signed();
            match u8::try_from(now - before) {
                Ok(small) => {
                    symbols.push(1);
                    deltas.push(small);
                }
                Err(_) => {
                    symbols.push(2);
                    let large = (now - before).clamp(i64::from(i16::MIN), i64::from(i16::MAX)) as i16;
                    deltas.extend(large.to_be_bytes());
                }
            }
            before = now;
        }
        packet(out, TWCC, TRANSPORT_FEEDBACK, ssrc, |out| {
            out.extend(media.to_be_bytes());
            out.extend((base as u16).to_be_bytes());
            out.extend((symbols.len() as u16).to_be_bytes());
            out.extend(&(reference as u32).to_be_bytes()[1..]);
            out.push(self.reports);
            chunks(out, &symbols);
            out.extend(&deltas);
        });
        self.reports = self.reports.wrapping_add(1);
        self.next = Some(last + 1);
    }
}

/// Runs of seven or more as such, everything else seven by seven.
fn chunks(out: &mut Vec<u8>, mut symbols: &[u8]) {
    while let Some(first) = symbols.first() {
        let run = symbols.iter().take(0x1fff).take_while(|symbol| *symbol == first).count();
        if run >= 7 {
            out.extend((u16::from(*first) << 13 | run as u16).to_be_bytes());
            symbols = &symbols[run..];
            continue;
        }
        let few = &symbols[..symbols.len().min(7)];
        let bits = few.iter().enumerate().fold(0xc000, |bits, (at, symbol)| bits | u16::from(*symbol) << (12 - 2 * at));
        out.extend(bits.to_be_bytes());
        symbols = &symbols[few.len()..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_laid_out_as_rfc_3550_says() {
        let mut out = Vec::new();
        let block = Block { ssrc: 7, fraction: 51, lost: 3, highest: 0x1_0002, last_report: 5, since: 6 };
        receiver_report(&mut out, 1, &[block]);
        assert_eq!(out[..8], [0x81, 201, 0, 7, 0, 0, 0, 1]);
        assert_eq!(out[8..24], [0, 0, 0, 7, 51, 0, 0, 3, 0, 1, 0, 2, 0, 0, 0, 0]);
        assert_eq!(out[24..], [0, 0, 0, 5, 0, 0, 0, 6]);
    }

    #[test]
    fn neighbours_are_asked_for_in_one_mask() {
        let mut out = Vec::new();
        nack(&mut out, 1, 2, &[65_535, 0, 15, 16, 40]);
        assert_eq!(out[..12], [0x81, 205, 0, 5, 0, 0, 0, 1, 0, 0, 0, 2]);
        assert_eq!(out[12..], [0xff, 0xff, 0x80, 0x01, 0, 16, 0, 0, 0, 40, 0, 0]);
    }

    #[test]
    fn sender_reports_are_found_in_compound_packets() {
        let mut compound = Vec::new();
        receiver_report(&mut compound, 9, &[]);
        packet(&mut compound, 0, 200, 0x0a0b_0c0d, |out| out.extend([1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0]));
        assert_eq!(sender_reports(&compound), [(0x0a0b_0c0d, 0x0102_0304_0506_0708)]);
        assert_eq!(sender_reports(&compound[..20]), []);
        assert_eq!(sender_reports(&[0x80, 200, 0, 0]), []);
    }

    #[test]
    fn arrivals_are_reported_once_with_their_gaps() {
        let mut arrivals = Arrivals::default();
        let mut out = Vec::new();
        arrivals.report(&mut out, 1, 2);
        assert_eq!(out, [] as [u8; 0]);
        // 65,535 comes at 64 ms, 1 comes 500 µs later, 0 never, 2 comes 70 ms after that.
        for (seq, micros) in [(65_535, 64_000), (1, 64_500), (2, 134_500)] {
            arrivals.note(seq, micros);
        }
        arrivals.report(&mut out, 1, 2);
        assert_eq!(out[..12], [0x8f, 205, 0, 6, 0, 0, 0, 1, 0, 0, 0, 2]);
        assert_eq!(out[12..20], [0xff, 0xff, 0, 4, 0, 0, 1, 0]);
        // Symbols 1, 0, 1, 2; then 0, 500 and 70,000 µs in steps of 250.
        assert_eq!(out[20..28], [0xd1, 0x80, 0, 2, 0x01, 0x18, 0, 0]);
        out.clear();
        arrivals.note(0, 140_000);
        arrivals.note(4, 140_000);
        arrivals.report(&mut out, 1, 2);
        assert_eq!(out[12..22], [0, 3, 0, 2, 0, 0, 2, 1, 0xc4, 0], "the late one is not reported, 3 is missing");
    }

    #[test]
    fn long_runs_take_one_chunk() {
        let mut out = Vec::new();
        chunks(&mut out, &[1; 30]);
        assert_eq!(out, [0x20, 30]);
        out.clear();
        chunks(&mut out, &[1, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(out, [0xd4, 0x00, 0xc0, 0x00]);
    }
}
