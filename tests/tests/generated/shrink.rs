//! Smaller programs with the same fault.

use crate::interpret;
use crate::program::{Body, Expr, Function, Op, Program, Statement, Type};
use crate::write::type_of;
use num_dual::HyperDual64;

/// How much there is to read.
pub fn size(program: &Program) -> usize {
    let of = |f: &Function| format!("{:?}", f.body).len();
    of(&program.function)
        + program.callees.iter().map(of).sum::<usize>()
        + 200 * program.kinds.len()
}

/// Whether a function does something besides its result.
pub fn logs(function: &Function) -> bool {
    format!("{:?}", function.body).contains("Log(")
}

/// Whether a function has loops and calls others, perhaps in these.
pub fn calls_in_loops(function: &Function) -> bool {
    let text = format!("{:?}", function.body);
    text.contains("Call(") && ["For(", "While("].iter().any(|l| text.contains(l))
}

/// Programs that are one step smaller, and still mean something.
pub fn smaller(program: &Program) -> Vec<Program> {
    let mut all = Vec::new();
    for i in 0..program.kinds.len() {
        if program.kinds.len() > 1 {
            let mut less = program.clone();
            less.kinds.remove(i);
            all.push(less);
        }
    }
    for body in bodies(&program.function, &program.function.body) {
        let mut less = program.clone();
        less.function.body = body;
        all.push(less);
    }
    for (i, callee) in program.callees.iter().enumerate() {
        for body in bodies(callee, &callee.body) {
            let mut less = program.clone();
            less.callees[i].body = body;
            all.push(less);
        }
    }
    if let Some(callee) = program.callees.last()
        && !format!("{:?}", program.function.body)
            .contains(&format!("Call({}", program.callees.len() - 1))
    {
        let _ = callee;
        let mut less = program.clone();
        less.callees.pop();
        all.push(less);
    }
    all.retain(|p| size(p) < size(program) && means_something(p));
    all.sort_by_key(size);
    all
}

fn means_something(program: &Program) -> bool {
    program.points.iter().all(|point| {
        let lifted: Vec<HyperDual64> = point
            .iter()
            .map(|x| HyperDual64::new(*x, 0.3, -0.7, 0.0))
            .collect();
        let run = || {
            let outcome = interpret::run(program, &lifted);
            outcome.margin > 1e-6 && outcome.scale < 1e6
        };
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).unwrap_or(false)
    })
}

/// A block without one thing in it.
fn bodies(function: &Function, body: &Body) -> Vec<Body> {
    let mut all: Vec<Body> = blocks(function, &body.statements)
        .into_iter()
        .map(|statements| Body {
            statements,
            value: body.value.clone(),
        })
        .collect();
    if let Some(value) = &body.value {
        all.extend(exprs(function, value).into_iter().map(|value| Body {
            statements: body.statements.clone(),
            value: Some(value),
        }));
    }
    all
}

fn blocks(function: &Function, statements: &[Statement]) -> Vec<Vec<Statement>> {
    let mut all = Vec::new();
    for i in 0..statements.len() {
        let with = |new: Vec<Statement>| {
            let mut list = statements.to_vec();
            list.splice(i..=i, new);
            list
        };
        all.push(with(Vec::new()));
        match &statements[i] {
            Statement::If(_, then, otherwise) => {
                all.push(with(then.clone()));
                all.extend(otherwise.iter().map(|o| with(o.clone())));
            }
            Statement::Block(inner) | Statement::For(_, _, _, inner) => {
                all.push(with(inner.clone()))
            }
            _ => {}
        }
        all.extend(
            self::statements(function, &statements[i])
                .into_iter()
                .map(|s| with(vec![s])),
        );
    }
    all
}

