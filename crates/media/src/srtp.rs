//! SRTP and SRTCP under the keys of one connection (RFC 3711, RFC 5764, RFC 7714), for what leaves past str0m, and for
//! telephones.
//!
//! The ciphers are those of str0m's crypto provider; here are the keys, the nonces and the layout of packets.

mod inbound;

use std::fmt;
use std::sync::{Arc, OnceLock};

use patchbay_sdp::crypto::{Crypto, Suite};
use str0m::config::CryptoProvider;
use str0m::crypto::dtls::{KeyingMaterial, SrtpProfile};
use str0m::crypto::{AeadAes128Gcm, AeadAes128GcmCipher, AeadAes256Gcm, AeadAes256GcmCipher};
use str0m::crypto::{Aes128CmSha1_80, Aes128CmSha1_80Cipher};

pub(crate) use self::inbound::Inbound;

/// The part of an RTCP packet that stays in clear: header and sender.
const CLEAR: usize = 8;
/// What stands behind an SRTCP packet: the flag that says that it is encrypted, and its index.
const INDEX: usize = 4;
const ENCRYPTED: u32 = 1 << 31;
/// Indices of SRTCP packets of which each is let in once (RFC 3711 section 3.3.2 asks for 64 at least).
const WINDOW: u32 = 64;

/// Labels of RFC 3711 section 4.3.2.
const RTP: [u8; 3] = [0, 1, 2];
const RTCP: [u8; 3] = [3, 4, 5];

/// Where the keys of a connection will be found once its handshake is done.
pub(crate) type Tap = Arc<OnceLock<Keys>>;

/// The master keys of a connection: of what we send, and of what the peer sends.
pub(crate) struct Keys {
    ours: Master,
    theirs: Master,
}

struct Master {
    profile: SrtpProfile,
    key: Vec<u8>,
    salt: Vec<u8>,
    /// Bytes of the tag of an RTP packet where HMAC makes it.
    tag: usize,
}

/// Keys are not for any log.
impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys")
    }
}

impl Keys {
    /// Cuts the exported material (RFC 5764 section 4.2): keys of client and server, then their salts. `None`: a profile
    /// that str0m does not know either.
    pub(crate) fn cut(material: &KeyingMaterial, profile: SrtpProfile, active: bool) -> Option<Self> {
        let (key, salt) = match profile {
            SrtpProfile::AEAD_AES_256_GCM => (AeadAes256Gcm::KEY_LEN, AeadAes256Gcm::SALT_LEN),
            SrtpProfile::AEAD_AES_128_GCM => (AeadAes128Gcm::KEY_LEN, AeadAes128Gcm::SALT_LEN),
            SrtpProfile::AES128_CM_SHA1_80 => (Aes128CmSha1_80::KEY_LEN, Aes128CmSha1_80::SALT_LEN),
            _ => return None,
        };
        let (client, rest) = material.split_at_checked(key)?;
        let (server, rest) = rest.split_at_checked(key)?;
        let (client_salt, rest) = rest.split_at_checked(salt)?;
        let server_salt = rest.get(..salt)?;
        let tag = Aes128CmSha1_80::HMAC_TAG_LEN;
        let master = |key: &[u8], salt: &[u8]| Master { profile, key: key.to_vec(), salt: salt.to_vec(), tag };
        let (client, server) = (master(client, client_salt), master(server, server_salt));
        let (ours, theirs) = if active { (client, server) } else { (server, client) };
        Some(Self { ours, theirs })
    }

    /// What is sent is sealed by the one, what the peer sends in RTCP is opened by the other.
    pub(crate) fn ciphers(&self, provider: &Arc<CryptoProvider>) -> (Seal, Open) {
        (Seal::new(provider, &self.ours), Open::new(provider, &self.theirs))
    }
}

