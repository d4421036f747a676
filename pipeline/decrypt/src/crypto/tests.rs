//! Vectors of the RFCs and of NIST; where they have none, made with another implementation.

use super::*;

/// Bytes of a string of hexadecimal digits.
pub(crate) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(16)).collect();
    digits.chunks(2).map(|pair| (pair[0] << 4 | pair[1]) as u8).collect()
}

fn nonce(text: &str) -> [u8; 12] {
    hex(text).try_into().expect("twelve bytes")
}

struct Sealed {
    from: &'static str,
    cipher: Cipher,
    key: &'static str,
    nonce: &'static str,
    aad: &'static str,
    text: &'static str,
    record: &'static str,
}

const FOX: &str = "74686520717569636b2062726f776e20666f78206a756d7073206f766572";
const OCTETS: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const GCM_TEXT: &str = "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c9595\
    6809532fcf0e2449a6b525b16aedf5aa0de657ba637b39";

const SEALED: &[Sealed] = &[
    Sealed {
        from: "GCM, test case 4",
        cipher: Cipher::Aes128Gcm,
        key: "feffe9928665731c6d6a8f9467308308",
        nonce: "cafebabefacedbaddecaf888",
        aad: "feedfacedeadbeeffeedfacedeadbeefabaddad2",
        text: GCM_TEXT,
        record: "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d\
            8f6a5aac84aa051ba30b396a0aac973d58e0915bc94fbc3221a5db94fae95ae7121a47",
    },
    Sealed {
        from: "GCM, test case 16",
        cipher: Cipher::Aes256Gcm,
        key: "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
        nonce: "cafebabefacedbaddecaf888",
        aad: "feedfacedeadbeeffeedfacedeadbeefabaddad2",
        text: GCM_TEXT,
        record: "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7\
            b08b1056828838c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b",
    },
    Sealed {
        from: "RFC 8439 §2.8.2",
        cipher: Cipher::ChaCha20Poly1305,
        key: "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
        nonce: "070000004041424344454647",
        aad: "50515253c0c1c2c3c4c5c6c7",
        text: "4c616469657320616e642047656e746c656d656e206f662074686520636c617373206f66202739393a20\
            4966204920636f756c64206f6666657220796f75206f6e6c79206f6e652074697020666f7220746865206675\
            747572652c2073756e73637265656e20776f756c642062652069742e",
        record: "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282\
            fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fa\
            d675945585808b4831d7bc3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd06006\
            91",
    },
    Sealed {
        from: "SP 800-38C, example 3",
        cipher: Cipher::Aes128Ccm8,
        key: "404142434445464748494a4b4c4d4e4f",
        nonce: "101112131415161718191a1b",
        aad: "000102030405060708090a0b0c0d0e0f10111213",
        text: "202122232425262728292a2b2c2d2e2f3031323334353637",
        record: "e3b201a9f5b71a7a9b1ceaeccd97e70b6176aad9a4428aa5484392fbc1b09951",
    },
    Sealed {
        from: "another implementation",
        cipher: Cipher::Aes128Ccm,
        key: "000102030405060708090a0b0c0d0e0f",
        nonce: "101112131415161718191a1b",
        aad: "000102030405060708090a0b0c",
        text: FOX,
        record: "57dddc80338144d1618c1db21b13b5a61dd8aa975f32675b85c8c826b657d6c56a58257ba58e5c539a\
            dfab11f393",
    },
    Sealed {
        from: "another implementation",
        cipher: Cipher::Aes256Ccm,
        key: OCTETS,
        nonce: "101112131415161718191a1b",
        aad: "000102030405060708090a0b0c",
        text: FOX,
        record: "05d89423173e090307d3ff1c5328de11509bdf0d8f7158790a75590e45b80da97a49da285d46bf80f2\
            36872c0969",
    },
    Sealed {
        from: "another implementation",
        cipher: Cipher::Aes256Ccm8,
        key: OCTETS,
        nonce: "101112131415161718191a1b",
        aad: "000102030405060708090a0b0c",
        text: FOX,
        record: "05d89423173e090307d3ff1c5328de11509bdf0d8f7158790a75590e45b8ec35c9640281b676",
    },
    Sealed {
        from: "RFC 8448 §3, the client's data",
        cipher: Cipher::Aes128Gcm,
        key: "17422dda596ed5d9acd890e3c63f5051",
        nonce: "5b78923dee08579033e523d9",
        aad: "1703030043",
        text: "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20212223242526272829\
            2a2b2c2d2e2f303117",
        record: "a23f7054b62c94d0affafe8228ba55cbefacea42f914aa66bcab3f2b9819a8a5b46b395bd54a9a2044\
            1e2b62974e1f5a6292a2977014bd1e3deae63aeebb21694915e4",
    },
    Sealed {
        from: "RFC 8448 §3, the server's alert, its third record",
        cipher: Cipher::Aes128Gcm,
        key: "9f02283b6c9c07efc26bb9f2ac92e356",
        nonce: "cf782b88dd83549aadf1e986",
        aad: "1703030013",
        text: "010015",
        record: "b58fd67166ebf599d24720cfbe7efa7a8864a9",
    },
    Sealed {
        from: "RFC 9001 §A.5",
        cipher: Cipher::ChaCha20Poly1305,
        key: "c6d98ff3441c3fe1b2182094f69caa2ed4b716b65488960a7a984979fb23e1c8",
        nonce: "e0459b3474bdd0e46d417eb0",
        aad: "4200bff4",
        text: "01",
        record: "655e5cd55c41f69080575d7999c25a5bfb",
    },
];