fn statements(function: &Function, statement: &Statement) -> Vec<Statement> {
    match statement {
        Statement::Let { vars, typed, value } => exprs(function, value)
            .into_iter()
            .map(|value| Statement::Let {
                vars: vars.clone(),
                typed: *typed,
                value,
            })
            .collect(),
        Statement::Assign(var, op, value) => exprs(function, value)
            .into_iter()
            .map(|value| Statement::Assign(*var, op.clone(), value))
            .collect(),
        Statement::AssignEntry(var, index, op, value) => exprs(function, value)
            .into_iter()
            .map(|value| Statement::AssignEntry(*var, index.clone(), op.clone(), value))
            .collect(),
        Statement::If(cond, then, otherwise) => {
            let mut all: Vec<Statement> = blocks(function, then)
                .into_iter()
                .map(|then| Statement::If(cond.clone(), then, otherwise.clone()))
                .collect();
            if let Some(otherwise) = otherwise {
                all.push(Statement::If(cond.clone(), then.clone(), None));
                all.extend(
                    blocks(function, otherwise)
                        .into_iter()
                        .map(|o| Statement::If(cond.clone(), then.clone(), Some(o))),
                );
            }
            all.extend(
                conds(function, cond)
                    .into_iter()
                    .map(|cond| Statement::If(cond, then.clone(), otherwise.clone())),
            );
            all
        }
        Statement::Match(of, arms) => (0..arms.len())
            .flat_map(|i| {
                blocks(function, &arms[i]).into_iter().map(move |arm| {
                    let mut arms = arms.clone();
                    arms[i] = arm;
                    Statement::Match(of.clone(), arms)
                })
            })
            .collect(),
        Statement::Return(cond, body) => {
            let mut all: Vec<Statement> = bodies(function, body)
                .into_iter()
                .map(|body| Statement::Return(cond.clone(), body))
                .collect();
            all.extend(
                conds(function, cond)
                    .into_iter()
                    .map(|cond| Statement::Return(cond, body.clone())),
            );
            all
        }
        Statement::ReturnNone(cond) => conds(function, cond)
            .into_iter()
            .map(Statement::ReturnNone)
            .collect(),
        Statement::For(var, start, end, inner) => blocks(function, inner)
            .into_iter()
            .map(|inner| Statement::For(*var, start.clone(), end.clone(), inner))
            .collect(),
        Statement::While(var, end, cond, inner) => {
            let mut all: Vec<Statement> = blocks(function, inner)
                .into_iter()
                .map(|inner| Statement::While(*var, end.clone(), cond.clone(), inner))
                .collect();
            if cond.is_some() {
                all.push(Statement::While(*var, end.clone(), None, inner.clone()));
            }
            all
        }
        Statement::Break(cond) => conds(function, cond)
            .into_iter()
            .map(Statement::Break)
            .collect(),
        Statement::Continue(cond) => conds(function, cond)
            .into_iter()
            .map(Statement::Continue)
            .collect(),
        Statement::Block(inner) => blocks(function, inner)
            .into_iter()
            .map(Statement::Block)
            .collect(),
        Statement::Log(_) | Statement::AssertLess(..) => Vec::new(),
    }
}

fn conds(function: &Function, cond: &crate::program::Cond) -> Vec<crate::program::Cond> {
    use crate::program::Cond;
    match cond {
        Cond::Less(a, b) | Cond::Greater(a, b) => {
            let make = |a: &Expr, b: &Expr| match cond {
                Cond::Less(..) => Cond::Less(Box::new(a.clone()), Box::new(b.clone())),
                _ => Cond::Greater(Box::new(a.clone()), Box::new(b.clone())),
            };
            let mut all: Vec<Cond> = exprs(function, a).iter().map(|a| make(a, b)).collect();
            all.extend(exprs(function, b).iter().map(|b| make(a, b)));
            all
        }
        Cond::And(a, b) | Cond::Or(a, b) => vec![(**a).clone(), (**b).clone()],
        Cond::Not(a) => vec![(**a).clone()],
        Cond::IntLess(..) | Cond::IntEqual(..) => Vec::new(),
    }
}

