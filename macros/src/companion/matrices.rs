//! `#[jacobian]` and `#[hessian]`: which matrices there are, their types, and why one cannot be written.

use super::{Plan, is_real};
use crate::args::Args;
use crate::emit::Returns;
use crate::graph::{Dim, Graph, Id, Kind, Outcome, Program, Shape};
use crate::jacobian::{self, Unwritable, hessian, jacobian};
use crate::rules::{Op, Part};
use crate::ty::{self, Class, Extent, Returned};
use proc_macro2::TokenStream;
use quote::{ToTokens, quote};

impl Plan {
    /// The Jacobians: a tuple for a tuple that is returned, and in it one for several parameters.
    pub(super) fn jacobian(&self, args: &Args, program: &Program) -> Result<Returns, Unwritable> {
        self.jacobian_of(&program.result, args, program)
    }

    fn jacobian_of(
        &self,
        outcome: &Outcome,
        args: &Args,
        program: &Program,
    ) -> Result<Returns, Unwritable> {
        let graph = &program.graph;
        let root = match outcome {
            Outcome::Tuple(parts) => {
                let parts = parts
                    .iter()
                    .map(|part| self.jacobian_of(part, args, program));
                return Ok(Returns::Tuple(parts.collect::<Result<_, _>>()?));
            }
            Outcome::Value(id) if is_real(graph, *id) => *id,
            Outcome::Array(parts) | Outcome::Vec(parts) => {
                let dynamic = matches!(outcome, Outcome::Vec(_));
                match concatenated(graph, parts, dynamic) {
                    Some(root) => root,
                    None => return Ok(Returns::Unit),
                }
            }
            _ => return Ok(Returns::Unit),
        };
        let found = jacobian(graph, root, &program.wrt, args.mode)?;
        let mut all = Vec::new();
        for (jacobian, parameter) in found.into_iter().zip(&program.wrt) {
            let shape = jacobian::shape(graph, root, *parameter)?;
            all.push(Returns::Matrix(jacobian, shape));
        }
        Ok(single(all, Returns::Tuple))
    }

    /// The blocks of the Hessian: for several parameters a tuple of tuples.
    pub(super) fn hessian(
        &self,
        gradients: &[Option<Id>],
        program: &Program,
    ) -> Result<Returns, Unwritable> {
        let (graph, wrt) = (&program.graph, &program.wrt);
        let mut rows = Vec::new();
        for (blocks, a) in hessian(graph, gradients, wrt)?.into_iter().zip(wrt) {
            let mut row = Vec::new();
            for (block, b) in blocks.into_iter().zip(wrt) {
                row.push(Returns::Matrix(block, jacobian::shape(graph, *a, *b)?));
            }
            rows.push(single(row, Returns::Tuple));
        }
        Ok(single(rows, Returns::Tuple))
    }

    pub(super) fn unwritable(&self) -> syn::Error {
        syn::Error::new_spanned(
            &self.sig.ident,
            "the number of entries of a matrix of two const generics cannot be written in a type on stable Rust, and this derivative has it as a size\nhelp: use a matrix with a dynamic or a known size, or `#[jvp]` and `#[vjp]`",
        )
    }

    pub(super) fn jacobian_type(&self, program: Option<&Program>) -> TokenStream {
        match program {
            Some(program) => self.jacobian_type_of(&program.result, program),
            None => self.guessed_type(&self.result),
        }
    }

