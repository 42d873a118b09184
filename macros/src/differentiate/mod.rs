//! The two sweeps: derivatives of a graph, as nodes of the same graph, by the laws of the rule book.
//!
//! The paper's "compute derivatives, combine". In reverse every node's cotangent is the sum over its uses, and goes
//! to its arguments by the adjoint of its law; forward its tangent is the sum over its arguments, by the law itself.
//! Either sweep may go over what the other has built: that is a second derivative.

pub mod calls;
mod cut;
mod loops;

use crate::graph::{Elem, Graph, Guard, Id, IdMap, Ids};
use crate::rules::{Applied, Law, Op, laws};
use crate::simplify::Expr;

/// The cotangents of `wrt` for those of the roots; `None` where no root depends on it.
pub fn reverse(graph: &Graph, cotangents: &[(Id, Id)], wrt: &[Id]) -> Vec<Option<Id>> {
    let last = cotangents.iter().map(|c| c.0.0).max().unwrap_or(0);
    // Nothing before the first of them depends on any.
    let first = wrt.iter().map(|w| w.0).min().unwrap_or(0);
    let active = graph.depends_on(wrt);
    let mut pending: IdMap<Vec<Id>> = IdMap::default();
    // What a scalar gets from the entries of matrices, before it is summed.
    let mut expanded: IdMap<Vec<Id>> = IdMap::default();
    // What each part of what a call returns gets.
    let mut parts: IdMap<Vec<(Vec<usize>, Id)>> = IdMap::default();
    // What loops have added up for each value, and for nothing else.
    let mut added_up: IdMap<Vec<Id>> = IdMap::default();
    let mut results = vec![None; wrt.len()];
    for (root, cotangent) in cotangents {
        pending.entry(*root).or_default().push(*cotangent);
    }
    for number in (first..=last).rev() {
        let mut terms = pending.remove(&Id(number)).unwrap_or_default();
        if let (Op::Item(part), Elem::Records) = (graph.op(Id(number)), graph.kind(Id(number)).elem)
        {
            // Of every iteration: they are added there.
            let of = parts.entry(graph.args(Id(number))[0]).or_default();
            of.extend(terms.into_iter().map(|term| (part.clone(), term)));
            continue;
        }
        let entries = expanded.remove(&Id(number)).unwrap_or_default();
        terms.extend(
            joined(graph, entries)
                .iter()
                .map(|e| graph.expr(*e).sum().id),
        );
        let id = Id(number);
        let of_parts = parts.remove(&id).unwrap_or_default();
        if !of_parts.is_empty() && active.contains(&id) {
            let node = graph.node(id);
            let outside = graph.guards.replace(node.guards.clone());
            let before = graph.count();
            let contributions = match node.op {
                Op::Loop(_) => loops::pulled_back(graph, id, of_parts, &active),
                _ => calls::pulled_back(graph, id, of_parts, &active),
            };
            graph.guards.replace(outside);
            let values: Vec<Id> = contributions.iter().map(|c| c.1).collect();
            for (arg, value) in contributions {
                let once = values.iter().filter(|other| **other == value).count() == 1;
                if once && value.0 >= before {
                    added_up.entry(arg).or_default().push(value);
                }
                let value = outside_of(graph, &node.guards, arg, value);
                pending.entry(arg).or_default().push(value);
            }
            continue;
        }
        if terms.is_empty() || !active.contains(&id) {
            continue;
        }
        let mut node = graph.node(id);
        // What is added up is there where the value is.
        let outside = graph.guards.replace(node.guards.clone());
        let own = added_up.remove(&id).unwrap_or_default();
        let cotangent = graph.sum_of(&loops::continued(graph, terms, &own));
        graph.guards.replace(outside);
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
        if node.guards.is_empty() {
            node.guards = guards_of_arguments(graph, id);
        }
        // In a branch the cotangent is what it is there.
        let within = node
            .guards
            .iter()
            .fold(cotangent, |g, guard| assume(graph, g, *guard));
        if let Op::Item(part) = &node.op {
            parts
                .entry(node.args[0])
                .or_default()
                .push((part.clone(), within));
            continue;
        }
        let outside = graph.guards.replace(node.guards.clone());
        let contributions = contributions(graph, id, within, &active);
        graph.guards.replace(outside);
        for (arg, value, reduced) in contributions {
            let value = outside_of(graph, &node.guards, arg, value);
            let place = if reduced { &mut expanded } else { &mut pending };
            place.entry(arg).or_default().push(value);
        }
    }
    results
}

