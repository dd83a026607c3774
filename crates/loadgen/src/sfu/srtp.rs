//! SRTP with the keys of one connection (RFC 3711, RFC 7714), by str0m's own ciphers.
//!
//! The generator does here what str0m would do, but only when it wants to: a viewer opens one packet in many, and says in
//! RTCP what it has seen of all of them.

use std::fmt;

use str0m::crypto::dtls::{KeyingMaterial, SrtpProfile};
use str0m::crypto::{AeadAes128GcmCipher, AeadAes256GcmCipher, CryptoProvider};

use super::rtp::Header;

/// What AES-GCM adds to each packet.
pub(crate) const TAG: usize = 16;
/// What stands behind an SRTCP packet's tag: the encryption flag and the index.
const INDEX: usize = 4;
const SALT: usize = 12;
/// The part of an RTCP packet that is not encrypted.
const RTCP_CLEAR: usize = 8;

/// Labels of RFC 3711 section 4.3.2.
const RTP_KEY: u8 = 0;
const RTP_SALT: u8 = 2;
const RTCP_KEY: u8 = 3;
const RTCP_SALT: u8 = 5;

/// The master keys that both sides of a connection use.
#[derive(Clone)]
pub(crate) struct Keys {
    pub(crate) ours: Master,
    pub(crate) theirs: Master,
}

/// One side's master key: 16 or 32 bytes, and its salt.
#[derive(Clone)]
pub(crate) struct Master {
    pub(crate) key: Vec<u8>,
    pub(crate) salt: [u8; SALT],
}

/// Keys are not for any log.
impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys")
    }
}

impl Keys {
    /// Cuts the exported material (RFC 5764 section 4.2). `None`: a profile that is no AES-GCM.
    pub(crate) fn cut(material: &KeyingMaterial, profile: SrtpProfile, active: bool) -> Option<Self> {
        let len = match profile {
            SrtpProfile::AEAD_AES_128_GCM => 16,
            SrtpProfile::AEAD_AES_256_GCM => 32,
            _ => return None,
        };
        let (client, rest) = material.split_at_checked(len)?;
        let (server, rest) = rest.split_at_checked(len)?;
        let (client_salt, rest) = rest.split_first_chunk::<SALT>()?;
        let server_salt = rest.first_chunk::<SALT>()?;
        let client = Master { key: client.to_vec(), salt: *client_salt };
        let server = Master { key: server.to_vec(), salt: *server_salt };
        let (ours, theirs) = if active { (client, server) } else { (server, client) };
        Some(Self { ours, theirs })
    }
}

/// One direction of SRTP and SRTCP.
pub(crate) struct Srtp {
    rtp: Aead,
    rtcp: Aead,
    /// Of the next RTCP packet that is sealed.
    index: u32,
}

struct Aead {
    cipher: Cipher,
    salt: [u8; SALT],
}

enum Cipher {
    Aes128(Box<dyn AeadAes128GcmCipher>),
    Aes256(Box<dyn AeadAes256GcmCipher>),
}

impl Srtp {
    /// The direction that `master` keys: to seal, or to open.
    pub(crate) fn new(provider: &CryptoProvider, master: &Master, seal: bool) -> Self {
        // The salt of AES-GCM is two bytes shorter than what the derivation takes: filled up at its end (RFC 7714
        // section 11).
        let mut padded = [0; 14];
        padded[..SALT].copy_from_slice(&master.salt);
        let aead = |key_label, salt_label| {
            let key = derive(provider, &master.key, &padded, key_label, master.key.len());
            let salt = derive(provider, &master.key, &padded, salt_label, SALT);
            let cipher = match <[u8; 32]>::try_from(key.as_slice()) {
                Ok(key) => Cipher::Aes256(provider.srtp_provider.aead_aes_256_gcm().create_cipher(key, seal)),
                Err(_) => {
                    let mut short = [0; 16];
                    short.copy_from_slice(&key[..16]);
                    Cipher::Aes128(provider.srtp_provider.aead_aes_128_gcm().create_cipher(short, seal))
                }
            };
            let mut nonce_salt = [0; SALT];
            nonce_salt.copy_from_slice(&salt);
            Aead { cipher, salt: nonce_salt }
        };
        Self { rtp: aead(RTP_KEY, RTP_SALT), rtcp: aead(RTCP_KEY, RTCP_SALT), index: 1 }
    }

