//! nalgrad
pub use nalgrad_macros::gradient;
#[doc(hidden)]
pub use nalgebra;
