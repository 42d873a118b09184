//! The passes of the macro, included by path, for in-process tests.