    fn jacobian_type_of(&self, outcome: &Outcome, program: &Program) -> TokenStream {
        let graph = &program.graph;
        let root = match outcome {
            Outcome::Tuple(parts) => {
                let parts = parts
                    .iter()
                    .map(|part| self.jacobian_type_of(part, program));
                return quote!((#(#parts,)*));
            }
            Outcome::Value(id) if is_real(graph, *id) => Some(*id),
            Outcome::Array(parts) => concatenated(graph, parts, false),
            Outcome::Vec(parts) => concatenated(graph, parts, true),
            _ => None,
        };
        let Some(root) = root else {
            return quote!(());
        };
        let types = program
            .wrt
            .iter()
            .map(|leaf| self.block_type(graph, root, *leaf));
        single(types.collect(), |types| quote!((#(#types),*)))
    }

    pub(super) fn hessian_type(&self, program: Option<&Program>) -> TokenStream {
        let Some(program) = program else {
            let sizes = self.sizes();
            let rows = sizes.iter().map(|rows| {
                let blocks = sizes.iter().map(|cols| self.guessed_block(*rows, *cols));
                single(blocks.collect(), |types| quote!((#(#types),*)))
            });
            return single(rows.collect(), |types| quote!((#(#types),*)));
        };
        let (graph, wrt) = (&program.graph, &program.wrt);
        let rows = wrt.iter().map(|a| {
            let blocks = wrt.iter().map(|b| self.block_type(graph, *a, *b));
            single(blocks.collect(), |types| quote!((#(#types),*)))
        });
        single(rows.collect(), |types| quote!((#(#types),*)))
    }

    /// The type of the derivative of one value by another.
    fn block_type(&self, graph: &Graph, root: Id, leaf: Id) -> TokenStream {
        let nalgebra = self.nalgebra();
        let real = self.real.as_ref().map(ToTokens::to_token_stream);
        match jacobian::shape(graph, root, leaf).ok().flatten() {
            None => quote!(#real),
            Some(shape) if shape.is_dynamic() => quote!(#nalgebra::DMatrix<#real>),
            Some(Shape { rows, cols }) => {
                let (rows, cols) = (ty::dim_tokens(&rows), ty::dim_tokens(&cols));
                quote!(#nalgebra::SMatrix<#real, #rows, #cols>)
            }
        }
    }

    /// The numbers of entries of the differentiated parameters, as far as the signature tells.
    fn sizes(&self) -> Vec<Size> {
        let wrt = self.parameters.iter().filter(|p| p.wrt);
        wrt.map(|parameter| match &parameter.class {
            Class::Value(value) => size_of(value),
            _ => Size::Dynamic,
        })
        .collect()
    }

    /// For a stub: the type that the signature tells.
    fn guessed_type(&self, result: &Returned) -> TokenStream {
        let rows = match result {
            Returned::Tuple(parts) => {
                let parts = parts.iter().map(|part| self.guessed_type(part));
                return quote!((#(#parts,)*));
            }
            Returned::Value(value) => size_of(value),
            Returned::Plain => return quote!(()),
            _ => Size::Dynamic,
        };
        let types = self
            .sizes()
            .into_iter()
            .map(|cols| self.guessed_block(rows, cols));
        single(types.collect(), |types| quote!((#(#types),*)))
    }

    fn guessed_block(&self, rows: Size, cols: Size) -> TokenStream {
        let nalgebra = self.nalgebra();
        let real = self
            .real
            .as_ref()
            .map_or(quote!(f64), ToTokens::to_token_stream);
        let one = |size: Size| match size {
            Size::Scalar => Some(1),
            Size::Static(n) => Some(n),
            Size::Dynamic => None,
        };
        match (rows, cols) {
            (Size::Scalar, Size::Scalar) => real,
            _ => match one(rows).zip(one(cols)) {
                Some((rows, cols)) => quote!(#nalgebra::SMatrix<#real, #rows, #cols>),
                None => quote!(#nalgebra::DMatrix<#real>),
            },
        }
    }
}

/// A number of entries.
#[derive(Clone, Copy)]
enum Size {
    Scalar,
    Static(usize),
    Dynamic,
}

fn size_of(value: &ty::Value) -> Size {
    match &value.extents {
        None => Size::Scalar,
        Some((Extent::Known(Dim::Static(rows)), Extent::Known(Dim::Static(cols)))) => {
            Size::Static(rows * cols)
        }
        Some(_) => Size::Dynamic,
    }
}

/// The only one, or all together.
fn single<T>(mut all: Vec<T>, together: impl FnOnce(Vec<T>) -> T) -> T {
    if all.len() == 1 {
        return all.remove(0);
    }
    together(all)
}

/// The entries of an array's parts one after the other, those of a `Vec` as a dynamic vector.
fn concatenated(graph: &Graph, parts: &[Outcome], dynamic: bool) -> Option<Id> {
    let mut entries = Vec::new();
    for part in parts {
        let Outcome::Value(id) = part else {
            return None;
        };
        let whole = graph.expr(*id);
        match graph.shape(*id) {
            None => entries.push(*id),
            Some(shape) => {
                let count = shape.entries()?;
                let entry = |k: usize| whole.part(&Part::Entry, &[graph.integer(k)]).id;
                entries.extend((0..count).map(entry));
            }
        }
    }
    let mut shape = Shape::fixed(entries.len(), 1);
    if dynamic {
        shape.rows = graph.dynamic(crate::graph::Extent::Fixed(shape.rows));
    }
    Some(graph.insert(Op::Build, entries, Kind::matrix(shape)))
}