impl Master {
    /// A key of a description (RFC 4568).
    fn of(crypto: &Crypto) -> Self {
        let (profile, key) = match crypto.suite {
            Suite::AesCm128HmacSha1_80 | Suite::AesCm128HmacSha1_32 => {
                (SrtpProfile::AES128_CM_SHA1_80, Aes128CmSha1_80::KEY_LEN)
            }
            Suite::AeadAes128Gcm => (SrtpProfile::AEAD_AES_128_GCM, AeadAes128Gcm::KEY_LEN),
            Suite::AeadAes256Gcm => (SrtpProfile::AEAD_AES_256_GCM, AeadAes256Gcm::KEY_LEN),
        };
        // The key is as long as its suite says: whoever made it has seen to that.
        let (key, salt) = crypto.key().split_at(key.min(crypto.key().len()));
        // RFC 4568 section 6.2.2: only the tags of RTP are shorter.
        let tag = if crypto.suite == Suite::AesCm128HmacSha1_32 { 4 } else { Aes128CmSha1_80::HMAC_TAG_LEN };
        Self { profile, key: key.to_vec(), salt: salt.to_vec(), tag }
    }
}

/// Seals what is sent.
pub(crate) struct Seal {
    rtp: Cipher,
    rtcp: Cipher,
    /// Of the next RTCP packet.
    index: u32,
}

/// Opens what the peer sends in RTCP.
pub(crate) struct Open {
    rtcp: Cipher,
    /// The highest index that came, and which of those before it did: bit 0 is the highest itself.
    highest: u32,
    seen: u64,
}

/// The session key of one direction, of RTP or RTCP.
enum Cipher {
    Gcm128 {
        cipher: Box<dyn AeadAes128GcmCipher>,
        salt: [u8; 12],
    },
    Gcm256 {
        cipher: Box<dyn AeadAes256GcmCipher>,
        salt: [u8; 12],
    },
    Cm {
        cipher: Box<dyn Aes128CmSha1_80Cipher>,
        salt: [u8; 14],
        auth: [u8; 20],
        /// Bytes of a tag.
        tag: usize,
        provider: Arc<CryptoProvider>,
    },
}

impl Seal {
    fn new(provider: &Arc<CryptoProvider>, master: &Master) -> Self {
        let cipher = |labels| Cipher::new(provider, master, labels, true);
        Self { rtp: cipher(RTP), rtcp: cipher(RTCP), index: 0 }
    }

    /// Seals under a key of a description of ours.
    pub(crate) fn of(provider: &Arc<CryptoProvider>, crypto: &Crypto) -> Self {
        Self::new(provider, &Master::of(crypto))
    }

    /// Bytes that each packet grows by.
    pub(crate) fn tag(&self) -> usize {
        self.rtp.tag()
    }

    /// Seals an RTP packet. `packet` begins with its header, of `head` bytes, and has room for the payload and a tag,
    /// exactly. `index` is the sequence number, extended over its cycles: never the same twice for one `ssrc`, unless
    /// every byte is the same.
    ///
    /// # Errors
    /// If the crypto library fails; the packet is then not to be sent.
    pub(crate) fn rtp(
        &mut self,
        ssrc: u32,
        index: u64,
        packet: &mut [u8],
        head: usize,
        payload: &[u8],
    ) -> Result<(), ()> {
        let (header, body) = packet.split_at_mut_checked(head).ok_or(())?;
        if body.len() != payload.len() + self.rtp.tag() {
            return Err(());
        }
        let [roc, seq] = [(index >> 16) as u32, (index & 0xffff) as u32];
        let sealed = match &mut self.rtp {
            Cipher::Gcm128 { cipher, salt } => {
                cipher.encrypt(&AeadAes128Gcm::rtp_iv(*salt, ssrc, roc, seq as u16), header, payload, body)
            }
            Cipher::Gcm256 { cipher, salt } => {
                cipher.encrypt(&AeadAes256Gcm::rtp_iv(*salt, ssrc, roc, seq as u16), header, payload, body)
            }
            Cipher::Cm { cipher, salt, auth, tag, provider } => {
                let sealed = cipher.encrypt(&Aes128CmSha1_80::rtp_iv(*salt, ssrc, index), payload, body);
                let (signed, out) = packet.split_at_mut(head + payload.len());
                let sum = provider.sha1_hmac_provider.sha1_hmac(auth, &[signed, &roc.to_be_bytes()]);
                out.copy_from_slice(&sum[..*tag]);
                sealed
            }
        };
        sealed.map_err(drop)
    }

