//! Gradients of functions in a crate of the 2018 edition.

use nalgrad_edition_2018::*;

#[path = "../../gradients.rs"]
mod gradients;
