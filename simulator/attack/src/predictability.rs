//! Judges whether challenges can be known before they are issued.

use std::collections::{BTreeMap, BTreeSet};

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use md5::{Digest, Md5};
use soter_text::{Text, text};
use soter_wire::base64;

use crate::translatable::english;

/// A challenge that a target has issued.
#[derive(Clone, Debug)]
pub(crate) struct Issued {
    pub(crate) challenge: String,
    /// To whom, by name.
    pub(crate) user: String,
    /// When its answer arrived, in milliseconds since 1970.
    pub(crate) at: u64,
    /// What else the issuer knew and told: the openid and the values of the order.
    pub(crate) known: Vec<String>,
}

/// How a challenge can be known in advance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Predictable {
    /// The same challenge is issued to two users, or twice to one who has used it.
    Repeated,
    /// So little of it changes that all possible ones can be tried.
    Short,
    /// It contains a number that counts up, and little else that changes.
    Counting,
    /// It contains the time, and little else that changes.
    TimeBased,
    /// It is a hash of what anybody knows: the time, a number that counts up, the openid or the order.
    Hash,
}

/// Bits below which a challenge can be guessed while it is valid, at some thousands of attempts a second.
const GUESSABLE_BITS: f64 = 40.0;
/// The number of challenges that hashes are computed for.
const MAX_HASHED: usize = 3;
/// How far the issuer's clock may be from the audit's, in milliseconds, and the highest number of a counter.
const CLOCK_TOLERANCE_MS: u64 = 3000;
const HIGHEST_NUMBER: u64 = 3000;

/// Why challenges are predictable in this way, in one line; `None`: they are not, as far as one can tell.
pub(crate) fn judge(issued: &[Issued], how: Predictable) -> Option<Text> {
    match how {
        Predictable::Repeated => repeated(issued),
        Predictable::Hash => hashed(issued),
        Predictable::Short | Predictable::Counting | Predictable::TimeBased => {
            let bits = changing_bits(issued)?;
            let (found, why) = if bits >= GUESSABLE_BITS {
                return None;
            } else if let Some(why) = time_based(issued) {
                (Predictable::TimeBased, why)
            } else if let Some(why) = counting(issued) {
                (Predictable::Counting, why)
            } else {
                (Predictable::Short, text!("and nothing else in them changes"))
            };
            (found == how).then(|| {
                let count = issued.len();
                text!(
                    "in {count} challenges about {bits} bits change, {why}",
                    count = count,
                    bits = format!("{bits:.0}"),
                    why = why
                )
            })
        }
    }
}

/// Two users with one challenge. One user may get the same challenge again for the same order.
fn repeated(issued: &[Issued]) -> Option<Text> {
    let mut first: BTreeMap<&str, &Issued> = BTreeMap::new();
    for one in issued {
        let earlier = first.entry(&one.challenge).or_insert(one);
        if earlier.user != one.user {
            let challenges = issued.len();
            return Some(text!("of {count} challenges, two users have got the same one", count = challenges));
        }
    }
    None
}

/// About how many bits of the challenges change from one to the next, judged by their characters at each position. Too few
/// challenges say nothing.
fn changing_bits(issued: &[Issued]) -> Option<f64> {
    /// Fewer challenges do not show which characters may stand at a position.
    const MIN_CHALLENGES: usize = 8;
    let challenges: Vec<Vec<char>> =
        distinct(issued).iter().map(|one| one.challenge.chars().collect()).collect();
    if challenges.len() < MIN_CHALLENGES {
        return None;
    }
    let longest = challenges.iter().map(Vec::len).max().unwrap_or_default();
    let bits = (0..longest).map(|position| {
        let characters: Vec<Option<char>> = challenges.iter().map(|one| one.get(position).copied()).collect();
        bits_of(&characters)
    });
    Some(bits.sum())
}

/// About how many bits a position has: those of the smallest usual alphabet whose characters all occur about as often as
/// they would by chance, and otherwise those of the characters that occur.
fn bits_of(characters: &[Option<char>]) -> f64 {
    let seen: BTreeSet<Option<char>> = characters.iter().copied().collect();
    let count = to_f64(characters.len());
    let distinct = to_f64(seen.len());
    let all = |test: fn(char) -> bool| seen.iter().flatten().all(|character| test(*character));
    let size: f64 = if all(|character| character.is_ascii_digit()) {
        10.0
    } else if all(|character| matches!(character, '0'..='9' | 'a'..='f'))
        || all(|character| matches!(character, '0'..='9' | 'A'..='F'))
    {
        16.0
    } else if all(|character| matches!(character, '0'..='9' | 'a'..='z'))
        || all(|character| matches!(character, '0'..='9' | 'A'..='Z'))
    {
        36.0
    } else {
        64.0
    };
    // How many different characters that many random ones would have.
    let by_chance = size * (1.0 - (1.0 - 1.0 / size).powf(count));
    if distinct >= 0.6 * by_chance { f64::max(size, distinct).log2() } else { distinct.log2() }
}

