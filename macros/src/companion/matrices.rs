//! `#[jacobian]` and `#[hessian]`: which matrices there are, their types, and why one cannot be written.

use super::{Plan, is_real};
use crate::args::Args;
use crate::emit::{Block, Blocks, Returns};
use crate::graph::{Dim, Graph, Id, Kind, Outcome, Program, Shape, Sources};
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
            Outcome::List(id, _) => *id,
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
        for parameter in &program.parameters {
            let mut row = Vec::new();
            for number in parameter.numbers() {
                let shape = jacobian::shape(graph, root, program.wrt[number])?;
                row.push((found[number], shape));
            }
            all.push(together(vec![row], None, parameter)?);
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
        let found = hessian(graph, gradients, wrt)?;
        let mut rows = Vec::new();
        for a in &program.parameters {
            let mut row = Vec::new();
            for b in &program.parameters {
                let mut blocks = Vec::new();
                for i in a.numbers() {
                    let mut line = Vec::new();
                    for j in b.numbers() {
                        let shape = jacobian::shape(graph, wrt[i], wrt[j])?;
                        line.push((found[i][j], shape));
                    }
                    blocks.push(line);
                }
                row.push(together(blocks, Some(a), b)?);
            }
            rows.push(single(row, Returns::Tuple));
        }
        Ok(single(rows, Returns::Tuple))
    }

    pub(super) fn unwritable(&self) -> syn::Error {
        syn::Error::new_spanned(
            &self.sig.ident,
            "a size of this derivative is a product or a sum of const generics, which cannot be written in a type on stable Rust\nhelp: use matrices with dynamic or known sizes, or `#[jvp]` and `#[vjp]`",
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
            Outcome::List(id, _) => Some(*id),
            Outcome::Array(parts) => concatenated(graph, parts, false),
            Outcome::Vec(parts) => concatenated(graph, parts, true),
            _ => None,
        };
        let Some(root) = root else {
            return quote!(());
        };
        let types = program
            .parameters
            .iter()
            .map(|parameter| self.blocks_type(program, (&[root], None), parameter));
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
        let all = &program.parameters;
        let rows = all.iter().map(|a| {
            let of_a = of_sources(program, a);
            let blocks = all
                .iter()
                .map(|b| self.blocks_type(program, (&of_a, Some(a)), b));
            single(blocks.collect(), |types| quote!((#(#types),*)))
        });
        single(rows.collect(), |types| quote!((#(#types),*)))
    }

    /// The type of the derivatives of some values by others, in one matrix.
    fn blocks_type(
        &self,
        program: &Program,
        (roots, rows): (&[Id], Option<&Sources>),
        cols: &Sources,
    ) -> TokenStream {
        let nalgebra = self.nalgebra();
        let real = self.real.as_ref().map(ToTokens::to_token_stream);
        if rows.and_then(Sources::fields).or(cols.fields()).is_some() {
            return quote!(#nalgebra::DMatrix<#real>);
        }
        let (graph, leaves) = (&program.graph, &of_sources(program, cols)[..]);
        let shape = |root: Id, leaf: Id| jacobian::shape(graph, root, leaf).ok().flatten();
        let whole = match (roots, leaves) {
            ([root], [leaf]) => shape(*root, *leaf),
            _ => {
                let rows = roots.iter().map(|root| {
                    let line = leaves.iter().map(|leaf| (None, shape(*root, *leaf)));
                    line.collect()
                });
                joined(&rows.collect::<Vec<_>>())
            }
        };
        match whole {
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
        wrt.map(|parameter| size_of_class(&parameter.class))
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

fn size_of_class(class: &Class) -> Size {
    match class {
        Class::Value(value) => size_of(value),
        Class::List(list) => match (&list.length, list.element.as_ref().map(size_of)) {
            (Some(Dim::Static(length)), None) => Size::Static(*length),
            (Some(Dim::Static(length)), Some(Size::Static(n))) => Size::Static(length * n),
            _ => Size::Dynamic,
        },
        Class::Tuple(parts) => {
            let sizes = parts.iter().map(|part| match size_of_class(part) {
                Size::Scalar => Some(1),
                Size::Static(n) => Some(n),
                Size::Dynamic => None,
            });
            sizes
                .sum::<Option<usize>>()
                .map_or(Size::Dynamic, Size::Static)
        }
        Class::Mutable | Class::NotYet(_) | Class::Other => Size::Dynamic,
    }
}

/// The sources of a parameter.
fn of_sources(program: &Program, parameter: &Sources) -> Vec<Id> {
    let numbers = parameter.numbers().into_iter();
    numbers.map(|number| program.wrt[number]).collect()
}

/// Blocks as one matrix, where a parameter has parts.
fn together(
    mut blocks: Vec<Vec<Block>>,
    rows: Option<&Sources>,
    cols: &Sources,
) -> Result<Returns, Unwritable> {
    if let (true, true, [line]) = (
        rows.is_none_or(Sources::is_one),
        cols.is_one(),
        &mut blocks[..],
    ) && let Some((block, shape)) = line.pop()
    {
        return Ok(Returns::Matrix(block, shape));
    }
    let any = blocks.iter().flatten().find_map(|block| block.0);
    let (rows, cols) = (rows.and_then(Sources::fields), cols.fields());
    let shape = if rows.is_some() || cols.is_some() {
        // How many entries a struct has is known at run time.
        Shape::new(Dim::Dynamic(u32::MAX), Dim::Dynamic(u32::MAX))
    } else {
        joined(&blocks).ok_or(Unwritable(any.unwrap_or(Id(0))))?
    };
    Ok(Returns::Blocks(Blocks {
        blocks,
        shape,
        rows,
        cols,
    }))
}

/// The shape of blocks side by side and one below the other, as far as its type needs it.
fn joined(blocks: &[Vec<Block>]) -> Option<Shape> {
    let total = |dims: Vec<Dim>| -> Option<Dim> {
        let sizes = dims.iter().map(|d| match d {
            Dim::Static(n) => Some(*n),
            _ => None,
        });
        sizes.sum::<Option<usize>>().map(Dim::Static)
    };
    let rows = |block: &Block| block.1.as_ref().map_or(Dim::Static(1), |s| s.rows.clone());
    let cols = |block: &Block| block.1.as_ref().map_or(Dim::Static(1), |s| s.cols.clone());
    let down = blocks.iter().filter_map(|line| line.first()).map(rows);
    let across = blocks.first().into_iter().flatten().map(cols);
    let dynamic = |d: &Dim| matches!(d, Dim::Dynamic(_));
    let (down, across): (Vec<Dim>, Vec<Dim>) = (down.collect(), across.collect());
    // Where any size is dynamic the matrix is.
    if let Some(known) = down.iter().chain(&across).find(|d| dynamic(d)) {
        return Some(Shape::new(known.clone(), known.clone()));
    }
    Some(Shape::new(total(down)?, total(across)?))
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
    let mut all = Vec::new();
    for part in parts {
        flattened(part, &mut all)?;
    }
    for id in &all {
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

/// The values in a part of a result, also in lists and tuples in it.
fn flattened(part: &Outcome, into: &mut Vec<Id>) -> Option<()> {
    match part {
        Outcome::Value(id) | Outcome::List(id, _) => into.push(*id),
        Outcome::Inert(_) => return None,
        parts => {
            for part in parts.parts() {
                flattened(part, into)?;
            }
        }
    }
    Some(())
}

/// Whether a list in a result has matrices whose numbers of entries are known at run time only.
pub(super) fn has_dynamic_lists(graph: &Graph, outcome: &Outcome, inside: bool) -> bool {
    match outcome {
        Outcome::Value(id) => {
            inside
                && graph
                    .shape(*id)
                    .is_some_and(|shape| shape.entries().is_none())
        }
        Outcome::List(..) => inside,
        Outcome::Inert(_) => false,
        Outcome::Tuple(parts) => parts.iter().any(|p| has_dynamic_lists(graph, p, inside)),
        Outcome::Array(parts) | Outcome::Vec(parts) => {
            parts.iter().any(|p| has_dynamic_lists(graph, p, true))
        }
    }
}