#[test]
fn records_open_whole_and_their_heads_alone() {
    for case in SEALED {
        let (aad, text, nonce) = (hex(case.aad), hex(case.text), nonce(case.nonce));
        let key = Aead::new(case.cipher, &hex(case.key)).expect("a key of the right length");
        let mut record = hex(case.record);
        assert_eq!(
            key.open(&nonce, &aad, &mut record),
            Some(&mut text.clone()[..]),
            "{}",
            case.from
        );
        let turned = key.nonce(&aad, &hex(case.record));
        let is_gcm = matches!(case.cipher, Cipher::Aes128Gcm | Cipher::Aes256Gcm);
        assert_eq!(turned, is_gcm.then_some(nonce), "{}", case.from);
        for end in 0..=text.len() {
            let mut head = hex(case.record);
            head.truncate(end);
            key.open_prefix(&nonce, &mut head);
            assert_eq!(head, text[..end], "{}", case.from);
        }
    }
}

#[test]
fn nothing_changed_opens() {
    for case in SEALED {
        let (aad, nonce) = (hex(case.aad), nonce(case.nonce));
        let key = Aead::new(case.cipher, &hex(case.key)).expect("a key of the right length");
        for at in 0..hex(case.record).len() {
            let mut record = hex(case.record);
            record[at] ^= 1;
            assert!(key.nonce(&aad, &record).is_none(), "{} {at}", case.from);
            assert!(key.open(&nonce, &aad, &mut record).is_none(), "{} {at}", case.from);
        }
        assert!(key.open(&nonce, &[&aad[..], &[0]].concat(), &mut hex(case.record)).is_none());
        for end in 0..hex(case.record).len() {
            assert!(key.open(&nonce, &aad, &mut hex(case.record)[..end]).is_none());
        }
        assert!(Aead::new(case.cipher, &hex(case.key)[1..]).is_none());
    }
}

#[test]
fn records_with_a_mac_open_in_both_orders() {
    let text = b"GET / HTTP/1.1\r\n\r\n";
    let iv: [u8; 16] = std::array::from_fn(|n| 0x40 + n as u8);
    let header = [0, 0, 0, 0, 0, 0, 0, 7, 23, 3, 3];
    let octets = |count| (0..count as u8).collect::<Vec<u8>>();
    for (cipher, mac, inside, outside) in [
        (
            Cipher::Aes128Cbc,
            Hash::Sha1,
            "d3e8d0fc8d78bd4da2d8b4ed311b3f4f03bad31fc06d48cd19e94132b804c25aa4695ae0afdf592c232460\
                6a2d2ceefd",
            "d3e8d0fc8d78bd4da2d8b4ed311b3f4f4f6f3eef273b677af3e9aec32f404d232f25af8247900001c12505\
                3cc6d9cf0de70d70f0",
        ),
        (
            Cipher::Aes128Cbc,
            Hash::Sha256,
            "d3e8d0fc8d78bd4da2d8b4ed311b3f4f18ad7ae2f20bab1ddca59c6e4f8e4522224d55946a6ad3c80d46a6\
                622af00de48349c9468e59abb22248492916119783",
            "d3e8d0fc8d78bd4da2d8b4ed311b3f4f4f6f3eef273b677af3e9aec32f404d23768a52ac6a0bded6390afe\
                85ae427f8d041fcd26685cd00b192acf0a59353854",
        ),
        (
            Cipher::Aes256Cbc,
            Hash::Sha384,
            "73f57b112624408fb64d7d2418f1fc5367578203cb31a0c9bc65ddc2bce1af0f4d25e2a7712db478f09ff4\
                2d4191548a865ef49ae7b6b026677837d40ed6fe1faf10c886572fec177129e51392f2fb52",
            "73f57b112624408fb64d7d2418f1fc53367d360ae825f187f6c1da988a7dd68a699d871b446ac4ec7aa8c9\
                1b3c27b988881c87d9e07d2fdc0e594d931b7ab095cdd68735ca66049ca46a5868dd877a33",
        ),
    ] {
        let key = Cbc::new(cipher, &octets(cipher.key_bytes()), mac, Some(&octets(mac.bytes())));
        let key = key.expect("keys of the right length");
        assert_eq!(key.open(&iv, &header, &mut hex(inside)), Some(&mut text.to_vec()[..]));
        let mut record = hex(outside);
        let opened = key.open_mac_outside(&iv, true, &header, &mut record);
        assert_eq!(opened, Some(&mut text.to_vec()[..]));
        assert!(key.open_mac_outside(&iv, false, &header, &mut hex(outside)).is_none());
        for at in 0..hex(inside).len() {
            let mut record = hex(inside);
            record[at] ^= 1;
            assert!(key.open(&iv, &header, &mut record).is_none());
            assert!(key.open(&iv, &header, &mut hex(inside)[..at]).is_none());
        }
    }
}