/// The numbers in challenges with the time in them.
fn time_based(issued: &[Issued]) -> Option<Text> {
    let is_time = |one: &Issued| {
        let seconds = one.at / 1000;
        let near = |text: &str| {
            let in_unit = |unit: u64| {
                text.parse::<u64>()
                    .is_ok_and(|number| (number / unit).abs_diff(seconds) <= CLOCK_TOLERANCE_MS / 1000)
            };
            in_unit(1) || in_unit(1000) || in_unit(1_000_000)
        };
        let digits: String = one.challenge.chars().filter(char::is_ascii_digit).collect();
        let is_written_out = (0..=CLOCK_TOLERANCE_MS / 1000).any(|before| {
            let written =
                chrono::DateTime::from_timestamp(i64::try_from(seconds - before).unwrap_or_default(), 0);
            let written = written.map(|time| time.format("%Y%m%d%H%M").to_string());
            written.is_some_and(|written| digits.contains(&written))
        });
        numbers(&one.challenge).iter().any(|number| near(number)) || is_written_out
    };
    let are_times = issued.iter().filter(|one| is_time(one)).count();
    (are_times * 10 >= issued.len() * 9).then(|| text!("and the time is in them"))
}

/// The number at the same place in each, which always grows by a little.
fn counting(issued: &[Issued]) -> Option<Text> {
    /// Challenges of several requests at the same moment may arrive in another order.
    const OUT_OF_ORDER: u64 = 200;
    let found: Vec<Vec<u64>> = distinct(issued)
        .iter()
        .map(|one| numbers(&one.challenge).iter().map(|number| number.parse().unwrap_or_default()).collect())
        .collect();
    let places = found.iter().map(Vec::len).min().unwrap_or_default();
    let counts = |place: usize| {
        let at_place: Vec<u64> = found.iter().filter_map(|one| one.get(place).copied()).collect();
        let is_close = at_place
            .windows(2)
            .all(|pair| pair.first().zip(pair.last()).is_some_and(|(a, b)| a.abs_diff(*b) <= OUT_OF_ORDER));
        let is_different = at_place.iter().collect::<BTreeSet<_>>().len() == at_place.len();
        let has_grown = at_place.first() < at_place.last();
        is_close && is_different && has_grown
    };
    (0..places).any(counts).then(|| text!("and a number in them counts up"))
}

/// A hash of what anybody knows.
fn hashed(issued: &[Issued]) -> Option<Text> {
    let step = (issued.len() / MAX_HASHED).max(1);
    issued.iter().step_by(step).take(MAX_HASHED).find_map(|one| {
        let milliseconds = (one.at.saturating_sub(CLOCK_TOLERANCE_MS)..=one.at + 1000)
            .map(|number| (number.to_string(), english!(text!("the time in milliseconds"))));
        let seconds: Vec<String> = (one.at / 1000 - CLOCK_TOLERANCE_MS / 1000..=one.at / 1000 + 1)
            .map(|number| number.to_string())
            .collect();
        let counters = (0..HIGHEST_NUMBER)
            .map(|number| (number.to_string(), english!(text!("a number that counts up"))));
        let known = one.known.iter().flat_map(|known| {
            let with_time = seconds.iter().flat_map(move |time| {
                [
                    format!("{known}{time}"),
                    format!("{time}{known}"),
                    format!("{known}:{time}"),
                    format!("{known}|{time}"),
                ]
            });
            with_time.chain([known.clone()]).map(|text| (text, english!(text!("the openid or the order"))))
        });
        let times = seconds.iter().map(|time| (time.clone(), english!(text!("the time in seconds"))));
        let texts = times.chain(known).chain(counters).chain(milliseconds);
        texts.into_iter().find_map(|(text, what)| {
            hash_in(&one.challenge, &text).map(|hash| {
                text!("a challenge contains the {hash} of {what}", hash = hash, what = Text::whole(what))
            })
        })
    })
}

/// The hash of a text that a challenge contains, if it contains one.
fn hash_in(challenge: &str, text: &str) -> Option<&'static str> {
    let hashes: [(&str, Vec<u8>); 3] = [
        ("MD5 hash", Md5::digest(text.as_bytes()).to_vec()),
        ("SHA-1 hash", digest(&SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes()).as_ref().to_vec()),
        ("SHA-256 hash", digest(&SHA256, text.as_bytes()).as_ref().to_vec()),
    ];
    let lower = challenge.to_ascii_lowercase();
    hashes.into_iter().find_map(|(name, hash)| {
        let in_hex = base16ct::lower::encode_string(&hash);
        // A hash that was cut to 16 bytes counts as well.
        let start = in_hex.get(..32).unwrap_or(&in_hex);
        let in_base64 = base64::encode(&hash);
        let unpadded = in_base64.trim_end_matches('=').get(..20).unwrap_or_default().to_owned();
        let url_safe = unpadded.replace('+', "-").replace('/', "_");
        let is_in = lower.contains(start) || challenge.contains(&unpadded) || challenge.contains(&url_safe);
        is_in.then_some(name)
    })
}

