//! The shapes of `cpu_id`, the identity of one device.

/// How one family of phones writes the `cpu_id` of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CpuIdShape {
    /// `<prefix><uuid>-<8 lower-hex>`, as Huawei writes it; the part before the last group names the device in its
    /// certificate, see [`device_name`].
    BoardUuid {
        /// The text before the UUID: manufacturer and board, each followed by an underscore.
        prefix: &'static str,
    },
    /// This many lower-case hexadecimal digits, as MediaTek (40) and Qualcomm (32) write it.
    LowerHex(usize),
    /// One upper-case UUID, as iOS writes it.
    UpperUuid,
}

/// Random bytes of a UUID.
const UUID_BYTES: usize = 16;
/// Random bytes of the last group of a board identity.
const BOARD_SERIAL_BYTES: usize = 4;

impl CpuIdShape {
    /// How many random bytes [`write`](Self::write) consumes.
    pub fn random_bytes(&self) -> usize {
        match self {
            Self::BoardUuid { .. } => UUID_BYTES + BOARD_SERIAL_BYTES,
            Self::LowerHex(digits) => digits.div_ceil(2),
            Self::UpperUuid => UUID_BYTES,
        }
    }

    /// Writes a `cpu_id` of this shape from random bytes. UUIDs get the version and variant of random UUIDs (RFC
    /// 9562, version 4).
    ///
    /// Bytes beyond [`random_bytes`](Self::random_bytes) are ignored and missing bytes count as zero, so the result
    /// always has this shape.
    pub fn write(&self, random: &[u8]) -> String {
        let mut random = random.iter().copied().chain(std::iter::repeat(0));
        match self {
            Self::BoardUuid { prefix } => {
                let uuid = write_uuid(&mut random);
                let serial: [u8; BOARD_SERIAL_BYTES] = take(&mut random);
                format!("{prefix}{uuid}-{}", write_hex(serial))
            }
            Self::LowerHex(digits) => {
                let mut text = write_hex(random.take(digits.div_ceil(2)));
                text.truncate(*digits);
                text
            }
            Self::UpperUuid => write_uuid(&mut random).to_uppercase(),
        }
    }

    /// Whether a `cpu_id` has this shape. Version and variant of a UUID are not checked.
    pub fn matches(&self, cpu_id: &str) -> bool {
        match self {
            Self::BoardUuid { prefix } => cpu_id
                .strip_prefix(prefix)
                .and_then(|rest| rest.rsplit_once('-'))
                .is_some_and(|(uuid, serial)| {
                    is_uuid(uuid, is_lower_hex) && is_group(serial, 2 * BOARD_SERIAL_BYTES, is_lower_hex)
                }),
            Self::LowerHex(digits) => is_group(cpu_id, *digits, is_lower_hex),
            Self::UpperUuid => is_uuid(cpu_id, is_upper_hex),
        }
    }
}

/// The name in a device's certificate: its `cpu_id` without the last group of eight hexadecimal digits. A `cpu_id`
/// that does not end in such a group is returned whole.
pub fn device_name(cpu_id: &str) -> &str {
    match cpu_id.rsplit_once('-') {
        Some((device, serial)) if is_group(serial, 2 * BOARD_SERIAL_BYTES, is_lower_hex) => device,
        _ => cpu_id,
    }
}

fn take<const N: usize>(random: &mut impl Iterator<Item = u8>) -> [u8; N] {
    std::array::from_fn(|_| random.next().unwrap_or_default())
}

fn write_uuid(random: &mut impl Iterator<Item = u8>) -> String {
    let mut bytes: [u8; UUID_BYTES] = take(random);
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let mut text = write_hex(bytes);
    for dash in [20, 16, 12, 8] {
        text.insert(dash, '-');
    }
    text
}

fn write_hex(bytes: impl IntoIterator<Item = u8>) -> String {
    base16ct::lower::encode_string(&bytes.into_iter().collect::<Vec<_>>())
}

fn is_uuid(text: &str, digit: fn(u8) -> bool) -> bool {
    let mut groups = text.split('-');
    [8, 4, 4, 4, 12]
        .into_iter()
        .all(|digits| groups.next().is_some_and(|group| is_group(group, digits, digit)))
        && groups.next().is_none()
}

fn is_group(text: &str, digits: usize, digit: fn(u8) -> bool) -> bool {
    text.len() == digits && text.bytes().all(digit)
}

fn is_lower_hex(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

fn is_upper_hex(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'A'..=b'F')
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPES: [CpuIdShape; 4] = [
        CpuIdShape::BoardUuid { prefix: "HUAWEI_EMULATED_" },
        CpuIdShape::LowerHex(32),
        CpuIdShape::LowerHex(40),
        CpuIdShape::UpperUuid,
    ];

    #[test]
    fn each_shape_writes_its_bytes_in_order() {
        let random: Vec<u8> = (0..20).map(|n| n * 13).collect();
        let written = SHAPES.map(|shape| shape.write(&random));
        assert_eq!(
            written,
            [
                "HUAWEI_EMULATED_000d1a27-3441-4e5b-a875-828f9ca9b6c3-d0ddeaf7",
                "000d1a2734414e5b6875828f9ca9b6c3",
                "000d1a2734414e5b6875828f9ca9b6c3d0ddeaf7",
                "000D1A27-3441-4E5B-A875-828F9CA9B6C3",
            ]
        );
    }

    #[test]
    fn an_identity_matches_the_shape_that_wrote_it_and_no_other() {
        for written in SHAPES {
            let cpu_id = written.write(&[0xa7; 20]);
            for shape in SHAPES {
                assert_eq!(shape.matches(&cpu_id), shape == written, "{shape:?} and {cpu_id}");
            }
        }
    }

    #[test]
    fn an_identity_of_any_number_of_random_bytes_matches_its_shape() {
        for shape in SHAPES {
            for bytes in 0..40 {
                assert!(shape.matches(&shape.write(&vec![0xff; bytes])), "{shape:?} of {bytes} bytes");
            }
        }
    }

    #[test]
    fn exactly_the_announced_number_of_random_bytes_is_used() {
        for shape in SHAPES {
            let zeros = [0_u8; 40];
            for at in 0..zeros.len() {
                let mut changed = zeros;
                changed[at] = 0x01;
                assert_eq!(
                    shape.write(&changed) != shape.write(&zeros),
                    at < shape.random_bytes(),
                    "byte {at} of {shape:?}"
                );
            }
        }
    }

    #[test]
    fn other_texts_match_no_shape() {
        let texts = ["", "-", "HUAWEI_EMULATED_", "é", "0123456789abcdef0123456789abcdeg", "----"];
        for text in texts {
            assert!(!SHAPES.iter().any(|shape| shape.matches(text)), "{text:?}");
        }
    }

    #[test]
    fn the_device_name_is_the_identity_without_its_last_group_of_eight() {
        let device = "HUAWEI_EMULATED_00000000-0000-4000-8000-00000000e001";
        assert_eq!(device_name(&format!("{device}-0000e001")), device);
        assert_eq!(device_name(device), device);
        assert_eq!(device_name(""), "");
    }
}
