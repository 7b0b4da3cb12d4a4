//! `model_key` of `is_support`: a phone's description as nested XML.

use roxmltree::{Document, Node};

/// The elements, each inside the one before it.
const ELEMENTS: [&str; 6] =
    ["deviceinfo", "MANUFACTURER", "MODEL", "VERSION_RELEASE", "VERSION_INCREMENTAL", "DISPLAY"];

/// What is wrong with a description.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BadDeviceInfo {
    /// It is not XML: 90001.
    NotXml,
    /// An element is in the wrong place, or lacks its name: 90002.
    IllegalNode,
}

/// The name of the phone's model.
pub(crate) fn model(xml: &str) -> Result<String, BadDeviceInfo> {
    // The parser rejects document types, so no entity is expanded.
    let document = Document::parse(xml).map_err(|_| BadDeviceInfo::NotXml)?;
    let mut node = document.root_element();
    let mut model = String::new();
    for (depth, expected) in ELEMENTS.iter().enumerate() {
        if node.tag_name().name() != *expected {
            return Err(BadDeviceInfo::IllegalNode);
        }
        if depth > 0 {
            let name = node.attribute("name").ok_or(BadDeviceInfo::IllegalNode)?;
            if *expected == "MODEL" {
                name.clone_into(&mut model);
            }
        }
        let mut children = node.children().filter(Node::is_element);
        match (children.next(), children.next()) {
            (Some(next), None) => node = next,
            // Real descriptions end at DISPLAY or, on older phones, before it.
            (None, None) if depth >= 2 => return Ok(model),
            _ => return Err(BadDeviceInfo::IllegalNode),
        }
    }
    Err(BadDeviceInfo::IllegalNode)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_is_found_in_nested_elements() {
        let xml = r#"<deviceinfo><MANUFACTURER name="HUAWEI"><MODEL name="HUAWEI MT7"><VERSION_RELEASE name="6.0"><VERSION_INCREMENTAL name="C00"><DISPLAY name="MT7"></DISPLAY></VERSION_INCREMENTAL></VERSION_RELEASE></MODEL></MANUFACTURER></deviceinfo>"#;
        assert_eq!(model(xml), Ok("HUAWEI MT7".to_owned()));
    }

    #[test]
    fn text_that_is_not_a_device_description_is_refused() {
        for xml in
            ["", "no xml", "<deviceinfo>", "<!DOCTYPE a [<!ENTITY b 'c'>]><deviceinfo>&b;</deviceinfo>"]
        {
            assert_eq!(model(xml), Err(BadDeviceInfo::NotXml), "{xml}");
        }
        for xml in [
            "<phone/>",
            "<deviceinfo/>",
            r#"<deviceinfo><MODEL name="a"/></deviceinfo>"#,
            r#"<deviceinfo><MANUFACTURER><MODEL name="a"/></MANUFACTURER></deviceinfo>"#,
        ] {
            assert_eq!(model(xml), Err(BadDeviceInfo::IllegalNode), "{xml}");
        }
    }
}
