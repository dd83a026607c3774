use super::*;

fn provider() -> Arc<CryptoProvider> {
    Arc::new(str0m::crypto::from_feature_flags())
}

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<_> = text.chars().filter(|char| !char.is_whitespace()).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(&pair.iter().collect::<String>(), 16).unwrap()).collect()
}

/// Both ends of a connection: what the one seals, the other opens.
fn ends(profile: SrtpProfile) -> [(Seal, Open); 2] {
    let material: Vec<u8> = (0..88).collect();
    let keys = |active| Keys::cut(&KeyingMaterial::new(&material), profile, active).unwrap();
    [true, false].map(|active| keys(active).ciphers(&provider()))
}

const PROFILES: [SrtpProfile; 3] =
    [SrtpProfile::AEAD_AES_256_GCM, SrtpProfile::AEAD_AES_128_GCM, SrtpProfile::AES128_CM_SHA1_80];
const REPORT: [u8; 20] = [0x80, 201, 0, 1, 1, 2, 3, 4, 0x81, 206, 0, 2, 9, 9, 9, 9, 8, 8, 8, 8];

#[test]
fn keys_are_derived_as_in_rfc_3711_appendix_b_3() {
    let master = Master {
        profile: SrtpProfile::AES128_CM_SHA1_80,
        key: hex("e1f97a0d3e018be0d64fa32c06de4139"),
        salt: hex("0ec675ad498afeebb6960b3aabe6"),
        tag: 10,
    };
    assert_eq!(derive::<16>(&provider(), &master, 0).as_slice(), hex("c61e7a93744f39ee10734afe3ff7a087"));
    assert_eq!(derive::<14>(&provider(), &master, 2).as_slice(), hex("30cbbc08863d8c85d49db34a9ae1"));
    let auth = hex("cebe321f6ff7716b6fd4ab49af256a156d38baa4");
    assert_eq!(derive::<20>(&provider(), &master, 1).as_slice(), auth);
}

#[test]
fn a_packet_is_sealed_as_in_rfc_7714_section_16_1_1() {
    let provider = provider();
    let key = <[u8; 16]>::try_from(hex("000102030405060708090a0b0c0d0e0f")).unwrap();
    let cipher = || Cipher::Gcm128 {
        cipher: provider.srtp_provider.aead_aes_128_gcm().create_cipher(key, true),
        salt: *b"Quid pro quo",
    };
    let mut seal = Seal { rtp: cipher(), rtcp: cipher(), index: 0 };
    let payload = b"Gallia est omnis divisa in partes tres";
    let mut packet = hex("8040f17b8041f8d35501a0b2");
    packet.resize(12 + payload.len() + seal.tag(), 0);
    seal.rtp(0x5501_a0b2, 0xf17b, &mut packet, 12, payload).unwrap();
    let expected =
        "f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833899d7f27beb16a9152cf765ee4390cce";
    assert_eq!(packet[12..], hex(expected));
}

#[test]
fn packets_are_sealed_as_libsrtp_does_with_counter_mode() {
    let master = || Master {
        profile: SrtpProfile::AES128_CM_SHA1_80,
        key: hex("e1f97a0d3e018be0d64fa32c06de4139"),
        salt: hex("0ec675ad498afeebb6960b3aabe6"),
        tag: 10,
    };
    // The vectors of its self-test (test/srtp_driver.c, srtp_validate).
    let (mut seal, _) = Keys { ours: master(), theirs: master() }.ciphers(&provider());
    let mut packet = hex("800f1234decafbadcafebabe");
    packet.resize(12 + 16 + seal.tag(), 0);
    seal.rtp(0xcafe_babe, 0x1234, &mut packet, 12, &[0xab; 16]).unwrap();
    assert_eq!(packet[12..], hex("4e55dc4ce79978d88ca4d215949d2402b78d6acc99ea179b8dbb"));
    let report = [hex("81c8000bcafebabe"), vec![0xab; 16]].concat();
    let mut sealed = Vec::new();
    seal.rtcp(&report, &mut sealed).unwrap();
    assert_eq!(sealed[8..], hex("7128035be487b9bdbef89041f977a5a880000001993e08cd54d6c1230798"));
}

#[test]
fn what_does_not_fit_is_not_sealed() {
    let [(mut seal, _), _] = ends(SrtpProfile::AEAD_AES_128_GCM);
    assert_eq!(seal.rtp(1, 1, &mut [0; 12 + 3 + 15], 12, b"abc"), Err(()), "no room for the tag");
    assert_eq!(seal.rtp(1, 1, &mut [0; 11], 12, b""), Err(()));
    assert_eq!(seal.rtcp(&[0x80; 7], &mut Vec::new()), Err(()));
}

#[test]
fn what_one_end_seals_the_other_opens_once() {
    for profile in PROFILES {
        let [(mut seal, mut own), (_, mut open)] = ends(profile);
        let (mut sealed, mut out) = (Vec::new(), Vec::new());
        seal.rtcp(&REPORT, &mut sealed).unwrap();
        assert!(!own.rtcp(&sealed, &mut out), "{profile:?}: under the wrong end's keys");
        assert!(open.rtcp(&sealed, &mut out), "{profile:?}");
        assert_eq!(out, REPORT);
        assert!(!open.rtcp(&sealed, &mut out), "{profile:?}: a second time");
        seal.rtcp(&REPORT, &mut sealed).unwrap();
        for place in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[place] ^= 0x80;
            assert!(!open.rtcp(&altered, &mut out), "{profile:?}: byte {place} altered");
            assert!(!open.rtcp(&sealed[..place], &mut out), "{profile:?}: cut at {place}");
        }
        assert!(open.rtcp(&sealed, &mut out), "{profile:?}: what was forged does not count");
    }
}

#[test]
fn rtp_is_sealed_with_the_rollover_counter() {
    for profile in PROFILES {
        let [(mut seal, _), _] = ends(profile);
        let packets = [(7, 5), (7, 5 + 0x1_0000), (8, 5), (7, 5)].map(|(ssrc, index)| {
            let mut packet = vec![0x80; 12 + 3 + seal.tag()];
            seal.rtp(ssrc, index, &mut packet, 12, b"abc").unwrap();
            packet
        });
        assert_eq!(packets[0], packets[3], "{profile:?}");
        assert!(packets[0] != packets[1] && packets[0] != packets[2], "{profile:?}");
    }
}

#[test]
fn an_index_is_let_in_once_and_old_ones_never() {
    let [(_, mut open), _] = ends(SrtpProfile::AEAD_AES_128_GCM);
    // Number, and whether it is new.
    let steps =
        [(70, true), (70, false), (69, true), (69, false), (7, true), (6, false), (72, true), (71, true), (7, false)];
    for (index, new) in steps {
        assert_eq!(open.is_new(index), new, "{index}");
    }
    assert!(open.is_new(1_000));
    assert!(open.is_new(999) && !open.is_new(1_000 - 64) && open.is_new(1_000 - 63));
}
