//! Tests of descriptions: what is valid, and what the errors say.

use std::collections::BTreeMap;

use super::*;
use crate::application::shapes::Shape;

const INITIAL: &str = include_str!("../initial/session.toml");

#[test]
fn the_initial_descriptions_are_valid_and_their_shapes_are_found_by_name() {
    for shape in Shape::ALL {
        let application =
            Application::read(shape.description()).unwrap_or_else(|error| panic!("{shape:?}: {error}"));
        assert_eq!(application.url, "http://127.0.0.1:3000");
        assert_eq!(application.enroll.is_some(), shape == Shape::Verifier);
        assert_eq!(Shape::named(shape.name()), Some(shape));
    }
    assert_eq!(Shape::named("Session"), None);
}

#[test]
fn the_error_for_an_invalid_description_names_the_line_or_the_field() {
    for (from, to, expected) in [
        ("url = \"http", "ur = \"http", "line 15: unknown field `ur`"),
        (
            "method = \"POST\"\nurl = \"/login\"",
            "method = \"a b\"\nurl = \"/login\"",
            "line 23: not an HTTP method",
        ),
        (
            "session = \"/session\"",
            "session = \"session\"",
            "line 29: `session` is not a JSON pointer: write /session",
        ),
        ("challenge = \"/challenge\"", "challenge_regex = \"x\"", "line 40: the expression has no group"),
        (
            "challenge = \"/challenge\"",
            "challenge = \"/a\"\nchallenge_regex = \"(x)\"",
            "challenge and challenge_regex",
        ),
        (
            "{ Authorization = \"Bearer {{session}}\" }\nbody = '{\"amount",
            "{ \"a b\" = \"c\" }\nbody = '{\"amount",
            "header `a b`",
        ),
        ("{{session}}", "{{sesion}}", "sesion"),
        ("{{resultJSON}}", "x", "resultJSON"),
        ("pointer = \"/paid\"", "", "no pointer"),
    ] {
        let error = Application::read(&INITIAL.replace(from, to)).unwrap_err();
        assert!(error.what.english().contains(expected), "{from}: {error:?}");
    }
    let bad = INITIAL.replace("[result.success]", "[result.success]\nregex = \"(\"");
    assert!(Application::read(&bad).unwrap_err().what.english().contains("line"));
}

#[test]
fn the_encoding_of_a_body_without_a_content_type_is_guessed_from_its_text() {
    for (body, place) in [
        ("{\"r\":\"{{resultJSON}}\"}", Encoding::Json),
        ("r={{resultJSON}}&s={{resultJSONSignature}}", Encoding::Form),
        ("{{resultJSON}}", Encoding::Plain),
        ("<r a='b'/>", Encoding::Plain),
    ] {
        let body = Some(body.to_owned());
        let endpoint = Endpoint { method: None, url: "/".to_owned(), headers: BTreeMap::new(), body };
        assert_eq!(endpoint.body_encoding(), place, "{endpoint:?}");
    }
}

