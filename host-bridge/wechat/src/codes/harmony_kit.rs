//! The codes of HarmonyOS's Online Authentication Kit, after its documentation. The emulator has no HarmonyOS phone.

use super::code::{Code, CodeSource};

pub(super) const TABLE: &[Code] = &[
    harmony(
        401,
        "parameter error",
        "A parameter is missing or not acceptable.",
        "Check each parameter's type and length.",
    ),
    harmony(
        801,
        "device type error",
        "The device does not have the kit; an emulator is such a device.",
        "Run the app on a phone that has it, and offer another way on others.",
    ),
    harmony(
        1_014_500_001,
        "the service is abnormal",
        "The phone's SOTER service does not work.",
        "Check the network, then restart the phone.",
    ),
];

const fn harmony(code: i32, name: &'static str, meaning: &'static str, advice: &'static str) -> Code {
    Code { code, name, source: CodeSource::HarmonyKit, meaning, advice }
}