    /// Opens an RTP packet into `out`: its payload. `roc` is how often the sequence number has wrapped.
    pub(crate) fn open_rtp(&mut self, packet: &[u8], header: &Header, roc: u32, out: &mut Vec<u8>) -> Option<()> {
        let (head, sealed) = packet.split_at_checked(header.len)?;
        let nonce = self.rtp.nonce(header.ssrc, roc, header.seq);
        self.rtp.open(&nonce, &[head], sealed, out)
    }

    /// Seals a payload of an RTP packet whose header is `head`, and appends it to `out`.
    pub(crate) fn seal_rtp(&mut self, head: &[u8], roc: u32, payload: &[u8], out: &mut Vec<u8>) -> Option<()> {
        let header = Header::read(head)?;
        let nonce = self.rtp.nonce(header.ssrc, roc, header.seq);
        self.rtp.seal(&nonce, head, payload, out)
    }

    /// Opens an RTCP packet into `out`, compound as it was.
    pub(crate) fn open_rtcp(&mut self, packet: &[u8], out: &mut Vec<u8>) -> Option<()> {
        let (sealed, index) = packet.split_last_chunk::<INDEX>()?;
        let (clear, sealed) = sealed.split_at_checked(RTCP_CLEAR)?;
        let ssrc = u32::from_be_bytes(*clear.last_chunk()?);
        let nonce = self.rtcp.control_nonce(ssrc, u32::from_be_bytes(*index) & 0x7fff_ffff);
        self.rtcp.open(&nonce, &[clear, index], sealed, out)?;
        out.splice(0..0, clear.iter().copied());
        Some(())
    }

    /// Seals a compound RTCP packet into `out`, which is emptied before.
    pub(crate) fn seal_rtcp(&mut self, packet: &[u8], out: &mut Vec<u8>) -> Option<()> {
        let (clear, payload) = packet.split_at_checked(RTCP_CLEAR)?;
        let ssrc = u32::from_be_bytes(*clear.last_chunk()?);
        let nonce = self.rtcp.control_nonce(ssrc, self.index);
        // The flag says that the packet is encrypted.
        let index = (self.index | 1 << 31).to_be_bytes();
        self.index = (self.index + 1) & 0x7fff_ffff;
        let mut aad = [0; RTCP_CLEAR + INDEX];
        aad[..RTCP_CLEAR].copy_from_slice(clear);
        aad[RTCP_CLEAR..].copy_from_slice(&index);
        out.clear();
        out.extend_from_slice(clear);
        self.rtcp.seal(&nonce, &aad, payload, out)?;
        out.extend_from_slice(&index);
        Some(())
    }
}

impl Aead {
    /// RFC 7714 section 8.1.
    fn nonce(&self, ssrc: u32, roc: u32, seq: u16) -> [u8; 12] {
        let mut nonce = [0; 12];
        nonce[2..6].copy_from_slice(&ssrc.to_be_bytes());
        nonce[6..10].copy_from_slice(&roc.to_be_bytes());
        nonce[10..].copy_from_slice(&seq.to_be_bytes());
        self.salted(nonce)
    }

    /// RFC 7714 section 9.1.
    fn control_nonce(&self, ssrc: u32, index: u32) -> [u8; 12] {
        let mut nonce = [0; 12];
        nonce[2..6].copy_from_slice(&ssrc.to_be_bytes());
        nonce[8..].copy_from_slice(&index.to_be_bytes());
        self.salted(nonce)
    }

    fn salted(&self, mut nonce: [u8; 12]) -> [u8; 12] {
        nonce.iter_mut().zip(self.salt).for_each(|(byte, salt)| *byte ^= salt);
        nonce
    }

    fn open(&mut self, nonce: &[u8; 12], aads: &[&[u8]], sealed: &[u8], out: &mut Vec<u8>) -> Option<()> {
        let len = sealed.len().checked_sub(TAG)?;
        out.clear();
        out.resize(len, 0);
        match &mut self.cipher {
            Cipher::Aes128(cipher) => cipher.decrypt(nonce, aads, sealed, out).ok().map(drop),
            Cipher::Aes256(cipher) => cipher.decrypt(nonce, aads, sealed, out).ok().map(drop),
        }
    }