/// The branches in which all is there that the macro has computed a value of: elsewhere it would be divided by zero.
fn guards_of_arguments(graph: &Graph, id: Id) -> Vec<Guard> {
    let op = graph.op(id);
    let by_user = id.0 < graph.user_nodes.get();
    if by_user || op == Op::Select || op.is_opaque() || matches!(op, Op::Item(_)) {
        return Vec::new();
    }
    let mut guards: Vec<Guard> = Vec::new();
    for arg in graph.args(id).iter() {
        let own = graph.node(*arg).guards;
        let whole = own.iter().filter(|g| graph.shape(g.cond).is_none());
        for guard in whole {
            if !guards.contains(guard) {
                guards.push(*guard);
            }
        }
    }
    guards
}

/// The tangents of `roots`, given those of the differentiated values; `None` where a root does not depend on them.
pub fn forward(graph: &Graph, roots: &[Id], tangents: &[(Id, Id)]) -> Vec<Option<Id>> {
    let known = tangents_for(graph, roots, tangents);
    roots.iter().map(|r| known[r.0 as usize]).collect()
}

/// The tangents of all values up to `roots` that these need, by their numbers.
pub fn tangents_for(graph: &Graph, roots: &[Id], tangents: &[(Id, Id)]) -> Vec<Option<Id>> {
    let last = roots.iter().map(|r| r.0).max().unwrap_or(0);
    let mut known: Vec<Option<Id>> = vec![None; last as usize + 1];
    let sources: Vec<Id> = tangents.iter().map(|t| t.0).collect();
    let active = graph.depends_on(&sources);
    let needed = graph.needed_by(roots);
    for number in (0..=last).filter(|n| active.contains(&Id(*n)) && needed[*n as usize]) {
        let id = Id(number);
        known[number as usize] = match tangents.iter().find(|t| t.0 == id) {
            Some((_, tangent)) => Some(*tangent),
            None => {
                let node = graph.node(id);
                let outside = graph.guards.replace(node.guards);
                let tangent = tangent_of(graph, id, &known, &needed);
                graph.guards.replace(outside);
                tangent
            }
        };
        if let (Some(tangent), Some(name)) = (known[number as usize], name_of(graph, id)) {
            graph
                .hints
                .borrow_mut()
                .entry(tangent)
                .or_insert(format!("d{name}"));
        }
    }
    known
}

/// The tangent of one node, of those of its arguments.
pub fn tangent_of(graph: &Graph, id: Id, known: &[Option<Id>], needed: &[bool]) -> Option<Id> {
    let node = graph.node(id);
    match node.op {
        Op::Loop(_) => return loops::tangent(graph, id, known, needed),
        Op::Item(_) if matches!(graph.op(node.args[0]), Op::Loop(_)) => {
            return loops::tangent_of_part(graph, id, known);
        }
        op if op.is_call() || matches!(op, Op::Item(_)) => {
            return calls::tangent(graph, id, known);
        }
        _ => {}
    }
    let on = Applied {
        graph,
        args: node.args.iter().map(|a| graph.expr(*a)).collect(),
        value: graph.expr(id),
    };
    let laws = laws(&node.op, &on);
    let tangents: Vec<Option<Id>> = node.args.iter().map(|a| known[a.0 as usize]).collect();
    let moves = |k: usize| tangents[k].filter(|_| !matches!(laws[k], Law::Constant));
    if !(0..laws.len()).any(|k| moves(k).is_some()) {
        return None;
    }
    let mut terms: Vec<Id> = Vec::new();
    if node.op.is_jointly_linear() {
        let args: Vec<Expr> = (0..laws.len())
            .map(|k| match (&laws[k], tangents[k]) {
                (Law::Constant, _) => on.args[k],
                (_, Some(tangent)) => graph.expr(tangent),
                (_, None) => on.args[k].zero(),
            })
            .collect();
        let applied = graph.applied(&node.op, &args, &node.kind).id;
        terms.push(graph.choice_of_size(applied, node.kind.shape.as_ref()));
    } else {
        for (k, law) in laws.iter().enumerate() {
            let Some(tangent) = moves(k).map(|t| graph.expr(t)) else {
                continue;
            };
            let term = match law {
                Law::Constant => continue,
                Law::Partial(partial) => *partial * tangent,
                Law::Linear(_) => {
                    let mut args = on.args.clone();
                    args[k] = tangent;
                    graph.applied(&node.op, &args, &node.kind)
                }
                Law::Smooth(differential) | Law::Symmetric(differential) => {
                    differential(&on, tangent)
                }
            };
            terms.push(term.id);
        }
    }
    let sum = graph.expr(graph.sum_of(&terms));
    if sum.is_zero() {
        return None;
    }
    // A number was expanded over a matrix.
    let real = node.kind.elem != Elem::Factor;
    let expanded = real && graph.is_matrix(id) && !graph.is_matrix(sum.id);
    Some(if expanded {
        sum.fill(node.kind.shape).id
    } else {
        sum.id
    })
}

