//! One page of a list: which rows, in which order, how many of them.

use axum::http::Uri;
use model::Filter;
use model::filter::{Fields, Order, Rows};

use crate::limits::{ROWS_DEFAULT, ROWS_MAX};
use crate::parameters::{Parameters, refused};
use crate::problem::Problem;
use crate::window::Window;

/// What every list can be asked.
pub(crate) const PARAMETERS: &[&str] = &["window", "filter", "sort", "limit", "offset"];

/// A question for one page of a list.
#[derive(Clone, Debug)]
pub(crate) struct Listing {
    pub(crate) window: Window,
    filter: Filter,
    order: Order,
    limit: usize,
    offset: usize,
}

/// The page, and where it stands in the whole list.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Page<T> {
    pub(crate) rows: Vec<T>,
    pub(crate) matched: usize,
    pub(crate) offset: usize,
    pub(crate) next_offset: Option<usize>,
}

impl Listing {
    /// Reads the parameters of a request for such rows.
    pub(crate) fn read(uri: &Uri, rows: Rows) -> Result<Self, Problem> {
        let parameters = Parameters::read(uri, PARAMETERS)?;
        let order = parameters.text("sort").unwrap_or_default();
        let order = Order::parse_for(rows, order);
        let limit = parameters.number("limit", 1..=ROWS_MAX as u64, ROWS_DEFAULT as u64)?;
        let offset = parameters.number("offset", 0..=u64::from(u32::MAX), 0)?;
        Ok(Self {
            window: parameters.window()?,
            filter: parameters.filter(rows)?,
            order: order.map_err(|error| refused(format!("sort: {error}")))?,
            limit: limit as usize,
            offset: offset as usize,
        })
    }

    /// The page of these rows. They come busiest first and stay so unless another order is asked.
    pub(crate) fn page<T: Fields>(&self, mut rows: Vec<T>) -> Page<T> {
        if !self.filter.is_empty() {
            rows.retain(|row| self.filter.keeps(row));
        }
        if !self.order.is_empty() {
            rows.sort_by(|a, b| self.order.compare(a, b));
        }
        let matched = rows.len();
        let end = self.offset.saturating_add(self.limit).min(matched);
        rows.truncate(end);
        rows.drain(..self.offset.min(end));
        let next_offset = (end < matched).then_some(end);
        Page { rows, matched, offset: self.offset, next_offset }
    }
}

#[cfg(test)]
mod tests {
    use model::view::{EdgeRow, Red};

    use super::*;

    fn page(query: &str) -> (String, usize, Option<usize>) {
        let uri: Uri = format!("/x?{query}").parse().expect("a target");
        let listing = Listing::read(&uri, Rows::Edges).unwrap_or_else(|_| panic!("{query}"));
        let edge = |client: &str, count| EdgeRow {
            client: client.into(),
            red: Red { count, ..Red::default() },
            ..EdgeRow::default()
        };
        let page = listing.page(vec![edge("c", 9), edge("a", 7), edge("b", 7), edge("d", 1)]);
        let names = page.rows.iter().map(|row| row.client.as_str()).collect();
        (names, page.matched, page.next_offset)
    }

    #[test]
    fn a_page_is_filtered_then_sorted_then_cut() {
        assert_eq!(page(""), ("cabd".into(), 4, None));
        assert_eq!(page("sort=client"), ("abcd".into(), 4, None));
        assert_eq!(page("sort=-count,-client&limit=2"), ("cb".into(), 4, Some(2)));
        assert_eq!(page("sort=-count,-client&limit=2&offset=2"), ("ad".into(), 4, None));
        assert_eq!(page("filter=count%3E1&sort=count&limit=1"), ("a".into(), 3, Some(1)));
        assert_eq!(page("offset=9"), (String::new(), 4, None));
    }
}
