//! The reverse sweep: the gradient of a scalar value, by the laws of the rule book.
//!
//! The paper's "compute derivatives, combine": every node's cotangent is the sum over its uses, and goes to
//! its arguments by the adjoint of its law.

use crate::graph::{Graph, Guard, Id};
use crate::rules::{Applied, Law, laws};
use crate::simplify::Expr;

/// The cotangents of `wrt` for the cotangent `seed` of `root`; `None` where the result does not depend on it.
/// The error is the node whose law is not known.
pub fn reverse(graph: &Graph, root: Id, seed: Id, wrt: &[Id]) -> Result<Vec<Option<Id>>, Id> {
    // Nothing before the first of them depends on any.
    let first = wrt.iter().map(|w| w.0).min().unwrap_or(0);
    let active = graph.depends_on(wrt);
    let mut pending: Vec<Vec<Id>> = vec![Vec::new(); root.0 as usize + 1];
    // What a scalar gets from the entries of matrices, before it is summed.
    let mut expanded = pending.clone();
    let mut results = vec![None; wrt.len()];
    pending[root.0 as usize].push(seed);
    for number in (first..=root.0).rev() {
        let mut terms = std::mem::take(&mut pending[number as usize]);
        let entries = std::mem::take(&mut expanded[number as usize]);
        terms.extend(
            joined(graph, entries)
                .iter()
                .map(|e| graph.expr(*e).sum().id),
        );
        let id = Id(number);
        if terms.is_empty() || !active.get(number as usize).copied().unwrap_or(false) {
            continue;
        }
        let cotangent = graph.sum_of(&terms);
        if let Some(name) = name_of(graph, id) {
            graph
                .hints
                .borrow_mut()
                .entry(cotangent)
                .or_insert(format!("{name}_bar"));
        }
        if graph.expr(cotangent).is_zero() {
            continue;
        }
        if let Some(place) = wrt.iter().position(|w| *w == id) {
            results[place] = Some(cotangent);
            continue;
        }
        let node = graph.node(id);
        // In a branch the cotangent is what it is there.
        let within = node
            .guards
            .iter()
            .fold(cotangent, |g, guard| assume(graph, g, *guard));
        let outside = graph.guards.replace(node.guards.clone());
        let contributions = contributions(graph, id, within, &active);
        graph.guards.replace(outside);
        for (arg, value, reduced) in contributions? {
            let guards: Vec<Guard> = node
                .guards
                .iter()
                .filter(|g| !graph.node(arg).guards.contains(g))
                .copied()
                .collect();
            let value = guards
                .iter()
                .rev()
                .fold(value, |value, guard| on_side(graph, value, *guard));
            let place = if reduced { &mut expanded } else { &mut pending };
            place[arg.0 as usize].push(value);
        }
    }
    Ok(results)
}

/// Adds choices on the same condition, so that they are one pass over the entries.
fn joined(graph: &Graph, values: Vec<Id>) -> Vec<Id> {
    let mut joined: Vec<Id> = Vec::new();
    for value in values {
        let condition =
            |id: Id| (graph.op(id) == crate::rules::Op::Select).then(|| graph.args(id)[0]);
        let same =
            |other: &&mut Id| condition(value).is_some() && condition(**other) == condition(value);
        match joined.iter_mut().find(same) {
            Some(other) => *other = graph.sum_of(&[*other, value]),
            None => joined.push(value),
        }
    }
    joined
}

/// What the user calls a value.
fn name_of(graph: &Graph, id: Id) -> Option<String> {
    let given = graph.names.borrow().get(&id).map(ToString::to_string);
    // The paper calls an affine combination z.
    let product = || matches!(graph.op(id), crate::rules::Op::MatMul).then(|| "z".to_string());
    given
        .or_else(|| {
            graph
                .leaf_of(id)
                .map(|leaf| leaf.name.to_string())
                .filter(|name| name != "tangent")
        })
        .or_else(product)
}

/// What the cotangent of a node adds to those of its arguments; a scalar that was expanded over a matrix
/// still has to be summed.
fn contributions(
    graph: &Graph,
    id: Id,
    cotangent: Id,
    active: &[bool],
) -> Result<Vec<(Id, Id, bool)>, Id> {
    let node = graph.node(id);
    let on = Applied {
        graph,
        args: node.args.iter().map(|a| graph.expr(*a)).collect(),
        value: graph.expr(id),
    };
    let g = graph.expr(cotangent);
    let mut out = Vec::new();
    for (law, &arg) in laws(&node.op, &on).iter().zip(&node.args) {
        if !active[arg.0 as usize] {
            continue;
        }
        let value = match law {
            Law::Constant => continue,
            Law::Partial(partial) => g * *partial,
            Law::Linear(adjoint) => adjoint(&on, g),
            Law::Smooth(differential) => transpose(graph, &on, arg, differential, g)?,
            Law::Unknown => return Err(id),
        };
        let elementwise = node.op.is_elementwise() && graph.is_matrix(id) && !graph.is_matrix(arg);
        if value.is_zero() {
            continue;
        }
        let value = if graph.is_matrix(arg) && !graph.is_matrix(value.id) {
            value.fill(graph.shape(arg))
        } else {
            value
        };
        out.push((arg, value.id, elementwise));
    }
    Ok(out)
}

/// The adjoint of a linear map of a tangent: the map is built once on a symbol and swept in reverse.
fn transpose<'g>(
    graph: &'g Graph,
    on: &Applied<'g>,
    arg: Id,
    differential: &dyn Fn(&Applied<'g>, Expr<'g>) -> Expr<'g>,
    cotangent: Expr<'g>,
) -> Result<Expr<'g>, Id> {
    let mut kind = graph.kind(arg);
    kind.elem = crate::graph::Elem::Real;
    let form = crate::graph::Form::Owned;
    let tangent = graph.leaf(crate::graph::Leaf {
        name: quote::quote!(tangent),
        kind,
        form,
        varies: true,
    });
    let image = differential(on, graph.expr(tangent));
    let adjoint = reverse(graph, image.id, cotangent.id, &[tangent])?;
    Ok(adjoint[0].map_or(graph.expr(tangent).zero(), |id| graph.expr(id)))
}

/// The value on the given side of a branch.
fn assume(graph: &Graph, value: Id, guard: Guard) -> Id {
    match (graph.op(value), graph.args(value)) {
        (crate::rules::Op::Select, args) if args[0] == guard.cond => {
            args[if guard.side { 1 } else { 2 }]
        }
        _ => value,
    }
}

/// The value on that side, and zero on the other.
fn on_side(graph: &Graph, value: Id, guard: Guard) -> Id {
    let (cond, value) = (graph.expr(guard.cond), graph.expr(value));
    let zero = value.zero();
    if guard.side {
        cond.choose(value, zero).id
    } else {
        cond.choose(zero, value).id
    }
}
