//! The attributes of nalgrad.
#[allow(missing_docs)]
#[proc_macro_attribute]
pub fn gradient(_a: proc_macro::TokenStream, item: proc_macro::TokenStream) -> proc_macro::TokenStream { item }
