//! The numbers that soter-wrapper had before March 2020. Name and advice are those of today's number.

use super::code::{Code, CodeSource};
use super::wrapper;

pub(super) const TABLE: &[Code] = &[
    old(7, 1001, "Keys were to be prepared without a valid purpose. Today's number is 1001."),
    old(8, 1002, "The server could not be asked whether this device is supported. Today's number is 1002."),
    old(9, 1003, "The ASK was not uploaded. Today's number is 1003."),
    old(10, 1004, "The AuthKey was not uploaded. Today's number is 1004."),
    old(11, 1005, "The AuthKey is invalid by now. Today's number is 1005."),
    old(12, 1006, "There is no AuthKey of that name. Today's number is 1006."),
    old(13, 1007, "The signing session could not be opened. Today's number is 1007."),
    old(14, 1008, "The wrapper is not initialised yet. Today's number is 1008."),
    old(15, 1009, "The scene was not named when the wrapper was initialised. Today's number is 1009."),
    old(16, 1010, "A network wrapper is missing. Today's number is 1010."),
    old(17, 1011, "The Android context that was given is gone. Today's number is 1011."),
    old(18, 1012, "Nothing is enrolled. Today's numbers are 1012 and 1013."),
    old(19, 1014, "There is no challenge. Today's number is 1014."),
    old(20, 1015, "The authentication did not start. Today's number is 1015."),
    old(21, 1016, "The authentication failed. Today's numbers are 1016 and 1017."),
    old(22, 1018, "The signature was not made. Today's number is 1018."),
    old(23, 1019, "The result was not uploaded, or the server's check failed. Today's number is 1019."),
    old(24, 1020, "The user cancelled. Today's number is 1020."),
    old(25, 1021, "The sensor is locked after too many failures. Today's numbers are 1021 and 1022."),
    old(26, 1023, "The task was not accepted. Today's number is 1023."),
    old(27, 1024, "The wrapper was initialised without a scene. Today's number is 1024."),
    old(28, 1025, "The account salt given to init is too long. Today's number is 1025."),
    old(29, 1026, "The name of the app's own ASK is too long. Today's number is 1026."),
    old(30, 1027, "The key store refused to sign. Today's number is 1027."),
];

const fn old(code: i32, today: i32, meaning: &'static str) -> Code {
    let mut row = 0;
    // A number without an entry ends the search, and the compilation, behind the table's end.
    while wrapper::TABLE[row].code != today {
        row += 1;
    }
    let Code { name, advice, .. } = wrapper::TABLE[row];
    Code { code, name, source: CodeSource::SdkBefore2020, meaning, advice }
}