#[test]
fn secrets_give_the_keys_of_the_rfcs() {
    let labels = |text: &'static str| match text {
        "key" => b"tls13 key".as_slice(),
        "iv" => b"tls13 iv",
        "quic key" => b"tls13 quic key",
        "quic iv" => b"tls13 quic iv",
        "quic hp" => b"tls13 quic hp",
        _ => b"tls13 server in",
    };
    // RFC 8448 §3, then RFC 9001 §A.1 and §A.5.
    let server = "a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643";
    let initial = extract(
        Hash::Sha256,
        &hex("38762cf7f55934b34d179ae6a4c80cadccbb7f0a"),
        &hex("8394c8f03e515708"),
    );
    let client = "c00cf151ca5be075ed0ebfb5c80323c42d6b7db67881289af4008f1f6c357aea";
    let chacha = "9ac312a7f877468ebe69422748ad00a15443f18203a07d6060f688f30f21632b";
    for (secret, label, expected) in [
        (server, "key", "9f02283b6c9c07efc26bb9f2ac92e356"),
        (server, "iv", "cf782b88dd83549aadf1e984"),
        (client, "quic key", "1f369613dd76d5467730efcbe3b1a22d"),
        (client, "quic iv", "fa044b2f42a3fd3b46fb255c"),
        (client, "quic hp", "9f50449e04a0e810283a1e9933adedd2"),
        (chacha, "quic key", "c6d98ff3441c3fe1b2182094f69caa2ed4b716b65488960a7a984979fb23e1c8"),
        (chacha, "quic hp", "25a282b9e82f06f21f488917a4fc8f1b73573685608597d0efcb076b0ab7a7a4"),
    ] {
        let length = expected.len() / 2;
        let key = expand_label(Hash::Sha256, &hex(secret), labels(label), &[], length);
        assert_eq!(key.expect("a key").as_slice(), hex(expected), "{label}");
    }
    let initial = initial.expect("a secret");
    let server = expand_label(Hash::Sha256, initial.as_slice(), labels("server in"), &[], 32);
    let expected = "3c199828fd139efd216c155ad844cc81fb82fa8d7446fa7d78be803acdda951b";
    assert_eq!(server.expect("a secret").as_slice(), hex(expected));
}

#[test]
fn extraction_is_that_of_rfc_5869() {
    // §A.1
    let prk = extract(Hash::Sha256, &hex("000102030405060708090a0b0c"), &[0x0b; 22]);
    let expected = "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5";
    assert_eq!(prk.expect("a key").as_slice(), hex(expected));
}