fn exprs(function: &Function, expr: &Expr) -> Vec<Expr> {
    let ty = type_of(function, expr);
    let mut all = Vec::new();
    // A part instead of the whole.
    let mut parts: Vec<&Expr> = Vec::new();
    match expr {
        Expr::Apply(_, args, ..) | Expr::Call(_, args, _) | Expr::Map(_, args, ..) => {
            parts.extend(args);
        }
        Expr::If(_, a, b, _) => parts.extend(a.value.iter().chain(&b.value)),
        Expr::Match(_, arms, _) => parts.extend(arms.iter().filter_map(|a| a.value.as_ref())),
        Expr::Block(body, _) => parts.extend(&body.value),
        _ => {}
    }
    all.extend(
        parts
            .into_iter()
            .filter(|p| type_of(function, p) == ty)
            .cloned(),
    );
    // Something trivial.
    if ty == Type::Real && !matches!(expr, Expr::Real(_) | Expr::Var(_)) {
        all.push(Expr::Real(0.5));
        all.extend(
            (0..function.parameters)
                .filter(|p| function.variables[*p].ty == Type::Real)
                .map(Expr::Var),
        );
    }
    if matches!(ty, Type::Matrix(..))
        && !matches!(expr, Expr::Var(_) | Expr::Apply(Op::Build | Op::Repeat, ..))
    {
        all.extend(
            (0..function.parameters)
                .filter(|p| function.variables[*p].ty == ty)
                .map(Expr::Var),
        );
        all.push(Expr::Apply(
            Op::Repeat,
            vec![Expr::Real(0.5)],
            ty.clone(),
            0,
        ));
    }
    // Something smaller inside.
    match expr {
        Expr::Apply(op, args, ty, spelling) => {
            for (i, arg) in args.iter().enumerate() {
                for less in exprs(function, arg) {
                    let mut args = args.clone();
                    args[i] = less;
                    all.push(Expr::Apply(op.clone(), args, ty.clone(), *spelling));
                }
            }
        }
        Expr::Call(callee, args, ty) => {
            for (i, arg) in args.iter().enumerate() {
                for less in exprs(function, arg) {
                    let mut args = args.clone();
                    args[i] = less;
                    all.push(Expr::Call(*callee, args, ty.clone()));
                }
            }
        }
        Expr::Map(vars, args, body, ty) => {
            for (i, arg) in args.iter().enumerate() {
                for less in exprs(function, arg) {
                    let mut args = args.clone();
                    args[i] = less;
                    all.push(Expr::Map(vars.clone(), args, body.clone(), ty.clone()));
                }
            }
            for less in bodies(function, body) {
                all.push(Expr::Map(
                    vars.clone(),
                    args.clone(),
                    Box::new(less),
                    ty.clone(),
                ));
            }
        }
        Expr::FromFn(i, j, body, ty) => {
            for less in bodies(function, body) {
                all.push(Expr::FromFn(*i, *j, Box::new(less), ty.clone()));
            }
        }
        Expr::IterSum {
            index,
            vars,
            over,
            body,
        } => {
            for less in bodies(function, body) {
                all.push(Expr::IterSum {
                    index: *index,
                    vars: vars.clone(),
                    over: over.clone(),
                    body: Box::new(less),
                });
            }
        }
        Expr::RangeSum(var, start, end, body) => {
            for less in bodies(function, body) {
                all.push(Expr::RangeSum(
                    *var,
                    start.clone(),
                    end.clone(),
                    Box::new(less),
                ));
            }
        }
        Expr::Fold {
            start,
            total,
            var,
            over,
            term,
        } => {
            for less in exprs(function, term) {
                all.push(Expr::Fold {
                    start: start.clone(),
                    total: *total,
                    var: *var,
                    over: over.clone(),
                    term: Box::new(less),
                });
            }
            for less in exprs(function, start) {
                all.push(Expr::Fold {
                    start: Box::new(less),
                    total: *total,
                    var: *var,
                    over: over.clone(),
                    term: term.clone(),
                });
            }
        }
        Expr::If(cond, a, b, ty) => {
            for less in bodies(function, a) {
                all.push(Expr::If(
                    cond.clone(),
                    Box::new(less),
                    b.clone(),
                    ty.clone(),
                ));
            }
            for less in bodies(function, b) {
                all.push(Expr::If(
                    cond.clone(),
                    a.clone(),
                    Box::new(less),
                    ty.clone(),
                ));
            }
            for less in conds(function, cond) {
                all.push(Expr::If(Box::new(less), a.clone(), b.clone(), ty.clone()));
            }
        }
        Expr::Match(of, arms, ty) => {
            for (i, arm) in arms.iter().enumerate() {
                for less in bodies(function, arm) {
                    let mut arms = arms.clone();
                    arms[i] = less;
                    all.push(Expr::Match(of.clone(), arms, ty.clone()));
                }
            }
        }
        Expr::Block(body, ty) => {
            for less in bodies(function, body) {
                all.push(Expr::Block(Box::new(less), ty.clone()));
            }
        }
        Expr::Real(_) | Expr::Int(_) | Expr::Var(_) => {}
    }
    all
}
