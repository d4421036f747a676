//! The locator on the files of this machine, and on one made by hand.

mod files;
mod made;