#[test]
fn the_pseudorandom_functions_fill_what_others_fill() {
    let octets = |count: u8| (0..count).collect::<Vec<u8>>();
    for (prf, secret, label, seed, expected) in [
        (
            Prf::Of(Hash::Sha256),
            hex("9bbe436ba940f017b17652849a71db35"),
            "test label",
            hex("a0ba9f936cda311827a6f796ffd5198c"),
            "e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a6b301791e90d35c9c9a46b\
                4e14baf9af0fa022f7077def17abfd3797c0564bab4fbc91666e9def9b97fce34f796789baa48082d122\
                ee42c5a72e5a5110fff70187347b66",
        ),
        (
            Prf::Of(Hash::Sha384),
            hex("b80b733d6ceefcdc71566ea48e5567df"),
            "test label",
            hex("cd665cf6a8447dd6ff8b27555edb7465"),
            "7b0c18e9ced410ed1804f2cfa34a336a1c14dffb4900bb5fd7942107e81c83cde9ca0faa60be9fe34f82b1\
                233c9146a0e534cb400fed2700884f9dc236f80edd8bfa961144c9e8d792eca722a7b32fc3d416d473eb",
        ),
        (
            Prf::Md5Sha1,
            octets(48),
            "key expansion",
            octets(64),
            "023d49a0cea8ad8071bf64519dc8f45bd302c1db3e33d39d1f21c548d05194aafa865f78d84b4651d9a6b0\
                9a35da0b679ff676ad640549b5992c5bdd53100729ed84a24bfa6ed554d95085de8cb5781f1d5902ba0a\
                a263016c42b00a130e0a3b53f1de1482f7cd45",
        ),
        (
            Prf::Md5Sha1,
            octets(47),
            "x",
            b"seed".to_vec(),
            "024994dc7f6f9afd090678d9ace68e69d99caa16d63fc333149ffa4aa766fb07410638d4330dfbde",
        ),
    ] {
        let (first, second) = seed.split_at(3);
        let mut out = vec![7; expected.chars().filter(char::is_ascii_hexdigit).count() / 2];
        prf.fill(&secret, label.as_bytes(), [first, second], &mut out).expect("keys");
        assert_eq!(out, hex(expected));
    }
}

#[test]
fn masks_are_those_of_rfc_9001() {
    for (cipher, key, sample, mask) in [
        (
            Cipher::Aes128Gcm,
            "9f50449e04a0e810283a1e9933adedd2",
            "d1b1c98dd7689fb8ec11d242b123dc9b",
            "437b9aec36",
        ),
        (
            Cipher::ChaCha20Poly1305,
            "25a282b9e82f06f21f488917a4fc8f1b73573685608597d0efcb076b0ab7a7a4",
            "5e5cd55c41f69080575d7999c25a5bfb",
            "aefefe7d03",
        ),
    ] {
        let key = HeaderKey::new(cipher, &hex(key)).expect("a key of the right length");
        let sample = hex(sample).try_into().expect("16 bytes");
        assert_eq!(key.mask(&sample)[..], hex(mask));
    }
}

#[test]
fn the_table_of_suites_is_sorted_and_says_what_their_names_say() {
    assert!(SUITES.is_sorted_by(|a, b| a.id < b.id));
    for suite in SUITES {
        let says = |word: &str| suite.name.contains(word);
        assert_eq!(suite.cipher.is_cbc(), says("_CBC_"), "{}", suite.name);
        assert_eq!(suite.cipher.tag_bytes() == 8, says("_CCM_8"), "{}", suite.name);
        assert_eq!(suite.cipher.key_bytes() == 16, says("AES_128"), "{}", suite.name);
        assert_eq!(suite.hash == Hash::Sha384, says("SHA384"), "{}", suite.name);
        assert_eq!(suite.hash == Hash::Sha1, suite.name.ends_with("_SHA"), "{}", suite.name);
        assert_eq!(suite.is_tls13(), !says("_WITH_"), "{}", suite.name);
        assert_eq!(CipherSuite::of(suite.id), Some(suite));
    }
    assert_eq!(CipherSuite::of(0x0005), None);
}

#[test]
fn keys_are_not_printed() {
    let key = KeyBytes::new(&[7; 32]).expect("a key");
    assert_eq!(format!("{key:?}"), "32 secret bytes");
}

#[test]
fn mangled_records_open_nothing_and_are_survived() {
    let ciphers = SUITES.iter().map(|suite| suite.cipher);
    let keys: Vec<(Option<Aead>, Option<Cbc>)> = ciphers
        .map(|cipher| {
            let key = vec![7; cipher.key_bytes()];
            (Aead::new(cipher, &key), Cbc::new(cipher, &key, Hash::Sha1, Some(&[1; 20])))
        })
        .collect();
    bolero::check!().with_type::<(u8, [u8; 12], Vec<u8>)>().for_each(|(which, nonce, record)| {
        let (aead, cbc) = &keys[usize::from(*which) % keys.len()];
        if let Some(key) = aead {
            assert!(key.open(nonce, &[], &mut record.clone()).is_none());
            key.open_prefix(nonce, &mut record.clone());
        }
        if let Some(key) = cbc {
            assert!(key.open(&[7; 16], &[7; 11], &mut record.clone()).is_none());
            assert!(key.open_mac_outside(&[7; 16], true, &[7; 11], &mut record.clone()).is_none());
        }
    });
}