    /// Seals a compound RTCP packet into `out`, which is emptied before.
    ///
    /// # Errors
    /// If the crypto library fails, or the packet has no whole header; the packet is then not to be sent.
    pub(crate) fn rtcp(&mut self, packet: &[u8], out: &mut Vec<u8>) -> Result<(), ()> {
        let (clear, payload) = packet.split_at_checked(CLEAR).ok_or(())?;
        let ssrc = u32::from_be_bytes([clear[4], clear[5], clear[6], clear[7]]);
        self.index = (self.index + 1) & !ENCRYPTED;
        let index = (self.index | ENCRYPTED).to_be_bytes();
        out.clear();
        out.extend_from_slice(clear);
        out.resize(packet.len() + self.rtcp.tag(), 0);
        let mut aad = [0; CLEAR + INDEX];
        aad[..CLEAR].copy_from_slice(clear);
        aad[CLEAR..].copy_from_slice(&index);
        match &mut self.rtcp {
            Cipher::Gcm128 { cipher, salt } => {
                let iv = AeadAes128Gcm::rtcp_iv(*salt, ssrc, self.index);
                cipher.encrypt(&iv, &aad, payload, &mut out[CLEAR..]).map_err(drop)?;
                out.extend_from_slice(&index);
            }
            Cipher::Gcm256 { cipher, salt } => {
                let iv = AeadAes256Gcm::rtcp_iv(*salt, ssrc, self.index);
                cipher.encrypt(&iv, &aad, payload, &mut out[CLEAR..]).map_err(drop)?;
                out.extend_from_slice(&index);
            }
            Cipher::Cm { cipher, salt, auth, provider, .. } => {
                let iv = Aes128CmSha1_80::rtp_iv(*salt, ssrc, self.index.into());
                cipher.encrypt(&iv, payload, &mut out[CLEAR..packet.len()]).map_err(drop)?;
                // Here the index stands before the tag, and is under it.
                out.truncate(packet.len());
                out.extend_from_slice(&index);
                out.resize(packet.len() + INDEX + Aes128CmSha1_80::HMAC_TAG_LEN, 0);
                let hmac = |key: &[u8], parts: &[&[u8]]| provider.sha1_hmac_provider.sha1_hmac(key, parts);
                Aes128CmSha1_80::rtcp_hmac(hmac, auth, out, packet.len() + INDEX);
            }
        }
        Ok(())
    }
}

impl Open {
    fn new(provider: &Arc<CryptoProvider>, master: &Master) -> Self {
        Self { rtcp: Cipher::new(provider, master, RTCP, false), highest: 0, seen: 0 }
    }

    /// Opens an RTCP packet into `out`, compound as it was. `false`: forged, altered, in clear, or one that came before.
    pub(crate) fn rtcp(&mut self, packet: &[u8], out: &mut Vec<u8>) -> bool {
        let Some(index) = self.opened(packet, out) else { return false };
        self.is_new(index)
    }

    fn opened(&mut self, packet: &[u8], out: &mut Vec<u8>) -> Option<u32> {
        out.clear();
        let tag = self.rtcp.tag();
        let rest = packet.len().checked_sub(CLEAR + INDEX + tag)?;
        let clear = &packet[..CLEAR];
        let ssrc = u32::from_be_bytes([clear[4], clear[5], clear[6], clear[7]]);
        let place = match &self.rtcp {
            Cipher::Cm { .. } => CLEAR + rest,
            _ => CLEAR + rest + tag,
        };
        let index = &packet[place..place + INDEX];
        let word = u32::from_be_bytes([index[0], index[1], index[2], index[3]]);
        if word & ENCRYPTED == 0 {
            return None;
        }
        let number = word & !ENCRYPTED;
        out.extend_from_slice(clear);
        out.resize(CLEAR + rest, 0);
        match &mut self.rtcp {
            Cipher::Gcm128 { cipher, salt } => {
                let iv = AeadAes128Gcm::rtcp_iv(*salt, ssrc, number);
                cipher.decrypt(&iv, &[clear, index], &packet[CLEAR..place], &mut out[CLEAR..]).ok()?;
            }
            Cipher::Gcm256 { cipher, salt } => {
                let iv = AeadAes256Gcm::rtcp_iv(*salt, ssrc, number);
                cipher.decrypt(&iv, &[clear, index], &packet[CLEAR..place], &mut out[CLEAR..]).ok()?;
            }
            Cipher::Cm { cipher, salt, auth, provider, .. } => {
                let (signed, theirs) = packet.split_at(place + INDEX);
                let hmac = |key: &[u8], parts: &[&[u8]]| provider.sha1_hmac_provider.sha1_hmac(key, parts);
                if !Aes128CmSha1_80::rtcp_verify(hmac, auth, signed, theirs) {
                    return None;
                }
                let iv = Aes128CmSha1_80::rtp_iv(*salt, ssrc, number.into());
                cipher.decrypt(&iv, &packet[CLEAR..place], &mut out[CLEAR..]).ok()?;
            }
        }
        Some(number)
    }