/// Adds choices on the same condition and of the same shape, so that they are one pass over the entries.
fn joined(graph: &Graph, values: Vec<Id>) -> Vec<Id> {
    let mut joined: Vec<Id> = Vec::new();
    for value in values {
        let condition = |id: Id| (graph.op(id) == Op::Select).then(|| graph.args(id)[0]);
        let same = |other: &&mut Id| {
            condition(value).is_some()
                && condition(**other) == condition(value)
                && graph.shape(**other) == graph.shape(value)
        };
        match joined.iter_mut().find(same) {
            Some(other) => *other = graph.sum_of(&[*other, value]),
            None => joined.push(value),
        }
    }
    joined
}

/// What the user calls a value.
fn name_of(graph: &Graph, id: Id) -> Option<String> {
    let list = || {
        graph
            .lists
            .borrow()
            .get(&id)
            .map(|list| list.name.to_string())
    };
    let given = graph
        .names
        .borrow()
        .get(&id)
        .map(ToString::to_string)
        .or_else(list);
    // The paper calls an affine combination z.
    let product = || matches!(graph.op(id), Op::MatMul).then(|| "z".to_string());
    given
        .or_else(|| {
            graph
                .leaf_of(id)
                .map(|leaf| leaf.name.to_string())
                .filter(|name| name != "tangent")
        })
        .map(|name| crate::lower::words(&name))
        .or_else(product)
}

/// What the cotangent of a node adds to those of its arguments; a scalar that was expanded over a matrix
/// still has to be summed.
pub fn contributions(graph: &Graph, id: Id, cotangent: Id, active: &Ids) -> Vec<(Id, Id, bool)> {
    let node = graph.node(id);
    let on = Applied {
        graph,
        args: node.args.iter().map(|a| graph.expr(*a)).collect(),
        value: graph.expr(id),
    };
    let g = graph.expr(cotangent);
    let mut out = Vec::new();
    for (law, &arg) in laws(&node.op, &on).iter().zip(node.args.iter()) {
        if !active.contains(&arg) {
            continue;
        }
        let value = match law {
            Law::Constant => continue,
            Law::Partial(partial) => g * *partial,
            Law::Linear(adjoint) | Law::Symmetric(adjoint) => adjoint(&on, g),
            Law::Smooth(differential) => transpose(graph, &on, arg, differential, g),
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
    out
}

/// The adjoint of a linear map of a tangent: the map is built once on a symbol and swept in reverse.
fn transpose<'g>(
    graph: &'g Graph,
    on: &Applied<'g>,
    arg: Id,
    differential: &dyn Fn(&Applied<'g>, Expr<'g>) -> Expr<'g>,
    cotangent: Expr<'g>,
) -> Expr<'g> {
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
    let adjoint = reverse(graph, &[(image.id, cotangent.id)], &[tangent]);
    adjoint[0].map_or(graph.expr(tangent).zero(), |id| graph.expr(id))
}

/// What a value in branches adds to one outside of them: zero where they are not taken.
fn outside_of(graph: &Graph, guards: &[Guard], arg: Id, value: Id) -> Id {
    let around = graph.node(arg).guards;
    guards
        .iter()
        .rev()
        .filter(|g| !around.contains(g))
        .fold(value, |value, guard| {
            let cond = graph.expr(guard.cond);
            cond.on_side(guard.side, graph.expr(value), graph.expr(arg))
                .id
        })
}

/// The value on the given side of a branch.
fn assume(graph: &Graph, value: Id, guard: Guard) -> Id {
    match (graph.op(value), graph.args(value)) {
        (Op::Select, args) if args[0] == guard.cond => args[if guard.side { 1 } else { 2 }],
        _ => value,
    }
}