    fn seal(&mut self, nonce: &[u8; 12], aad: &[u8], payload: &[u8], out: &mut Vec<u8>) -> Option<()> {
        let begin = out.len();
        out.resize(begin + payload.len() + TAG, 0);
        match &mut self.cipher {
            Cipher::Aes128(cipher) => cipher.encrypt(nonce, aad, payload, &mut out[begin..]).ok(),
            Cipher::Aes256(cipher) => cipher.encrypt(nonce, aad, payload, &mut out[begin..]).ok(),
        }
    }
}

/// Derives a session key by AES in counter mode (RFC 3711 section 4.3.3; RFC 6188 for keys of 32 bytes).
fn derive(provider: &CryptoProvider, key: &[u8], salt: &[u8; 14], label: u8, len: usize) -> Vec<u8> {
    let mut counter = [0; 16];
    counter[..14].copy_from_slice(salt);
    counter[7] ^= label;
    let mut out = Vec::new();
    while out.len() < len {
        let mut block = [0; 32];
        match key.len() {
            32 => provider.srtp_provider.srtp_aes_256_ecb_round(key, &counter, &mut block),
            _ => provider.srtp_provider.srtp_aes_128_ecb_round(key, &counter, &mut block),
        }
        out.extend_from_slice(&block[..16]);
        counter[15] += 1;
    }
    out.truncate(len);
    out
}

#[cfg(test)]
mod tests {
    use super::super::rtp::{self, FIXED};
    use super::*;

    fn master(len: usize) -> Master {
        Master { key: (1..=len as u8).collect(), salt: *b"salt of 12 b" }
    }

    #[test]
    fn derivation_gives_the_vectors_of_rfc_3711() {
        let provider = str0m::crypto::from_feature_flags();
        let key = 0xe1f9_7a0d_3e01_8be0_d64f_a32c_06de_4139_u128.to_be_bytes();
        let salt = [0x0e, 0xc6, 0x75, 0xad, 0x49, 0x8a, 0xfe, 0xeb, 0xb6, 0x96, 0x0b, 0x3a, 0xab, 0xe6];
        let derived = derive(&provider, &key, &salt, 0, 16);
        assert_eq!(derived, 0xc61e_7a93_744f_39ee_1073_4afe_3ff7_a087_u128.to_be_bytes());
        let derived = derive(&provider, &key, &salt, 2, 14);
        assert_eq!(derived, [0x30, 0xcb, 0xbc, 0x08, 0x86, 0x3d, 0x8c, 0x85, 0xd4, 0x9d, 0xb3, 0x4a, 0x9a, 0xe1]);
    }

    #[test]
    fn what_is_sealed_is_opened_and_nothing_else() {
        let provider = str0m::crypto::from_feature_flags();
        for len in [16, 32] {
            let mut seal = Srtp::new(&provider, &master(len), true);
            let mut open = Srtp::new(&provider, &master(len), false);
            let mut packet = vec![0; FIXED];
            rtp::write_fixed(packet.first_chunk_mut().unwrap(), 96, false, 7, 8, 9);
            let head = packet.clone();
            seal.seal_rtp(&head, 3, b"payload", &mut packet).unwrap();
            assert_eq!(packet.len(), FIXED + 7 + TAG);
            let header = Header::read(&packet).unwrap();
            let mut out = Vec::new();
            open.open_rtp(&packet, &header, 3, &mut out).unwrap();
            assert_eq!(out, b"payload");
            assert!(open.open_rtp(&packet, &header, 4, &mut out).is_none(), "another rollover counter");
            packet[FIXED] ^= 1;
            assert!(open.open_rtp(&packet, &header, 3, &mut out).is_none(), "an altered payload");

            let report = [0x80, 201, 0, 1, 1, 2, 3, 4, 0x81, 206, 0, 2, 9, 9, 9, 9, 8, 8, 8, 8];
            let mut sealed = Vec::new();
            seal.seal_rtcp(&report, &mut sealed).unwrap();
            open.open_rtcp(&sealed, &mut out).unwrap();
            assert_eq!(out, report);
            let first = sealed.clone();
            seal.seal_rtcp(&report, &mut sealed).unwrap();
            assert_ne!(first, sealed, "no index twice");
        }
    }
}
