//! What the crates of the other editions hold, in this one.

use functions::*;

#[path = "../../editions/functions.rs"]
mod functions;

#[path = "../../editions/gradients.rs"]
mod gradients;
