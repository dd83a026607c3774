//! SRTP of a telephone (RFC 3711 with AES-CM and HMAC-SHA1), written once more for these tests.

use str0m::config::CryptoProvider;
use str0m::crypto::Aes128CmSha1_80;

pub(crate) const KEY: usize = 30;

/// One direction of one section.
pub(crate) struct Keys {
    provider: CryptoProvider,
    master: [u8; KEY],
}

impl Keys {
    pub(crate) fn new(master: &[u8]) -> Self {
        let provider = str0m::crypto::from_feature_flags();
        Self { provider, master: master.try_into().expect("a key and a salt") }
    }

    fn derive<const N: usize>(&self, label: u8) -> [u8; N] {
        let mut input = [0; 16];
        input[..14].copy_from_slice(&self.master[16..]);
        input[7] ^= label;
        let mut out = [0; N];
        for (count, chunk) in (0_u8..).zip(out.chunks_mut(16)) {
            input[15] = count;
            let mut block = [0; 16];
            self.provider.srtp_provider.srtp_aes_128_ecb_round(&self.master[..16], &input, &mut block);
            chunk.copy_from_slice(&block[..chunk.len()]);
        }
        out
    }

    /// Encrypts, or decrypts.
    fn xor(&self, label: u8, ssrc: u32, index: u64, bytes: &[u8]) -> Vec<u8> {
        let mut cipher = self.provider.srtp_provider.aes_128_cm_sha1_80().create_cipher(self.derive(label), true);
        let iv = Aes128CmSha1_80::rtp_iv(self.derive(label + 2), ssrc, index);
        let mut out = vec![0; bytes.len()];
        cipher.encrypt(&iv, bytes, &mut out).expect("it works");
        out
    }

    fn tag(&self, label: u8, parts: &[&[u8]]) -> [u8; 10] {
        let sum = self.provider.sha1_hmac_provider.sha1_hmac(&self.derive::<20>(label), parts);
        sum[..10].try_into().expect("ten bytes")
    }

    /// Seals a packet whose header has twelve bytes. `roc`: how often its numbers have come around.
    pub(crate) fn seal(&self, packet: &[u8], roc: u32) -> Vec<u8> {
        let (ssrc, index) = numbers(packet, roc);
        let mut out = packet[..12].to_vec();
        out.extend(self.xor(0, ssrc, index, &packet[12..]));
        let tag = self.tag(1, &[&out, &roc.to_be_bytes()]);
        out.extend(tag);
        out
    }

    /// Opens one; `None` if the tag is wrong.
    pub(crate) fn open(&self, packet: &[u8], roc: u32) -> Option<Vec<u8>> {
        let (signed, tag) = packet.split_at_checked(packet.len().checked_sub(10)?)?;
        if signed.len() < 12 || self.tag(1, &[signed, &roc.to_be_bytes()]) != tag {
            return None;
        }
        let (ssrc, index) = numbers(packet, roc);
        let mut out = signed[..12].to_vec();
        out.extend(self.xor(0, ssrc, index, &signed[12..]));
        Some(out)
    }

    /// Opens RTCP.
    pub(crate) fn open_control(&self, packet: &[u8]) -> Option<Vec<u8>> {
        let (signed, tag) = packet.split_at_checked(packet.len().checked_sub(10)?)?;
        if self.tag(4, &[signed]) != tag {
            return None;
        }
        let (body, index) = signed.split_at(signed.len() - 4);
        let index = u32::from_be_bytes(index.try_into().expect("four bytes")) & 0x7fff_ffff;
        let ssrc = u32::from_be_bytes(body[4..8].try_into().expect("four bytes"));
        let mut out = body[..8].to_vec();
        out.extend(self.xor(3, ssrc, index.into(), &body[8..]));
        Some(out)
    }

    /// Seals RTCP.
    pub(crate) fn seal_control(&self, packet: &[u8], index: u32) -> Vec<u8> {
        let ssrc = u32::from_be_bytes(packet[4..8].try_into().expect("four bytes"));
        let mut out = packet[..8].to_vec();
        out.extend(self.xor(3, ssrc, index.into(), &packet[8..]));
        out.extend((index | 0x8000_0000).to_be_bytes());
        let tag = self.tag(4, &[&out]);
        out.extend(tag);
        out
    }
}

fn numbers(packet: &[u8], roc: u32) -> (u32, u64) {
    let ssrc = u32::from_be_bytes(packet[8..12].try_into().expect("four bytes"));
    let seq = u16::from_be_bytes(packet[2..4].try_into().expect("two bytes"));
    (ssrc, u64::from(roc) << 16 | u64::from(seq))
}