#[test]
fn an_object_replaces_the_string_and_its_quotation_marks() {
    let endpoint = Endpoint {
        method: None,
        url: "/".to_owned(),
        headers: BTreeMap::new(),
        body: Some(r#"{"r":"{{resultJSON}}"}"#.to_owned()),
    };
    assert_eq!(endpoint.with_object(r#"{"a":1}"#).unwrap().body.unwrap(), r#"{"r":{"a":1}}"#);
    assert!(Endpoint { body: Some("r={{resultJSON}}".to_owned()), ..endpoint }.with_object("{}").is_none());
}

#[test]
fn a_description_with_too_many_steps_is_refused_with_both_numbers() {
    let step = "[[challenge.before]]\nrequest.url = \"/\"\n";
    for (count, is_valid) in [(47, true), (48, false), (10_000, false)] {
        let text = INITIAL.replace("[challenge]\n", &format!("{}[challenge]\n", step.repeat(count)));
        let refused = Application::read(&text).err().map(|error| String::from(error.what));
        let expected = format!("the description has {} steps; at most 50 are permitted", count + 3);
        assert_eq!(refused, (!is_valid).then_some(expected), "{count}");
    }
}

#[test]
fn the_error_for_a_contradiction_says_what_to_write() {
    let before = |step: &str| format!("[[challenge.before]]\n{step}\n[challenge]\n");
    for (step, expected) in [
        ("values = { a = \"/a\" }", "needs a request or a command"),
        ("request.url = \"/\"\ncommand = [\"x\"]", "not both"),
        ("command = []", "write [\"./step.sh\"]"),
        ("command = [\"x\"]\nfollow = true", "a command has none"),
        ("request.url = \"/\"\nvalues = { a = 7 }", "a JSON pointer, or a table"),
        ("request.url = \"/\"\nvalues = { a = { header = \"a b\" } }", "letters, digits and hyphens"),
        ("request.url = \"/\"\nvalues = { a = { css = \"[\" } }", "not a CSS selector"),
        ("request.url = \"/\"\nvalues = { a = { attribute = \"b\" } }", "`attribute` needs `css`"),
        ("request.url = \"/\"\nvalues = { a = { json = \"/a\", cookie = \"b\" } }", "in one place"),
        ("request.url = \"/\"\nvalues = { a = {} }", "say where it stands"),
        ("request.url = \"/\"\nvalues = { a = { header = \"A\", regex = \"b\" } }", "no group"),
        ("request.url = \"/\"\nuntil = { within = 3600 }", "from 0.05 to 60"),
        ("request.url = \"/{{later}}\"", "uses {{later}}, which nothing gives"),
        ("request.url = \"/\"\nsuccess = { value = 1 }", "no pointer"),
        (
            "request.url = \"/\"\nsuccess = { pointer = \"/a\", value = 1, not_value = 2 }",
            "`value` and `not_value`",
        ),
        ("request.url = \"/\"\nsuccess = { pointer = \"/a\", at = \"/a\" }", "in one way"),
        ("request.url = \"/\"\ncomputed = [{ name = \"s\", text = \"{{later}}\" }]", "uses {{later}}"),
    ] {
        let error = Application::read(&INITIAL.replace("[challenge]\n", &before(step))).unwrap_err();
        assert!(error.what.english().contains(expected), "{step}: {}", error.what.english());
    }
    let with_success = |line: &str| INITIAL.replace("[result.success]\n", line);
    let answer =
        Application::read(&with_success("[result.answer]\nstatus = 200\n[result.success]\n")).unwrap_err();
    assert!(
        answer.what.english().contains("`answer` is for sections with steps after"),
        "{}",
        answer.what.english()
    );
}

#[test]
fn a_regular_expression_that_would_take_too_much_memory_is_refused() {
    let text = INITIAL.replace("[result.success]\n", "[result.success]\nregex = \"(a{1000}){1000}\"\n");
    assert!(Application::read(&text).unwrap_err().what.english().contains("size limit"));
}

#[test]
fn the_names_of_a_phones_keys_are_known_where_keys_are_uploaded_and_nowhere_else() {
    let enroll = "[enroll]\nrequest.url = \"/keys\"\nrequest.body = '{\"k\":\"{{authKeyJSON}} {{publicKey}} {{session}}\"}'\n[challenge]\n";
    assert!(Application::read(&INITIAL.replace("[challenge]\n", enroll)).is_ok());
    let elsewhere = INITIAL.replace("{\"amount\":42}", "{\"amount\":\"{{authKeyJSON}}\"}");
    assert!(Application::read(&elsewhere).unwrap_err().what.english().contains("{{authKeyJSON}}"));
    let other = INITIAL.replace("{\"amount\":42}", "{\"to\":\"{{other.session}} {{other.openid}}\"}");
    assert!(Application::read(&other).unwrap().needs_other_user());
    for name in ["other.number", "other.challenge", "other.code", "other.raw"] {
        let unknown =
            INITIAL.replace("{\"resultJSON\"", &format!("{{\"to\":\"{{{{{name}}}}}\",\"resultJSON\""));
        assert!(Application::read(&unknown).unwrap_err().what.english().contains(name), "{name}");
    }
}

#[test]
fn a_computed_value_is_known_in_its_section_alone() {
    let computed = "[[login.computed]]\nname = \"sign\"\ntext = \"{{code}}\"\n[login.values]\n";
    let in_login =
        INITIAL.replace("[login.values]\n", computed).replace("\"{{code}}\"}", "\"{{code}} {{sign}}\"}");
    assert!(Application::read(&in_login).is_ok());
    let elsewhere = in_login.replace("{\"amount\":42}", "{\"amount\":\"{{sign}}\"}");
    assert!(Application::read(&elsewhere).unwrap_err().what.english().contains("[challenge] uses {{sign}}"));
}

#[test]
fn what_would_have_no_effect_is_refused() {
    let with = |from: &str, to: &str| Application::read(&INITIAL.replace(from, to)).unwrap_err().what;
    for (to, expected) in [
        ("until = { within = 1 }\n[challenge]\n", "repeated until its conditions hold, and has none"),
        ("[[challenge.after]]\nrequest.url = \"/\"\n[challenge.answer]\n", "[challenge] has `answer`"),
    ] {
        let to = to.replace("until = { within = 1 }\n[challenge]\n", "[challenge]\nuntil = { within = 1 }\n");
        let to = to.replace("[challenge.answer]\n", "[challenge]\nanswer = { status = 200 }\n");
        assert!(with("[challenge]\n", &to).english().contains(expected), "{to}");
    }
    let later = "[[result.after]]\nrequest.url = \"/\"\n[result]\nuntil = { within = 1 }\n[result.request]\n";
    assert!(with("[result.request]\n", later).english().contains("write it into the last step"));
}

#[test]
fn what_is_wrong_in_a_description_has_both_languages() {
    for (wrong, english, chinese) in [
        (
            "[result]\nrequest.url = \"/\"\nsuccess = { pointer = \"paid\" }",
            "not a JSON pointer",
            "JSON 指针",
        ),
        (
            "[result]\nrequest.url = \"/\"\nsuccess = { value = 1 }",
            "there is a value and no pointer",
            "有值而没有",
        ),
        (
            "[result]\nrequest.url = \"/\"\nvalues.a = { regex = \"b\" }",
            "the expression has no group",
            "没有分组",
        ),
    ] {
        let what = Application::read(&format!("url = \"http://a\"\n{wrong}")).unwrap_err().what;
        assert!(what.english().contains(english), "{}", what.english());
        let translated = what.chinese().unwrap();
        assert!(translated.contains(chinese) && !translated.contains(english), "{translated}");
    }
}
