//! Values in HTML pages.

use std::time::Duration;

use html5ever::driver::{ParseOpts, parse_document};
use html5ever::tendril::TendrilSink;
use scraper::{Html, HtmlTreeSink, Selector};
use soter_bridge::run_cpu_bound;
use soter_text::{Text, seconds, text};
use tokio::time::Instant;

/// How long a page may take to be read. html5ever 0.40 searches all open elements for each new one, so a page of elements that are
/// nested in one another takes hours at the length that an answer may have.
pub(super) const PARSING_TIMEOUT: Duration = Duration::from_secs(5);
/// The number of characters between two looks at the time.
const CHUNK_CHARS: usize = 1024;

/// The text of the first element that matches the selector, or the value of its attribute. `None` if no element matches, or if it
/// does not have the attribute.
///
/// # Errors
/// One line if the page takes longer to read than this.
pub(super) fn find(
    page: &str,
    selector: &Selector,
    attribute: Option<&str>,
    limit: Duration,
) -> Result<Option<String>, Text> {
    let find = || {
        let page = parse(page, limit).ok_or_else(|| {
            text!(
                "the page takes longer than {limit} to read: its elements are nested too deeply",
                limit = seconds(limit)
            )
        })?;
        let Some(element) = page.select(selector).next() else { return Ok(None) };
        Ok(match attribute {
            Some(attribute) => element.attr(attribute).map(str::to_owned),
            None => Some(element.text().collect::<String>().trim().to_owned()),
        })
    };
    run_cpu_bound(find)
}

/// The page; `None` if it takes too long.
fn parse(text: &str, limit: Duration) -> Option<Html> {
    let begun = Instant::now();
    let mut parser = parse_document(HtmlTreeSink::new(Html::new_document()), ParseOpts::default());
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.char_indices().nth(CHUNK_CHARS).map_or(rest.len(), |(end, _)| end);
        let (chunk, after) = rest.split_at(end);
        parser.process(chunk.into());
        if begun.elapsed() > limit {
            return None;
        }
        rest = after;
    }
    Some(parser.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(page: &str, selector: &str, attribute: Option<&str>) -> Option<String> {
        find(page, &Selector::parse(selector).unwrap(), attribute, PARSING_TIMEOUT).unwrap()
    }

    #[test]
    fn a_value_is_found_in_the_text_of_an_element_or_in_an_attribute() {
        let page = "<meta name=csrf content='a&amp;b'><p class=sum> 支付 <b>42</b> 元 </p>".repeat(500);
        assert_eq!(found(&page, "meta[name=csrf]", Some("content")).as_deref(), Some("a&b"));
        assert_eq!(found(&page, ".sum", None).as_deref(), Some("支付 42 元"));
        assert_eq!(found(&page, ".sum", Some("id")), None);
        assert_eq!(found(&page, "h1", None), None);
        for no_page in ["", "{\"a\":1}", "\u{fffd}\0<", "<!--"] {
            assert_eq!(found(no_page, "p", None), None, "{no_page}");
        }
    }

    #[test]
    fn a_page_whose_elements_are_nested_without_end_is_an_error() {
        let page = "<div>".repeat(200_000);
        let selector = Selector::parse("p").unwrap();
        let error = find(&page, &selector, None, Duration::from_millis(100)).unwrap_err();
        assert_eq!(error, "the page takes longer than 0.1 s to read: its elements are nested too deeply");
    }
}
