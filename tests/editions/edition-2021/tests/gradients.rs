//! Gradients of functions in a crate of the 2021 edition.

use nalgrad_edition_2021::*;

#[path = "../../gradients.rs"]
mod gradients;