/// The decimal numbers in a text.
fn numbers(text: &str) -> Vec<&str> {
    text.split(|character: char| !character.is_ascii_digit()).filter(|number| !number.is_empty()).collect()
}

/// Without repetitions: an order that is asked for again may have the same challenge.
fn distinct(issued: &[Issued]) -> Vec<&Issued> {
    let mut seen = BTreeSet::new();
    issued.iter().filter(|one| seen.insert(one.challenge.as_str())).collect()
}

fn to_f64(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::MAX, f64::from)
}

#[cfg(test)]
mod tests {
    use soter_wechat::random_text;

    use super::*;

    /// Makes the challenge with this number at this time.
    type Issue = fn(u64, u64) -> String;

    const NOW: u64 = 1_796_000_000_000;

    /// Challenges as a target issues them, some milliseconds apart, to different users.
    fn issued(count: u64, challenge: impl Fn(u64, u64) -> String) -> Vec<Issued> {
        let one = |number: u64| {
            let at = NOW + number * 137;
            Issued {
                challenge: challenge(number, at),
                user: format!("user {number}"),
                at: at + 20,
                known: vec![format!("oOpenid{number}"), format!("order-{number}")],
            }
        };
        (1..=count).map(one).collect()
    }

    fn verdicts(issued: &[Issued]) -> Vec<Predictable> {
        use Predictable::{Counting, Hash, Repeated, Short, TimeBased};
        let all = [Repeated, Short, Counting, TimeBased, Hash];
        all.into_iter().filter(|how| judge(issued, *how).is_some()).collect()
    }

    fn hex(bytes: usize) -> String {
        let mut random = vec![0; bytes];
        soter_tee::operating_system_random(&mut random).unwrap();
        base16ct::lower::encode_string(&random)
    }

    #[test]
    fn random_challenges_of_every_form_are_not_predictable() {
        for count in [10, 40, 300] {
            let challenges: [Issue; 9] = [
                |_, _| hex(16),
                |_, _| hex(8),
                |_, _| hex(32).to_uppercase(),
                |_, _| random_text(22),
                |_, _| hex(24).bytes().map(|byte| char::from(b'0' + byte % 10)).collect(),
                |number, _| format!("pay|{number}|42|{}", hex(12)),
                |_, at| format!("{at}-{}", hex(16)),
                |number, _| format!("{number}.{}", hex(16)),
                |_, _| base64::encode(hex(9).as_bytes()),
            ];
            for challenge in challenges {
                let issued = issued(count, challenge);
                assert_eq!(verdicts(&issued), [], "{:?}", issued.first());
            }
        }
    }

    #[test]
    fn predictable_challenges_are_named_after_what_makes_them_so() {
        let cases: [(Issue, Predictable); 12] = [
            (|_, _| "SOTER".to_owned(), Predictable::Repeated),
            (|number, _| format!("order-{}", number / 2), Predictable::Repeated),
            (|_, _| hex(3), Predictable::Short),
            (
                |_, _| format!("{:06}", u32::from_str_radix(&hex(3), 16).unwrap() % 1_000_000),
                Predictable::Short,
            ),
            (|number, _| number.to_string(), Predictable::Counting),
            (|number, _| format!("PAY{:010}", 77_000 + number), Predictable::Counting),
            (|_, at| at.to_string(), Predictable::TimeBased),
            (|number, at| format!("{}-{number}", at / 1000), Predictable::TimeBased),
            (
                |number, at| {
                    let time = chrono::DateTime::from_timestamp_millis(at.try_into().unwrap()).unwrap();
                    format!("T-{}-{number:08}-SOTER", time.format("%Y%m%d-%H%M%S"))
                },
                Predictable::TimeBased,
            ),
            (|_, at| base16ct::lower::encode_string(&Md5::digest(at.to_string())), Predictable::Hash),
            (
                |number, _| {
                    base16ct::upper::encode_string(digest(&SHA256, number.to_string().as_bytes()).as_ref())
                },
                Predictable::Hash,
            ),
            (
                |number, at| {
                    base64::encode(
                        digest(&SHA256, format!("oOpenid{number}{}", at / 1000).as_bytes()).as_ref(),
                    )
                },
                Predictable::Hash,
            ),
        ];
        for (challenge, expected) in cases {
            let issued = issued(30, challenge);
            assert!(verdicts(&issued).contains(&expected), "{:?}: {:?}", issued.first(), verdicts(&issued));
        }
    }

    #[test]
    fn one_user_may_get_the_challenge_of_an_open_order_again() {
        let mut all = issued(20, |_, _| hex(16));
        all.extend(all.clone());
        assert_eq!(verdicts(&all), []);
    }

    #[test]
    fn a_few_challenges_say_nothing_about_their_length() {
        assert_eq!(verdicts(&issued(3, |number, _| number.to_string())), []);
    }
}
