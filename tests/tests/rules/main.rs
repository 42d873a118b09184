//! The rule book: every operation, because it is in the book, against differences and against its own tangent.

mod algebra;
mod book;
mod delicate;
mod interpreter;
mod jacobians;
mod notation;
mod rotations;
mod world;