    /// Whether that index has not come yet, and is not older than what is remembered.
    fn is_new(&mut self, index: u32) -> bool {
        if self.seen == 0 || index > self.highest {
            let ahead = if self.seen == 0 { WINDOW } else { index - self.highest };
            self.seen = self.seen.checked_shl(ahead).unwrap_or(0) | 1;
            self.highest = index;
            return true;
        }
        let behind = self.highest - index;
        if behind >= WINDOW || self.seen >> behind & 1 == 1 {
            return false;
        }
        self.seen |= 1 << behind;
        true
    }
}

impl Cipher {
    /// A session key is derived from the master key by labels of its own.
    fn new(provider: &Arc<CryptoProvider>, master: &Master, labels: [u8; 3], seal: bool) -> Self {
        let [key, auth, salt] = labels;
        match master.profile {
            SrtpProfile::AEAD_AES_256_GCM => {
                let key = derive(provider, master, key);
                let cipher = provider.srtp_provider.aead_aes_256_gcm().create_cipher(key, seal);
                Self::Gcm256 { cipher, salt: derive(provider, master, salt) }
            }
            SrtpProfile::AEAD_AES_128_GCM => {
                let key = derive(provider, master, key);
                let cipher = provider.srtp_provider.aead_aes_128_gcm().create_cipher(key, seal);
                Self::Gcm128 { cipher, salt: derive(provider, master, salt) }
            }
            _ => {
                let key = derive(provider, master, key);
                let cipher = provider.srtp_provider.aes_128_cm_sha1_80().create_cipher(key, seal);
                let (salt, auth) = (derive(provider, master, salt), derive(provider, master, auth));
                let tag = if labels == RTP { master.tag } else { Aes128CmSha1_80::HMAC_TAG_LEN };
                Self::Cm { cipher, salt, auth, tag, provider: Arc::clone(provider) }
            }
        }
    }

    fn tag(&self) -> usize {
        match self {
            Self::Gcm128 { .. } => AeadAes128Gcm::TAG_LEN,
            Self::Gcm256 { .. } => AeadAes256Gcm::TAG_LEN,
            Self::Cm { tag, .. } => *tag,
        }
    }
}

/// The key derivation of RFC 3711 section 4.3.1, with a rate of 0: AES in counter mode, whose input is the salt with the
/// label in its eighth byte.
fn derive<const N: usize>(provider: &CryptoProvider, master: &Master, label: u8) -> [u8; N] {
    // The salts of AES-GCM are two bytes shorter: filled up at the end (RFC 7714 section 11).
    let mut input = [0; 16];
    input[..master.salt.len()].copy_from_slice(&master.salt);
    input[7] ^= label;
    let mut output = [0; N];
    for (count, chunk) in (0_u16..).zip(output.chunks_mut(16)) {
        input[14..].copy_from_slice(&count.to_be_bytes());
        let mut block = [0; 16];
        if master.key.len() == AeadAes256Gcm::KEY_LEN {
            provider.srtp_provider.srtp_aes_256_ecb_round(&master.key, &input, &mut block);
        } else {
            provider.srtp_provider.srtp_aes_128_ecb_round(&master.key, &input, &mut block);
        }
        chunk.copy_from_slice(&block[..chunk.len()]);
    }
    output
}

#[cfg(test)]
mod tests;
